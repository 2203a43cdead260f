"""The busiest cohorts stay, whatever else comes by."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.patterns.busiest import Busiest
from vorbehalt.patterns.cohort import Cohort
from vorbehalt.patterns.sketches import HOUR, SECOND

NOW = 1_795_000_000 * SECOND


def table(capacity: int) -> tuple[Busiest, list[str]]:
    gone: list[str] = []
    return Busiest(capacity, lambda cohort: gone.append(cohort.key)), gone


@given(st.lists(st.integers(0, 30), max_size=400), st.integers(1, 12))
def test_whoever_is_met_more_often_than_all_by_capacity_is_there(keys: list[int], capacity: int) -> None:
    busiest, _ = table(capacity)
    for key in keys:
        busiest.meet(str(key), NOW)
    kept = {cohort.key for cohort in busiest}
    assert {str(key) for key, often in Counter(keys).items() if often > len(keys) / capacity} <= kept
    assert len(busiest) == min(capacity, len(set(keys)))


@given(st.lists(st.integers(0, 30), max_size=400), st.integers(1, 12))
def test_the_one_met_least_makes_room_and_leaves_its_count(keys: list[int], capacity: int) -> None:
    busiest, gone = table(capacity)
    for key in keys:
        before = {cohort.key: cohort.met for cohort in busiest}
        went = len(gone)
        cohort = busiest.meet(str(key), NOW)
        if len(gone) > went:
            assert before[gone[-1]] == min(before.values())
            assert cohort.met == min(before.values()) + 1
        else:
            assert cohort.met == before.get(str(key), 0) + 1


def test_a_newcomer_has_no_figures_of_the_one_that_went() -> None:
    busiest, _ = table(1)
    busiest.meet("a", NOW).current.views = 7
    assert busiest.meet("b", NOW).current.views == 0


def test_a_thousand_names_that_come_once_do_not_drive_out_a_busy_one() -> None:
    busiest, _ = table(20)
    random = Random(1)
    fleet = busiest.meet("fleet", NOW)
    for number in range(20_000):
        busiest.meet("fleet" if random.random() < 0.1 else f"once {number}", NOW + number * SECOND)
    assert busiest.meet("fleet", NOW + 20_000 * SECOND) is fleet
    assert len(busiest) == 20


def test_counts_fade_so_that_those_of_last_week_make_room() -> None:
    busiest, gone = table(2)
    for _ in range(100):
        busiest.meet("old", NOW)
    for step in range(1, 40):
        for _ in range(4):
            busiest.meet("new", NOW + step * 6 * HOUR)
    assert gone == ["old"]
    assert [cohort.key for cohort in busiest] == ["new"]


def test_counts_do_not_fade_within_six_hours() -> None:
    busiest, _ = table(2)
    cohort = busiest.meet("a", NOW)
    for _ in range(3):
        busiest.meet("a", NOW + 6 * HOUR - 1)
    assert cohort.met == 4
    busiest.meet("a", NOW + 6 * HOUR)
    assert cohort.met == 3


def test_the_order_of_going_holds_after_fading() -> None:
    busiest, gone = table(3)
    for key, often in (("a", 40), ("b", 8), ("c", 20)):
        for _ in range(often):
            busiest.meet(key, NOW)
    busiest.meet("a", NOW + 7 * HOUR)
    busiest.meet("d", NOW + 7 * HOUR)
    assert gone == ["b"]


def test_a_clock_that_goes_back_breaks_nothing() -> None:
    busiest, _ = table(3)
    for step in range(50):
        busiest.meet(str(step % 5), NOW - step * HOUR)
    assert len(busiest) <= 3
    assert isinstance(busiest.meet("x", NOW), Cohort)
