"""One cohort: figures of an hour, and what is usual."""

from __future__ import annotations

import sys

import pytest

from vorbehalt.patterns.cohort import SLOT, Bucket, Cohort, Usual
from vorbehalt.patterns.sketches import HOUR, SECOND, hash64

NOW = 1_794_997_800 * SECOND
DAYS = 7.0


def deep(cohort: Cohort, number: int, *, at: int = NOW, first: int = 0) -> None:
    """So many deep orphans, each of another address and page."""
    for n in range(first, first + number):
        bucket = cohort.current
        bucket.views += 1
        bucket.orphans += 1
        bucket.note_deep(hash64(b"address %d" % n), hash64(b"page %d" % n), at)


def test_the_moment_begins_a_half_hour() -> None:
    assert NOW % SLOT == 0


def test_figures_are_of_this_half_hour_and_the_one_before() -> None:
    cohort = Cohort("x", NOW)
    deep(cohort, 40)
    cohort.turn(NOW + SLOT, DAYS)
    deep(cohort, 20, first=30)
    found = cohort.measures()
    assert (found.views, found.orphans, found.deep) == (60, 60, 60)
    assert found.addresses == pytest.approx(50, abs=4)
    assert found.pages == pytest.approx(50, abs=10)
    cohort.turn(NOW + 2 * SLOT, DAYS)
    assert cohort.measures().views == 20
    cohort.turn(NOW + 3 * SLOT, DAYS)
    assert cohort.measures().views == 0


def test_a_half_hour_ends_when_it_is_over_and_not_before() -> None:
    cohort = Cohort("x", NOW)
    assert [cohort.turn(NOW + SLOT - 1, DAYS), cohort.turn(NOW + SLOT, DAYS)] == [False, True]


def test_after_a_pause_of_an_hour_nothing_of_before_counts() -> None:
    cohort = Cohort("x", NOW)
    deep(cohort, 40)
    cohort.turn(NOW + HOUR, DAYS)
    assert cohort.measures().views == 0


def test_there_are_never_more_addresses_than_views() -> None:
    cohort = Cohort("x", NOW)
    for number in range(1, 200):
        deep(cohort, 1, first=number)
        assert cohort.measures().addresses <= number
        assert cohort.measures().pages <= number


def test_shares_are_of_all_views() -> None:
    cohort = Cohort("x", NOW)
    deep(cohort, 3)
    cohort.current.views += 1
    cohort.current.dead = 2
    found = cohort.measures()
    assert (found.orphan_share, found.deep_share, found.dead_share) == (0.75, 0.75, 0.5)


def test_an_empty_cohort_has_no_shares() -> None:
    found = Cohort("x", NOW).measures()
    assert (found.orphan_share, found.deep_share, found.dead_share) == (0.0, 0.0, 0.0)


def test_nothing_is_usual_of_a_new_cohort() -> None:
    cohort = Cohort("x", NOW)
    deep(cohort, 500)
    cohort.turn(NOW + SLOT, DAYS)
    assert cohort.usual_an_hour(NOW + SLOT, SLOT, DAYS) == Usual()


def steady(hours: int, each_half_hour: int) -> tuple[Cohort, int]:
    cohort = Cohort("x", NOW)
    at = NOW
    for step in range(2 * hours):
        at = NOW + step * SLOT
        cohort.turn(at, DAYS)
        deep(cohort, each_half_hour, at=at)
    return cohort, at


def test_what_comes_all_week_is_usual() -> None:
    cohort, at = steady(7 * 24, 5)
    usual = cohort.usual_an_hour(at, at - NOW, DAYS)
    assert usual.deep == pytest.approx(10, rel=0.05)
    assert usual.orphans == usual.views == usual.deep


def test_of_the_first_day_the_hours_before_count_as_quiet() -> None:
    cohort, at = steady(6, 5)
    assert cohort.usual_an_hour(at, at - NOW, DAYS).deep == pytest.approx(10 * 5 / 24, rel=0.1)


def test_what_was_usual_fades_while_nobody_comes() -> None:
    cohort, at = steady(7 * 24, 5)
    later = at + 7 * 24 * HOUR
    assert cohort.usual_an_hour(later, later - NOW, DAYS).deep == pytest.approx(
        10 * (1 - 1 / 2.718) / 2.718 / (1 - 1 / 7.389), rel=0.05
    )


def test_a_campaign_does_not_become_its_own_normal() -> None:
    cohort = Cohort("x", NOW)
    deep(cohort, 100)
    assert cohort.begin_campaign() == NOW
    for step in range(1, 48):
        cohort.turn(NOW + step * SLOT, DAYS)
        deep(cohort, 100)
    assert cohort.usual_an_hour(NOW + 24 * HOUR, 24 * HOUR, DAYS).deep == 0.0
    cohort.in_campaign = False
    for step in range(48, 96):
        cohort.turn(NOW + step * SLOT, DAYS)
        deep(cohort, 100)
    assert cohort.usual_an_hour(NOW + 48 * HOUR, 48 * HOUR, DAYS).deep > 50


def test_a_campaign_takes_the_half_hour_before_along() -> None:
    cohort = Cohort("x", NOW)
    deep(cohort, 10, at=NOW + 5)
    cohort.turn(NOW + SLOT, DAYS)
    deep(cohort, 10, at=NOW + SLOT + 5)
    assert cohort.begin_campaign() == NOW + 5
    cohort.in_campaign = False
    for step in range(2, 5):
        cohort.turn(NOW + step * SLOT, DAYS)
    assert cohort.usual_an_hour(NOW + 2 * HOUR, 2 * HOUR, DAYS) == Usual()


def test_when_the_clock_goes_back_the_hour_begins_anew() -> None:
    cohort, at = steady(48, 5)
    usual = cohort.usual_an_hour(at, at - NOW, DAYS)
    assert cohort.turn(at - 30 * HOUR, DAYS)
    assert cohort.measures().views == 0
    assert cohort.usual_an_hour(at - 30 * HOUR, at - NOW, DAYS) == usual
    deep(cohort, 3)
    assert cohort.measures().views == 3


def test_a_cohort_with_all_it_owns_takes_at_most_1700_bytes() -> None:
    cohort = Cohort("headers:0123456789abcdef", NOW)
    for step in range(4):
        cohort.turn(NOW + step * SLOT, DAYS)
        deep(cohort, 300)
    assert _size(cohort, set()) <= 1_700


def _size(thing: object, seen: set[int]) -> int:
    if id(thing) in seen or thing is None or isinstance(thing, bool):
        return 0
    seen.add(id(thing))
    slots = [name for name in getattr(type(thing), "__slots__", ()) if hasattr(thing, name)]
    return sys.getsizeof(thing) + sum(_size(getattr(thing, name), seen) for name in slots)


def test_a_half_hour_without_deep_orphans_has_no_registers() -> None:
    assert not Bucket(in_campaign=False).addresses
