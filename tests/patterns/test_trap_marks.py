"""Marks in trap links: whose they are, that nobody makes them up, that they end and show no address."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduct_support import NOW
from vorbehalt.patterns.sketches import HOUR
from vorbehalt.patterns.trap_marks import make_mark, pseudonym, read_mark

SECRET = b"sixteen bytes ..."
DAY = 24 * HOUR
addresses = st.ip_addresses().map(str)


@given(addresses, st.text(max_size=40))
def test_a_mark_says_to_whom_the_link_was_given(address: str, page: str) -> None:
    mark = read_mark(SECRET, make_mark(SECRET, address, page, NOW), NOW)

    assert mark is not None
    assert mark.was_given_to(SECRET, address)
    assert mark.client == pseudonym(SECRET, mark.day, address)


def test_another_address_is_another_client_and_one_64_is_one() -> None:
    mark = read_mark(SECRET, make_mark(SECRET, "2620:fe::9", "/", NOW), NOW)

    assert mark is not None
    assert mark.was_given_to(SECRET, "2620:fe::1:2:3:4")
    assert not mark.was_given_to(SECRET, "2620:fe:0:1::9")
    assert not mark.was_given_to(SECRET, "9.9.9.9")


def test_marks_are_unique_by_client_page_and_day() -> None:
    made = [
        make_mark(SECRET, address, page, at)
        for address in ("9.9.9.9", "8.8.8.8")
        for page in ("/", "/a")
        for at in (NOW, NOW + DAY)
    ]

    assert len(set(made)) == 8
    assert make_mark(SECRET, "9.9.9.9", "/", NOW) == make_mark(SECRET, "9.9.9.9", "/", NOW + 1)


@given(st.ip_addresses(v=4))
def test_no_address_can_be_read_in_a_mark(address: IPv4Address) -> None:
    text = make_mark(SECRET, str(address), "/", NOW)

    assert ip_address(address).packed not in urlsafe_b64decode(text + "==")
    assert str(address) not in text
    assert pseudonym(SECRET, 1, str(address)) != pseudonym(b"another secret ...", 1, str(address))


def test_the_pseudonyms_of_two_days_cannot_be_joined() -> None:
    assert pseudonym(SECRET, 1, "9.9.9.9") != pseudonym(SECRET, 2, "9.9.9.9")


@pytest.mark.parametrize(
    ("days", "counts"), [(0, True), (6, True), (7, False), (8, False), (65_536, False), (-1, False)]
)
def test_a_mark_counts_for_seven_days(days: int, counts: bool) -> None:
    text = make_mark(SECRET, "9.9.9.9", "/", NOW)

    assert (read_mark(SECRET, text, NOW + days * DAY) is not None) is counts


def test_a_mark_of_another_secret_is_none() -> None:
    assert read_mark(b"another secret ...", make_mark(SECRET, "9.9.9.9", "/", NOW), NOW) is None


@given(st.integers(0, 29), st.characters(codec="ascii"))
def test_a_changed_mark_is_none(place: int, letter: str) -> None:
    text = make_mark(SECRET, "9.9.9.9", "/", NOW)
    changed = text[:place] + letter + text[place + 1 :]

    assert (read_mark(SECRET, changed, NOW) is not None) is (changed == text)


@given(st.one_of(st.text(max_size=40), st.text(min_size=30, max_size=30)))
def test_what_somebody_types_is_no_mark(text: str) -> None:
    assert read_mark(SECRET, text, NOW) is None
