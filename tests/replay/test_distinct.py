"""Distinct clients are counted exactly while they are few, and within two percent when they are many."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.replay import distinct
from vorbehalt.replay.bounded import HeavyHitters, Timeline
from vorbehalt.replay.distinct import DistinctCounter

_HOUR = 3_600_000_000_000


@given(st.lists(st.integers(0, 2**64 - 1), max_size=200))
def test_few_are_counted_exactly(keys: list[int]) -> None:
    counter = DistinctCounter()
    for key in keys:
        counter.add(key)

    assert len(counter) == len(set(keys))
    assert counter.is_exact


@pytest.mark.parametrize("count", [1_001, 20_000, 60_000])
def test_many_are_estimated_within_three_standard_errors(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(distinct, "EXACT", 1_000)
    numbers = random.Random(7)
    counter = DistinctCounter()
    keys = [numbers.getrandbits(64) for _ in range(count)]
    for key in keys + keys[:500]:
        counter.add(key)

    assert not counter.is_exact
    assert abs(len(counter) - count) < 0.0244 * count
    assert len(counter._registers) == 16_384


def test_frequent_keys_survive_any_number_of_rare_ones() -> None:
    hitters = HeavyHitters(capacity=64)
    for number in range(2_000):
        hitters.add(f"/rare/{number}")
        if number % 4 == 0:
            hitters.add("/often")
        if number % 8 == 0:
            hitters.add("/sometimes")

    assert hitters.top(2) == (("/often", 500), ("/sometimes", 250))
    assert not hitters.is_exact


def test_a_few_keys_are_counted_exactly() -> None:
    hitters = HeavyHitters(capacity=3)
    for key in "abacab":
        hitters.add(key)

    assert hitters.top(5) == (("a", 3), ("b", 2), ("c", 1))
    assert hitters.is_exact


def test_a_timeline_widens_instead_of_growing() -> None:
    timeline = Timeline(2, limit=10)
    for hour in range(24 * 30):
        timeline.add(hour * _HOUR + 5, hour % 2)
    rows = timeline.rows()

    assert len(rows) <= 10
    assert sum(counts[0] for _, counts in rows) == sum(counts[1] for _, counts in rows) == 360
    assert timeline.width == 24 * 4 * _HOUR
    assert [start for start, _ in rows] == sorted(start for start, _ in rows)


def test_lines_out_of_order_land_in_their_hour() -> None:
    timeline = Timeline(1)
    for at in (_HOUR, 3 * _HOUR, _HOUR + 1, 2 * _HOUR - 1, 2 * _HOUR):
        timeline.add(at, 0)

    assert timeline.rows() == ((_HOUR, (3,)), (2 * _HOUR, (1,)), (3 * _HOUR, (1,)))


@given(st.lists(st.integers(0, 10**6), max_size=80), st.integers(2, 8))
def test_a_timeline_never_has_more_rows_than_its_limit(hours: list[int], limit: int) -> None:
    timeline = Timeline(1, limit=limit)
    for hour in hours:
        timeline.add(hour * _HOUR, 0)

    assert len(timeline.rows()) <= limit
    assert sum(counts[0] for _, counts in timeline.rows()) == len(hours)
