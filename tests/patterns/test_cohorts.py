"""Which page views are orphans, whose they are, and what a reader is."""

from __future__ import annotations

import pytest

from cohort_support import (
    BEGIN,
    OLD,
    ask,
    cohorts_with_readers,
    figures,
)
from vorbehalt.patterns.cohort import Measures
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND
from vorbehalt.patterns.spots import spot_of


def test_a_view_is_an_orphan_after_ten_seconds_and_not_before() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN)
    cohorts.campaigns(BEGIN + 10 * SECOND - 1)
    assert figures(cohorts) == Measures()
    cohorts.campaigns(BEGIN + 10 * SECOND)
    assert figures(cohorts) == Measures(views=1, orphans=1, deep=1, candidates=1, addresses=1, pages=1)


def test_an_asset_in_time_makes_it_a_readers_view() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN)
    cohorts.note_asset(1, BEGIN + 2 * SECOND)
    cohorts.campaigns(BEGIN + HOUR // 4)
    assert figures(cohorts) == Measures(views=1, candidates=1, readers=1)


@pytest.mark.parametrize(("seconds", "orphans"), [(9, 0), (11, 0), (59, 0), (60, 1), (61, 1)])
def test_an_orphan_is_taken_back_within_a_minute(seconds: int, orphans: int) -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN)
    cohorts.note_asset(1, BEGIN + seconds * SECOND)
    cohorts.campaigns(BEGIN + 5 * MINUTE)
    found = figures(cohorts)
    assert (found.views, found.orphans, found.deep, found.readers) == (1, orphans, orphans, 1 - orphans)


def test_a_page_that_a_reader_turned_out_to_read_is_not_deep() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN, page=OLD[7])
    cohorts.note_asset(1, BEGIN + SECOND)
    ask(cohorts, 2, BEGIN + 2 * SECOND, page=OLD[7])
    cohorts.campaigns(BEGIN + MINUTE)
    found = figures(cohorts)
    assert (found.views, found.orphans, found.deep, found.candidates) == (2, 1, 0, 1)


def test_a_page_that_is_read_before_the_orphan_is_counted_is_not_deep() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN, page=OLD[7])
    ask(cohorts, 2, BEGIN + 5 * SECOND, page=OLD[7], is_reader=True)
    cohorts.campaigns(BEGIN + MINUTE)
    assert (figures(cohorts).orphans, figures(cohorts).deep) == (1, 0)


def test_the_front_page_is_never_deep() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN, page=spot_of("/"))
    cohorts.campaigns(BEGIN + MINUTE)
    assert (figures(cohorts).orphans, figures(cohorts).deep) == (1, 0)


def test_a_client_has_one_voice_a_minute() -> None:
    cohorts = cohorts_with_readers()
    for second in range(0, 180):
        ask(cohorts, second, BEGIN + second * SECOND, key=1, home="91.1.1.1")
    cohorts.campaigns(BEGIN + 10 * MINUTE)
    assert figures(cohorts).views == 3


def test_a_proof_by_cookie_settles_the_view_before() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN)
    ask(cohorts, 1, BEGIN + 5 * SECOND, is_reader=True)
    cohorts.campaigns(BEGIN + MINUTE)
    assert figures(cohorts) == Measures(views=2, candidates=1, readers=1)


def test_an_address_that_takes_new_headers_each_time_counts_eight_times() -> None:
    cohorts = cohorts_with_readers()
    for number in range(500):
        ask(cohorts, number, BEGIN + number * SECOND, home="91.1.1.1")
    cohorts.campaigns(BEGIN + 540 * SECOND)
    found = figures(cohorts)
    assert (found.views, found.addresses) == (8, 1)


def test_addresses_of_one_ipv6_64_are_one() -> None:
    cohorts = cohorts_with_readers()
    for number in range(300):
        ask(cohorts, number, BEGIN + number * SECOND, home=f"2a02:100:0:1::{number + 1:x}")
    assert cohorts.campaigns(BEGIN + 10 * MINUTE) == ()
    assert figures(cohorts).addresses == 1


def test_a_path_that_a_known_reader_asked_for_is_remembered() -> None:
    cohorts = cohorts_with_readers()
    assert OLD[3].hash not in cohorts.read_paths
    cohorts.note_path(OLD[3].hash, BEGIN)
    assert OLD[3].hash in cohorts.read_paths
    ask(cohorts, 1, BEGIN, page=OLD[3])
    cohorts.campaigns(BEGIN + MINUTE)
    assert figures(cohorts).deep == 0
