"""When a cohort is a campaign, who belongs to it, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cohort_support import (
    BEGIN,
    INPUTS,
    OLD,
    READ,
    SHAPE,
    ask,
    cohorts_with_readers,
    figures,
    member,
    send,
    the_only,
)
from conduct_support import BOOK
from vorbehalt.patterns.cohort import SLOT
from vorbehalt.patterns.cohort_keys import CohortKey
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.seen import Inputs
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND
from vorbehalt.patterns.spots import spot_of


def test_a_fleet_is_a_campaign() -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, 100, BEGIN)
    campaign = the_only(cohorts, end)
    assert campaign.cohort == SHAPE.text
    assert campaign.first_seen == BEGIN
    assert campaign.last_seen == BEGIN + 99 * SECOND
    assert campaign.addresses == pytest.approx(100, rel=0.15)
    assert (campaign.members, campaign.readers) == (100, 0)
    assert campaign.people_at_most == pytest.approx(0.0295, abs=0.001)


@pytest.mark.parametrize(("requests", "is_campaign"), [(48, False), (64, True)])
def test_about_fifty_addresses_are_needed(requests: int, is_campaign: bool) -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, requests, BEGIN)
    assert bool(cohorts.campaigns(end)) is is_campaign


def test_a_fleet_within_one_network_is_a_campaign_of_the_network() -> None:
    cohorts = cohorts_with_readers()
    for number in range(200):
        shape = CohortKey("headers", f"headers:{number:016x}")
        ask(cohorts, number, BEGIN + number * SECOND, home=f"91.1.1.{number}", shape=shape)
    assert the_only(cohorts, BEGIN + 5 * MINUTE).cohort == "91.1.1.0/24"


def test_members_are_deep_views_without_a_sign_of_a_reader() -> None:
    cohorts = cohorts_with_readers()
    assert not member(cohorts, BEGIN)
    end = send(cohorts, 100, BEGIN)
    assert member(cohorts, end)
    assert not member(cohorts, end, is_reader=True)
    assert not member(cohorts, end, READ[0])
    assert not member(cohorts, end, spot_of("/"))
    assert not member(cohorts, end, shape=CohortKey("headers", "headers:aaaaaaaaaaaaaaaa"))


def test_a_campaign_ends_an_hour_after_its_last_view() -> None:
    cohorts = cohorts_with_readers()
    send(cohorts, 100, BEGIN)
    cohorts.campaigns(BEGIN + 200 * SECOND)
    last = BEGIN + 99 * SECOND
    assert member(cohorts, last + HOUR - 1)
    assert len(cohorts.campaigns(last + HOUR - 1)) == 1
    assert cohorts.campaigns(last + HOUR) == ()
    assert not member(cohorts, last + HOUR)


def test_membership_ends_without_anybody_asking_for_campaigns() -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, 100, BEGIN)
    cohorts.campaigns(end)
    last = BEGIN + 99 * SECOND
    assert member(cohorts, last + HOUR - 1)
    assert not member(cohorts, last + HOUR)
    assert not cohorts.running


def test_a_campaign_that_goes_on_stays_one_campaign_for_days() -> None:
    cohorts = cohorts_with_readers()
    at, step = BEGIN, 20 * SECOND
    for number in range(3 * 24 * 180):
        at = BEGIN + number * step
        ask(cohorts, number, at)
        if number % 3 == 0:
            ask(
                cohorts,
                10**6,
                at,
                page=READ[number % 50],
                is_reader=True,
                home="9.9.9.9",
                shape=CohortKey("headers", "headers:0"),
            )
    campaign = the_only(cohorts, at)
    assert campaign.first_seen == BEGIN
    assert campaign.last_hour.views <= 180


def test_readers_among_its_members_refute_a_campaign() -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, 200, BEGIN)
    assert len(cohorts.campaigns(end)) == 1
    for number in range(1_000, 1_003):
        ask(cohorts, number, end)
        cohorts.note_asset(number, end + SECOND)
    assert cohorts.campaigns(end + 2 * SECOND) == ()


def test_a_campaign_that_readers_refuted_at_once_is_none() -> None:
    cohorts = cohorts_with_readers()
    for number in range(200):
        ask(cohorts, number, BEGIN + number * SECOND)
        if number % 50 == 10:
            cohorts.note_asset(number, BEGIN + number * SECOND + 1)
    assert cohorts.campaigns(BEGIN + 10 * MINUTE) == ()


def test_readers_that_come_to_its_cohort_end_a_campaign() -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, 100, BEGIN)
    assert len(cohorts.campaigns(end)) == 1
    for number in range(100):
        ask(cohorts, 5_000 + number, end + number * SECOND, page=READ[number % 50], is_reader=True)
    send(cohorts, 40, end + 100 * SECOND, first=200)
    assert cohorts.campaigns(end + 5 * MINUTE) == ()


def test_what_a_cohort_always_does_is_no_campaign_until_it_is_four_times_that() -> None:
    cohorts = cohorts_with_readers()
    at = BEGIN
    for slot in range(7 * 48):  # 15 such views in each half hour, for a week
        for n in range(15):
            at = BEGIN + slot * SLOT + n * MINUTE
            ask(cohorts, slot * 15 + n, at)
        cohorts.note_page(-1, "9.9.9.9", READ[slot % 50], (), at, is_reader=True)
    assert cohorts.campaigns(at + 15 * SECOND) == ()
    begin = BEGIN + 7 * 48 * SLOT
    end = send(cohorts, 96, begin, first=50_000)
    assert cohorts.campaigns(end) == ()
    end = send(cohorts, 64, end, first=60_000)
    assert len(cohorts.campaigns(end)) == 1


def test_nothing_is_found_before_readers_have_shown_what_is_read() -> None:
    cohorts = Cohorts(BOOK, INPUTS)
    end = send(cohorts, 500, BEGIN)
    assert cohorts.campaigns(end) == ()
    assert figures(cohorts).deep == 500


def test_nothing_is_found_where_assets_do_not_pass_us() -> None:
    cohorts = Cohorts(BOOK, Inputs())
    end = send(cohorts, 200, BEGIN)
    assert not cohorts.is_on
    assert (cohorts.campaigns(end), len(cohorts), len(cohorts.waiting)) == ((), 0, 0)
    cohorts.note_path(OLD[3].hash, end)
    assert not cohorts.read_paths


def test_thresholds_come_from_the_book() -> None:
    definition = BOOK.definition("cohort.orphans")
    lower = replace(definition, parameters={**definition.parameters, "addresses": 20})
    book = replace(BOOK, definitions={**BOOK.definitions, "cohort.orphans": lower})
    cohorts = Cohorts(book, INPUTS)
    for number in range(200):
        cohorts.note_page(-1, "9.9.9.9", READ[number % 50], (), BEGIN, is_reader=True)
    end = send(cohorts, 40, BEGIN)
    assert len(cohorts.campaigns(end)) == 1


def test_one_reader_in_a_quiet_hour_does_not_end_a_campaign() -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, 100, BEGIN + 25 * MINUTE)
    assert len(cohorts.campaigns(end)) == 1
    later = BEGIN + 61 * MINUTE
    ask(cohorts, 7_000, later)
    cohorts.note_asset(7_000, later + SECOND)
    assert figures(cohorts).readers == figures(cohorts).views == 1
    assert the_only(cohorts, later + 2 * SECOND).readers == 1
