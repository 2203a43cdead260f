"""Sketches against exact counts, within the bounds that they promise."""

from __future__ import annotations

from array import array
from collections import Counter
from math import e

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vorbehalt.patterns.sketches import (
    HOUR,
    MINUTE,
    CountMin,
    Decaying,
    HyperLogLog,
    distinct,
    halved,
    hash64,
    rank,
)

NOW = 1_800_000_000_000_000_000


def key(number: int) -> int:
    return hash64(str(number).encode())


@given(st.lists(st.integers(0, 300), max_size=400))
@settings(max_examples=40, deadline=None)
def test_no_count_is_below_the_truth(numbers: list[int]) -> None:
    sketch, exact = CountMin(), Counter(numbers)

    for number in numbers:
        sketch.add(key(number), NOW)

    assert [number for number in exact if sketch.count(key(number)) < exact[number]] == []


def test_counts_are_too_high_for_fewer_than_two_percent_by_more_than_the_bound() -> None:
    sketch = CountMin(load=1_000_000)
    added = 120_000

    for number in range(added):
        sketch.add(key(number), NOW)

    bound = e * added / 65_536
    wrong = sum(sketch.count(key(number)) - 1 > bound for number in range(added))
    assert wrong / added < e**-4


def test_with_the_usual_load_strangers_are_strangers() -> None:
    sketch = CountMin()

    seen_three_times = sum(sketch.add(key(number), NOW + number) >= 3 for number in range(200_000))

    assert seen_three_times < 100


def test_a_count_halves_every_ten_minutes() -> None:
    sketch = CountMin()
    for _ in range(40):
        sketch.add(7, NOW)

    counts = [sketch.add(7, NOW + minutes * MINUTE) for minutes in (9, 10, 19, 20, 50)]

    assert counts == [41, 21, 22, 12, 2]


def test_neighbours_keep_their_own_bits_when_all_cells_are_halved_at_once() -> None:
    sketch = CountMin()
    keys = [key(number) for number in range(500)]
    for place, one in enumerate(keys):
        for _ in range(place % 7 + 1):
            sketch.add(one, NOW)
    before = [sketch.count(one) for one in keys]

    sketch.add(key(-1), NOW + 10 * MINUTE)

    assert [sketch.count(one) for one in keys] == [count // 2 for count in before]


def test_after_hours_nothing_is_left() -> None:
    sketch = CountMin()
    sketch.add(7, NOW)

    assert sketch.add(7, NOW + 5 * HOUR) == 1


def test_a_full_cell_stays_full() -> None:
    sketch = CountMin(load=10**9)
    sketch.add(7, NOW)
    sketch._cells = array("H", [65_535]) * len(sketch._cells)

    assert sketch.add(7, NOW) == 65_535
    assert sketch.count(7) == 65_535


def test_a_clock_that_goes_back_neither_breaks_nor_freezes_the_ageing() -> None:
    sketch = CountMin()
    for _ in range(8):
        sketch.add(7, NOW)

    assert sketch.add(7, NOW - 90 * HOUR) == 9
    assert sketch.add(7, NOW - 90 * HOUR + 10 * MINUTE) == 5


@given(st.sets(st.integers(0, 10**9), max_size=9))
@settings(max_examples=60, deadline=None)
def test_few_keys_are_counted_almost_exactly(numbers: set[int]) -> None:
    sketch = HyperLogLog()
    for number in numbers:
        sketch.add(key(number))

    # Two keys may fall on one register; three of nine do so once in a thousand sets.
    assert len(numbers) - 3 <= sketch.estimate() <= len(numbers) + 1


@pytest.mark.parametrize("registers", [64, 1024])
@pytest.mark.parametrize("true", [50, 150, 600, 5_000])
def test_the_mean_error_is_within_the_promise(registers: int, true: int) -> None:
    errors = []
    for run in range(40):
        sketch = HyperLogLog(registers)
        for number in range(true):
            sketch.add(key(run * 1_000_000 + number))
        errors.append((sketch.estimate() - true) / true)

    promised = 1.04 / registers**0.5
    assert (sum(error * error for error in errors) / len(errors)) ** 0.5 < 1.35 * promised
    assert abs(sum(errors) / len(errors)) < promised


@given(st.lists(st.integers(0, 500)), st.lists(st.integers(0, 500)))
@settings(max_examples=40, deadline=None)
def test_a_merged_sketch_is_that_of_all_keys(some: list[int], others: list[int]) -> None:
    one, other, both = HyperLogLog(), HyperLogLog(), HyperLogLog()
    for number in some:
        one.add(key(number))
        both.add(key(number))
    for number in others:
        other.add(key(number))
        both.add(key(number))

    one.merge(other)

    assert one.registers == both.registers
    assert one.estimate() == both.estimate()


def test_what_was_there_before_adds_nothing() -> None:
    sketch = HyperLogLog()

    assert [sketch.add(key(1)), sketch.add(key(1))] == [True, False]


def test_the_rank_is_the_place_of_the_first_one_behind_the_register() -> None:
    assert rank(0, 64) == (0, 59)
    assert rank((1 << 64) - 1, 64) == (63, 1)
    assert rank(5 | 1 << 62, 64) == (5, 2)
    assert rank(5 | 1 << 6, 64) == (5, 58)


@pytest.mark.parametrize("registers", [0, 32, 65, 100])
def test_other_numbers_of_registers_are_refused(registers: int) -> None:
    with pytest.raises(ValueError, match="registers"):
        HyperLogLog(registers)


def test_sketches_of_different_sizes_do_not_merge() -> None:
    with pytest.raises(ValueError, match="one size"):
        HyperLogLog(64).merge(HyperLogLog(128))


def test_empty_registers_hold_nothing() -> None:
    assert distinct(bytes(64)) == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10 * HOUR)), max_size=8),
    st.integers(1, HOUR),
    st.integers(0, 20 * HOUR),
)
def test_a_decaying_sum_is_the_sum_of_what_is_left(
    additions: list[tuple[int, int]], half_life: int, later: int
) -> None:
    counter = Decaying(half_life)
    ordered = sorted(additions, key=lambda addition: addition[1])
    for amount, at in ordered:
        counter.add(amount, NOW + at)
    end = NOW + (ordered[-1][1] if ordered else 0) + later

    expected = sum(amount * halved(end - NOW - at, half_life) for amount, at in ordered)
    assert counter.value(end) == pytest.approx(expected, abs=1e-6)


def test_a_sum_halves_in_its_half_life_and_never_grows_by_waiting() -> None:
    counter = Decaying(30 * MINUTE)
    counter.add(8, NOW)

    assert counter.value(NOW + 30 * MINUTE) == 4.0
    assert counter.value(NOW + 60 * MINUTE) == 2.0
    assert counter.value(NOW - HOUR) == 8.0
    assert counter.value(NOW + 10**9 * HOUR) == 0.0


def test_sums_merge() -> None:
    one, other = Decaying(HOUR), Decaying(HOUR)
    one.add(4, NOW)
    other.add(8, NOW - HOUR)

    one.merge(other, NOW)

    assert one.value(NOW) == 8.0
