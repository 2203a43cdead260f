"""The table of clients: who gets a record, who is forgotten, what it costs."""

from __future__ import annotations

import gc
import tracemalloc
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.patterns.client import BY_ITSELF, HAS_COOKIE
from vorbehalt.patterns.clients import Clients, client_key, prefix_of
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND
from vorbehalt.patterns.spots import spot_of

NOW = 1_800_000_000 * SECOND
SPOTS = [spot_of(f"/lyrics/{number}") for number in range(500)]


def key(number: int) -> int:
    return client_key(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", b"fingerprint")


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@given(st.ip_addresses(v=6))
def test_an_ipv6_client_is_its_64_and_nothing_else(address: IPv6Address) -> None:
    text = address.compressed if address.ipv4_mapped is None else address.exploded
    groups = [int(group, 16) for group in prefix_of(text).split(":")]

    assert groups == [int(group, 16) for group in address.exploded.split(":")[:4]]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("2001:db8:1:2::", "2001:db8:1:2"),
        ("2001:db8:1:2:3::", "2001:db8:1:2"),
        ("2001:db8:1::", "2001:db8:1:0"),
        ("2001:db8::1:2:3:4:5", "2001:db8:0:1"),
        ("::1:2:3:4:5", "0:0:0:1"),
        ("::", "0:0:0:0"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4"),
    ],
)
def test_the_64_of_an_ipv6_address_is_found_wherever_its_zeros_are(address: str, prefix: str) -> None:
    assert prefix_of(address) == prefix


def test_an_ipv4_client_is_its_address() -> None:
    assert prefix_of("198.51.100.7") == "198.51.100.7"


def test_a_client_is_kept_from_its_third_request_on() -> None:
    clients = Clients()

    records = [clients.meet(key(1), NOW + second * SECOND) for second in range(3)]

    assert len(clients) == 1
    assert records[0] is records[1] is records[2]
    assert clients.get(key(1)) is records[2]


def test_before_that_it_is_no_known_client_but_nothing_of_it_is_lost() -> None:
    clients = Clients()
    clients.meet(key(1), NOW).note_page(SPOTS[0], NOW, 0, 0)
    clients.meet(key(1), NOW).note_page(SPOTS[1], NOW, 0, 0)

    assert clients.get(key(1)) is None
    assert clients.meet(key(1), NOW).pages == 2


def test_what_must_not_be_forgotten_is_kept_at_once() -> None:
    clients = Clients()

    record = clients.meet(key(1), NOW, keep=True)

    assert clients.get(key(1)) is record


def test_a_newcomer_that_was_pushed_out_is_still_known_at_its_third_request() -> None:
    clients = Clients(newcomers=4)
    for visit in range(3):
        clients.meet(key(1), NOW)
        for number in range(10):
            clients.meet(key(1000 * (visit + 1) + number), NOW)

    assert clients.get(key(1)) is not None
    assert len(clients) == 1


def test_a_client_that_was_away_for_an_hour_is_a_new_one() -> None:
    clients = Clients()
    for _ in range(3):
        clients.meet(key(1), NOW).note_page(SPOTS[0], NOW, 0, 0)

    assert clients.meet(key(1), NOW + 59 * MINUTE).pages == 3
    assert clients.meet(key(1), NOW + HOUR).pages == 0
    assert len(clients) == 1


def test_a_newcomer_that_was_away_for_an_hour_is_a_new_one() -> None:
    clients = Clients()
    clients.meet(key(1), NOW).note_page(SPOTS[0], NOW, 0, 0)

    assert clients.meet(key(1), NOW + HOUR).pages == 0
    assert clients.find(key(1)) is not None


def test_the_table_is_never_larger_than_its_capacity_and_the_busy_stay() -> None:
    clients = Clients(capacity=50)
    busy = [key(number) for number in range(10)]
    for number in range(400):
        at = NOW + number * SECOND
        clients.meet(key(1000 + number), at, keep=True).note_page(SPOTS[0], at, 0, 0)
        for one in busy:
            clients.meet(one, at, keep=True).note_page(SPOTS[0], at, 0, 0)

    assert len(clients) == 50
    assert clients.evicted == 360
    assert sum(record.pages == 255 for one in busy if (record := clients.get(one))) == 10


