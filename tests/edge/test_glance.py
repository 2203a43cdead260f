"""What is remembered of clients on the short way is what would be worked out anew, and it is bounded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asgi_support import CHROME
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.glance import Glance
from vorbehalt.patterns.spots import spot_of

PROXY = ("10.0.0.1", 40_000)
RESOLVERS: dict[str, dict[str, Any]] = {
    "direct": {},
    "proxy": {"trusted": ["10.0.0.1"]},
    "unix": {"trusted": ["10.0.0.0/8", "unix"]},
    "secret": {"trusted": ["10.0.0.1"], "secret": "s3cret"},
    "named": {"trusted": ["10.0.0.1"], "header": "x-real-ip"},
    "named as by default": {"trusted": ["10.0.0.1"], "header": "x-forwarded-for"},
}
CLIENTS: list[Any] = [
    None,
    (),
    ("203.0.114.9",),
    ("203.0.114.9", 1),
    ["203.0.114.9", 1],
    ("203.0.114.9", 0),
    ("203.0.114.9", "0"),
    ("203.0.115.9", 443),
    PROXY,
    ("10.0.0.1", 0),
    ("10.0.0.1", 443),
    ("10.0.0.1", None),
    ("10.9.9.9", 1),
    ("2620:fe::9", 1),
    ("", 0),
    (None, None),
    (7, 1),
    ([], 1),
    "203.0.114.9",
    {"host": "203.0.114.9"},
    7,
]
ADDRESSES = st.sampled_from(
    [
        None,
        b"",
        b"8.8.8.8",
        b"8.8.4.4",
        b"203.0.114.9",
        b"10.0.0.1:443",
        b"8.8.8.8, 10.0.0.1:443",
        b"8.8.8.8, 10.0.0.1",
        b"203.0.114.9:1",
        b"2620:fe::9",
        b"8.8.8.8, 9.9.9.9",
        b"unknown",
    ]
)
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(CLIENTS),
        st.fixed_dictionaries(
            {
                b"x-forwarded-for": ADDRESSES,
                b"forwarded": st.sampled_from([None, b"for=9.9.9.9", b"for=8.8.8.8"]),
                b"x-real-ip": st.sampled_from([None, b"9.9.9.9", b"8.8.8.8"]),
                b"x-vorbehalt-secret": st.sampled_from([None, b"s3cret", b"wrong"]),
                b"user-agent": st.sampled_from([None, CHROME, b"other"]),
                b"accept-language": st.sampled_from([None, b"", b"de"]),
            }
        ),
    ),
    max_size=20,
)
PAGE: Any = SimpleNamespace(spot=spot_of("/a"), kind="page")


class Keys:
    """A watch that only writes down which client it was told of."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def fast(self, key: int, *_: Any) -> object:
        self.told.append(key)
        return self

    def is_calm(self, key: int) -> bool:
        return True


def glance(watch: Keys, arrangement: str) -> Glance:
    conduct: Any = SimpleNamespace(watch=SimpleNamespace(short=watch))
    return Glance(conduct, AddressResolver(**RESOLVERS[arrangement]))


@pytest.mark.parametrize("arrangement", RESOLVERS)
@given(requests=REQUESTS)
@settings(deadline=None)
def test_who_is_remembered_is_the_client_that_would_be_found_anew(
    arrangement: str, requests: list[Any]
) -> None:
    remembered, anew = Keys(), Keys()
    lasting = glance(remembered, arrangement)
    for client, told in requests * 2:
        headers = {name: value for name, value in told.items() if value is not None}
        fresh = glance(anew, arrangement)
        assert lasting.passes(client, headers, PAGE, "GET", b"") is True
        assert fresh.passes(client, headers, PAGE, "GET", b"") is True
        assert remembered.told == anew.told


def key_by_resolver(arrangement: str, client: Any, headers: dict[bytes, bytes]) -> bool:
    found = AddressResolver(**RESOLVERS[arrangement]).resolve(client, headers)
    return found.is_usable


@pytest.mark.parametrize("arrangement", RESOLVERS)
@given(requests=REQUESTS)
@settings(deadline=None, max_examples=50)
def test_a_client_is_told_of_exactly_where_its_address_is_usable(
    arrangement: str, requests: list[Any]
) -> None:
    for client, told in requests:
        watch = Keys()
        headers = {name: value for name, value in told.items() if value is not None}
        glance(watch, arrangement).passes(client, headers, PAGE, "GET", b"")
        assert bool(watch.told) is key_by_resolver(arrangement, client, headers)


@pytest.mark.parametrize(("port", "last"), [(0, b"10.0.0.1"), ("0", b"10.0.0.1"), (443, b"10.0.0.1:443")])
def test_a_peer_whose_port_no_connection_has_is_not_taken_for_the_proxy_remembered(
    port: object, last: bytes
) -> None:
    """A server put a forwarded address in the place of the socket peer: anybody's word."""
    watch = Keys()
    lasting = glance(watch, "proxy")
    headers = {b"x-forwarded-for": b"8.8.8.8, " + last}
    lasting.passes(PROXY, headers, PAGE, "GET", b"")
    assert len(watch.told) == 1

    lasting.passes(("10.0.0.1", port), headers, PAGE, "GET", b"")

    assert len(watch.told) == 1


CHAIN = {b"x-forwarded-for": b"8.8.8.8"}


@pytest.mark.parametrize(
    ("arrangement", "client", "first", "then"),
    [
        ("direct", ("203.0.114.9", 1), {}, {b"x-real-ip": b"9.9.9.9"}),
        ("direct", ("203.0.114.9", 1), {}, {b"forwarded": b"for=9.9.9.9"}),
        ("named", PROXY, CHAIN | {b"x-real-ip": b"9.9.9.9"}, CHAIN | {b"x-real-ip": b"9.9.9.8"}),
        ("secret", ("203.0.114.9", 1), CHAIN | {b"x-vorbehalt-secret": b"s3cret"}, CHAIN),
    ],
    ids=["x-real-ip", "forwarded", "named header", "secret"],
)
def test_a_header_that_changes_the_address_changes_the_client(
    arrangement: str, client: Any, first: dict[bytes, bytes], then: dict[bytes, bytes]
) -> None:
    remembered, anew = Keys(), Keys()
    lasting = glance(remembered, arrangement)
    for headers in (first, then):
        lasting.passes(client, headers, PAGE, "GET", b"")
        glance(anew, arrangement).passes(client, headers, PAGE, "GET", b"")

    assert remembered.told == anew.told
    assert len(set(anew.told)) == len(anew.told)


def test_however_many_come_what_is_remembered_is_bounded() -> None:
    lasting = glance(Keys(), "proxy")
    for number in range(20_000):
        chain = b"9.%d.%d.1" % (number >> 8, number & 255)
        lasting.passes(PROXY, {b"x-forwarded-for": chain}, PAGE, "GET", b"")
    assert len(lasting._keys) <= 16_384

    before = len(lasting._keys)
    for name in (b"x-forwarded-for", b"user-agent", b"accept-language"):
        lasting.passes(("203.0.114.9", 1), {name: b"8" * 1_100}, PAGE, "GET", b"")
    assert len(lasting._keys) == before
