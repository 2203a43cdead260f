"""When figures are those of a fleet, and how many of its members may be people."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conduct_support import BOOK, NOW, made
from vorbehalt.patterns.campaign import Running, Thresholds, reasons, upper_bound
from vorbehalt.patterns.cohort import Cohort, Measures, Usual
from vorbehalt.patterns.marks import Held
from vorbehalt.patterns.score import assess
from vorbehalt.patterns.sketches import MINUTE, SECOND, hash64

DEFINITION = BOOK.definition("cohort.orphans")
LIMITS = Thresholds.of(DEFINITION)
FLEET = Measures(views=1000, orphans=950, deep=600, dead=0, candidates=700, readers=7, addresses=50, pages=30)
QUIET = Usual()


def test_thresholds_are_those_of_the_rules() -> None:
    assert (LIMITS.addresses, LIMITS.pages, LIMITS.address_views) == (50, 30, 8)
    assert (LIMITS.orphan_share, LIMITS.deep_share, LIMITS.people_share) == (0.9, 0.5, 0.01)
    assert (LIMITS.baseline_factor, LIMITS.baseline_days) == (4, 7)
    assert (LIMITS.soon, LIMITS.late) == (10 * SECOND, MINUTE)


def test_a_cohort_just_within_every_threshold_is_a_fleet() -> None:
    assert LIMITS.are_met(FLEET, QUIET)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"addresses": 49}, "fewer than 50 addresses"),
        ({"pages": 29}, "fewer than 30 pages: a link that was shared"),
        ({"orphans": 900}, "one view in ten is followed by something"),
        ({"deep": 500}, "half of the pages are read by readers"),
        ({"readers": 8}, "more than one in a hundred turned out to be a reader"),
    ],
)
def test_each_of_these_alone_makes_it_none(change: dict[str, int], why: str) -> None:
    assert not LIMITS.are_met(replace(FLEET, **change), QUIET), why


def test_more_than_four_times_the_usual_is_needed() -> None:
    assert LIMITS.are_met(FLEET, Usual(deep=149.9))
    assert not LIMITS.are_met(FLEET, Usual(deep=150.0))


def test_a_campaign_goes_on_with_fewer_addresses_but_not_with_readers_among_its_members() -> None:
    assert LIMITS.still_hold(replace(FLEET, addresses=10, pages=5))
    for change in ({"orphans": 900}, {"deep": 500}, {"readers": 8}):
        assert not LIMITS.still_hold(replace(FLEET, **change))


def test_nothing_seen_is_no_fleet() -> None:
    assert not LIMITS.are_met(Measures(), QUIET)


@pytest.mark.parametrize(
    ("hits", "trials", "share"),
    [
        (0, 1, 0.95),
        (0, 100, 0.0295),  # the rule of three
        (0, 300, 0.00994),
        (1, 100, 0.0466),  # Clopper-Pearson, one-sided 95 %: the 0.95 quantile of Beta(2, 99)
        (5, 50, 0.1998),
        (10, 1000, 0.0169),
        (3, 3, 1.0),
        (0, 0, 1.0),
    ],
)
def test_the_bound_is_that_of_clopper_and_pearson(hits: int, trials: int, share: float) -> None:
    assert upper_bound(hits, trials) == pytest.approx(share, rel=0.01)


def test_the_bound_never_falls_below_what_was_seen_and_shrinks_with_more_views() -> None:
    bounds = [upper_bound(n // 100, n) for n in (100, 1_000, 10_000, 100_000)]
    assert bounds == sorted(bounds, reverse=True)
    assert all(bound > 0.01 for bound in bounds)


def test_reasons_say_what_was_seen_and_what_is_usual() -> None:
    said = reasons(replace(FLEET, dead=50), Usual(deep=1.25))
    assert said == (
        "50 addresses within the hour",
        "95% of 1000 page views without a cookie and with nothing after them",
        "60% of them on pages that no reader asks for, 30 different ones",
        "600 such views in the hour, where 1.2 are usual",
        "5% claim a browser that is dead or never was",
    )
    assert len(reasons(replace(FLEET, dead=49), QUIET)) == 4


def running() -> Running:
    cohort = Cohort("headers:0011223344556677", NOW)
    for number in range(60):
        cohort.current.note_deep(hash64(b"address %d" % number), hash64(b"page %d" % number), NOW + number)
    return Running(cohort, FLEET, QUIET, NOW + 60, DEFINITION)


def test_a_campaign_says_since_when_how_large_and_how_sure() -> None:
    campaign = running()
    campaign.note(hash64(b"one more"), NOW + 90)
    state = campaign.state()
    assert (state.cohort, state.first_seen, state.last_seen) == ("headers:0011223344556677", NOW, NOW + 90)
    assert state.addresses == pytest.approx(61, abs=6)
    assert (state.members, state.readers) == (700, 7)
    assert state.people_at_most == pytest.approx(upper_bound(7, 700))
    assert state.reasons == reasons(FLEET, QUIET)
    assert json.loads(json.dumps(state.as_json()))["last_hour"]["views"] == 1000


def test_the_last_view_is_the_latest_not_the_one_noted_last() -> None:
    campaign = running()
    campaign.note(1, NOW + 90)
    campaign.note(2, NOW + 80)
    assert campaign.state().last_seen == NOW + 90


def test_its_finding_names_the_cohort_and_the_figures() -> None:
    finding = running().finding
    assert (finding.id, finding.family, finding.weight) == ("cohort.orphans", "cohort", 30)
    assert finding.observed.startswith("headers:0011223344556677: 50 addresses within the hour; 95% of 1000")


@pytest.mark.parametrize("weight", [30, 80, 100])
def test_a_campaign_alone_never_blocks(weight: int) -> None:
    found = assess((), (Held(made("cohort.orphans", weight), 0.0),), (), BOOK, 0)
    assert found.level in ("limit", "challenge")
