"""Clocks that go back, floods, and what cohorts cost in memory."""

from __future__ import annotations

import gc
import tracemalloc

from cohort_support import (
    BEGIN,
    OLD,
    READ,
    address,
    ask,
    cohorts_with_readers,
    figures,
    send,
    the_only,
)
from vorbehalt.patterns.busiest import Busiest
from vorbehalt.patterns.cohort import SLOT
from vorbehalt.patterns.cohort_keys import CohortKey
from vorbehalt.patterns.cohorts import CAMPAIGNS
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND, hash64


def test_a_little_disorder_in_time_changes_nothing() -> None:
    ordered, disordered = cohorts_with_readers(), cohorts_with_readers()
    times = [BEGIN + n * SECOND for n in range(100)]
    for number, at in enumerate(times):
        ask(ordered, number, at)
        ask(disordered, number, at - (5 * SECOND if number % 2 else 0))
    assert len(disordered.campaigns(BEGIN + 3 * MINUTE)) == len(ordered.campaigns(BEGIN + 3 * MINUTE)) == 1
    assert figures(disordered) == figures(ordered)


def test_a_clock_that_is_set_back_accuses_nobody_and_counting_goes_on() -> None:
    cohorts = cohorts_with_readers()
    send(cohorts, 40, BEGIN)
    back = BEGIN - 30 * 24 * HOUR
    send(cohorts, 40, back, first=40)
    assert cohorts.campaigns(back + 3 * MINUTE) == ()
    end = send(cohorts, 80, back + 4 * MINUTE, first=80)
    assert the_only(cohorts, end).first_seen == back
    assert figures(cohorts).views == 120


def test_a_clock_that_is_set_back_does_not_make_a_campaign_last() -> None:
    cohorts = cohorts_with_readers()
    end = send(cohorts, 100, BEGIN)
    assert len(cohorts.campaigns(end)) == 1
    back = BEGIN - 10 * HOUR
    (campaign,) = cohorts.campaigns(back)
    assert (campaign.first_seen, campaign.last_seen) == (back, back)
    assert cohorts.campaigns(back + HOUR) == ()


def test_a_clock_that_jumps_ahead_for_a_moment_leaves_no_trace_after_an_hour() -> None:
    cohorts = cohorts_with_readers()
    ask(cohorts, 1, BEGIN + 365 * 24 * HOUR)
    end = send(cohorts, 100, BEGIN + SECOND, first=10)
    assert the_only(cohorts, end).first_seen == BEGIN + SECOND


def test_views_that_wait_are_bounded_and_those_uncounted_are_never_counted() -> None:
    cohorts = cohorts_with_readers(waiting=64)
    for number in range(1_000):
        ask(cohorts, number, BEGIN + number)
        assert len(cohorts.waiting) <= 64
    cohorts.campaigns(BEGIN + MINUTE)
    assert figures(cohorts).views == 64


def test_views_that_were_counted_go_first_when_room_is_needed() -> None:
    cohorts = cohorts_with_readers(waiting=64)
    for number in range(40):
        ask(cohorts, number, BEGIN)
    for number in range(40, 90):
        ask(cohorts, number, BEGIN + 11 * SECOND)
    cohorts.campaigns(BEGIN + MINUTE)
    assert figures(cohorts).views == 90


def test_campaigns_are_bounded() -> None:
    cohorts = cohorts_with_readers()
    for fleet in range(CAMPAIGNS + 6):
        shape = CohortKey("headers", f"headers:{fleet:016x}")
        begin = BEGIN + fleet * 15 * SECOND
        send(cohorts, 64, begin, first=fleet * 64, step=SECOND // 100, shape=shape)
    cohorts.campaigns(BEGIN + SLOT)
    assert len(cohorts.running) == CAMPAIGNS


def test_a_cohort_that_loses_its_place_loses_its_campaign() -> None:
    cohorts = cohorts_with_readers(capacity=16)
    end = send(cohorts, 100, BEGIN)
    assert len(cohorts.campaigns(end)) == 1
    for number in range(3_000):
        shape = CohortKey("headers", f"headers:{number:016x}")
        ask(cohorts, number, end + number, page=READ[0], is_reader=True, shape=shape)
    assert cohorts.running == {}
    assert len(cohorts) <= 16


def test_a_fleet_with_new_headers_each_time_does_not_drive_out_networks() -> None:
    cohorts = cohorts_with_readers(capacity=32)
    ask(cohorts, 0, BEGIN, home="5.5.5.5")
    for number in range(1, 2_000):
        shape = CohortKey("headers", f"headers:{number:016x}")
        cohorts.note_page(number, address(number), OLD[0], (shape,), BEGIN + 20 * SECOND, is_reader=False)
    assert figures(cohorts, CohortKey("network", "5.5.5.0/24")).views == 1


def test_a_flood_of_addresses_with_headers_of_their_own_takes_at_most_four_megabytes() -> None:
    gc.collect()
    tracemalloc.start()
    try:
        cohorts = cohorts_with_readers()
        for number in range(14_000):
            # Twice as many cohorts as there is room for, each of them with deep orphans in both half hours.
            which = number % 4_000
            names = (CohortKey("network", f"{which}/24"), CohortKey("headers", f"headers:{which:016x}"))
            at = BEGIN + number * SLOT // 8_000
            cohorts.note_page(number, f"{number}", OLD[number % 5_000], names, at, is_reader=False)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(cohorts) <= 2_000
    assert len(cohorts._waiting) <= 2_048
    assert used <= 4 * 2**20


def test_full_tables_take_at_most_three_megabytes() -> None:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        table = Busiest(2_000, lambda cohort: None)
        for number in range(2_000):
            cohort = table.meet(f"headers:{number:016x}", BEGIN)
            cohort.current.note_deep(hash64(b"%d" % number), hash64(b"%d" % number), BEGIN)
            cohort.turn(BEGIN + SLOT, 7)
            cohort.current.note_deep(hash64(b"%d" % number), hash64(b"%d" % number), BEGIN)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used <= 3 * 2**20


def test_as_many_views_as_may_wait_take_at_most_two_and_a_half_megabytes() -> None:
    cohorts = cohorts_with_readers()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(4_000):
            ask(cohorts, number, BEGIN + number)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(cohorts.waiting) == 2_048
    assert used <= 2.5 * 2**20  # with the 1,001 cohorts that they brought along