def test_who_has_marks_that_last_is_not_pushed_out_by_passers_by() -> None:
    clients = Clients(capacity=50)
    marked = clients.meet(key(1), NOW, keep=True)
    marked.marked().stepped_into(NOW / SECOND, 1)
    for number in range(300):
        clients.meet(key(1000 + number), NOW + number * SECOND, keep=True)

    assert clients.get(key(1)) is marked


def test_the_table_shrinks_as_new_clients_come() -> None:
    clients = Clients()
    for number in range(500):
        clients.meet(key(number), NOW, keep=True)

    for number in range(400):
        clients.meet(key(10_000 + number), NOW + 2 * HOUR, keep=True)

    assert len(clients) < 450


def test_a_clock_that_goes_back_forgets_nobody_and_grows_nothing() -> None:
    clients = Clients(capacity=100)
    for number in range(300):
        clients.meet(key(number), NOW - number * HOUR, keep=True)

    assert len(clients) == 100


def test_a_client_costs_at_most_400_bytes_with_all_it_owns() -> None:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        clients = Clients()
        empty = tracemalloc.get_traced_memory()[0] - before
        for number in range(20_000):
            one = key(number)
            for step in range(3):
                at = NOW + number * SECOND // 100 + step
                record = clients.meet(one, at)
                record.note_page(SPOTS[(number + step) % 500], at, BY_ITSELF, HAS_COOKIE)
                record.note_asset(at, 0)
            record.trail = 10**17 + number
        grown = tracemalloc.get_traced_memory()[0] - before - empty
    finally:
        tracemalloc.stop()

    assert len(clients) > 19_900
    assert grown / len(clients) <= 400


def one_shots(addresses: int) -> tuple[int, int]:
    """Bytes by which the process grew, and clients kept, after so many addresses of one request each."""
    clients = Clients()
    for number in range(10_000):
        clients.meet(key(number), NOW)
    gc.collect()
    before = resident()
    for number in range(addresses):
        at = NOW + number * HOUR // addresses
        clients.meet(key(20_000 + number), at).note_page(SPOTS[number % 500], at, BY_ITSELF, 0)
    return resident() - before, len(clients)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory of a process is read from /proc")
def test_a_hundred_thousand_addresses_of_one_request_cost_next_to_nothing() -> None:
    grown, kept = one_shots(100_000)

    assert grown <= 16_000_000
    assert kept < 100


@pytest.mark.drill
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory of a process is read from /proc")
def test_a_million_addresses_of_one_request_grow_the_process_by_at_most_16_mb() -> None:
    grown, kept = one_shots(1_000_000)

    assert grown <= 16_000_000
    assert kept < 1000


@pytest.mark.drill
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory of a process is read from /proc")
def test_a_hundred_thousand_clients_fit_into_64_mb() -> None:
    gc.collect()
    before = resident()
    clients = Clients()
    for number in range(130_000):
        one = key(number)
        for step in range(3):
            at = NOW + number * SECOND // 100 + step
            clients.meet(one, at).note_page(SPOTS[(number + step) % 500], at, BY_ITSELF, 0)
    grown = resident() - before

    assert len(clients) == 100_000
    assert grown <= 64_000_000


def test_a_client_that_comes_back_without_its_marks_takes_one_place_again() -> None:
    clients = Clients(capacity=20)
    for number in range(10):
        clients.meet(key(number), NOW, keep=True).marked()
        clients.got_marks(key(number))
    for number in range(10):
        clients.meet(key(number), NOW + HOUR)
    for number in range(10, 20):
        clients.meet(key(number), NOW + HOUR, keep=True)

    assert (len(clients), clients.evicted) == (20, 0)


def test_a_client_with_marks_takes_two_places() -> None:
    clients = Clients(capacity=60)
    for number in range(40):
        record = clients.meet(key(number), NOW + number, keep=True)
        record.note_page(SPOTS[0], NOW + number, 0, 0)
        record.marked()
        clients.got_marks(key(number))

    assert len(clients) == 30
    assert clients.get(key(39)) is not None

    for number in range(100, 200):
        clients.meet(key(number), NOW + HOUR + number, keep=True)

    assert len(clients) == 60


def test_marks_of_who_is_not_kept_count_when_it_is() -> None:
    clients = Clients(capacity=10)
    for number in range(20):
        clients.meet(key(number), NOW).marked()
        clients.got_marks(key(number))
        for _ in range(2):
            clients.meet(key(number), NOW)

    assert len(clients) == 5
