"""Whose address it is: never a stranger's word, never more work than a bound."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.facts import ClientAddress

FOR = b"x-forwarded-for"
PROXIES = AddressResolver(["10.0.0.0/8", "127.0.0.1", "2606:4700::/32", "104.16.0.0/13"])


def behind(chain: bytes, peer: Any = ("10.0.0.1", 1), name: bytes = FOR) -> ClientAddress:
    return PROXIES.resolve(peer, ((b"host", b"a"), (name, chain)))


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        (b"8.8.8.8", "8.8.8.8"),
        (b"1.1.1.1, 8.8.8.8", "8.8.8.8"),
        (b"1.1.1.1, 8.8.8.8, 10.2.3.4, 104.16.0.9", "8.8.8.8"),
        (b"8.8.8.8:55123", "8.8.8.8"),
        (b"[2001:4860::8]:443", "2001:4860::8"),
        (b"2001:4860:0:0::8", "2001:4860::8"),
        (b"fe80::1%eth0", "fe80::1"),
        (b"::ffff:8.8.8.8", "8.8.8.8"),
        (b" , ,8.8.8.8, ", "8.8.8.8"),
        (b"garbage, 8.8.8.8", "8.8.8.8"),
        (b"10.9.9.9, 10.8.8.8", "10.9.9.9"),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_is_the_client(chain: bytes, client: str) -> None:
    found = behind(chain)
    assert (found.text, found.source, found.peer, found.chain) == (
        client,
        "proxy-asserted",
        "10.0.0.1",
        chain,
    )


@pytest.mark.parametrize(
    "chain", [b"8.8.8.8, unknown", b"8.8.8.8, \xff\xfe", b"", b",", b"999.1.1.1", b"8.8.8.8, 08.8.8.8"]
)
def test_where_the_nearest_hop_says_no_address_there_is_none(chain: bytes) -> None:
    found = behind(chain)
    assert (found.text, found.source, found.is_usable) == (None, "untrusted", False)


def test_several_lines_are_one_chain_in_their_order() -> None:
    lines = ((FOR, b"1.1.1.1"), (b"accept", b"*/*"), (FOR, b"8.8.8.8, 10.1.1.1"), (FOR, b"10.1.1.2"))
    found = PROXIES.resolve(("10.0.0.1", 1), lines)
    assert (found.text, found.chain) == ("8.8.8.8", b"1.1.1.1, 8.8.8.8, 10.1.1.1, 10.1.1.2")


@pytest.mark.parametrize("name", [FOR, b"forwarded", b"x-real-ip"])
def test_a_forwarding_header_from_a_stranger_makes_the_address_unusable(name: bytes) -> None:
    found = behind(b"for=9.9.9.9", ("8.8.8.8", 1), name)
    assert (found.text, found.source, found.is_usable) == ("8.8.8.8", "untrusted", False)


def test_a_direct_visitor_is_its_socket_peer() -> None:
    found = PROXIES.resolve(("8.8.8.8", 4711), ((b"host", b"a"),))
    assert found == ClientAddress("8.8.8.8", "direct", True, "8.8.8.8")
    assert found.is_usable
    assert not PROXIES.resolve(("192.168.1.5", 1), ()).is_usable


def test_a_public_proxy_without_a_chain_is_nobodys_address() -> None:
    assert PROXIES.resolve(("104.16.0.1", 1), ()).text is None
    assert PROXIES.resolve(("10.0.0.1", 1), ()).source == "direct"


@pytest.mark.parametrize(
    "peer",
    [
        None,
        (),
        "",
        ("testclient", 50000),
        "testclient",
        ("", 0),
        (None, 1),
        7,
        {},
        [["x"], 1],
        (b"8.8.8.8", 1),
    ],
)
@pytest.mark.parametrize("headers", [(), ((FOR, b"8.8.8.8"),)])
def test_a_peer_that_is_no_address_gives_none(peer: Any, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    found = PROXIES.resolve(peer, headers)
    assert (found.text, found.source, found.is_usable) == (None, "none", False)


def test_a_unix_socket_is_believed_only_where_it_is_configured() -> None:
    chain = ((FOR, b"8.8.8.8"),)
    assert AddressResolver(["unix"]).resolve(None, chain).text == "8.8.8.8"
    assert AddressResolver([]).resolve(None, chain).text is None
    assert AddressResolver(["unix"]).resolve(("9.9.9.9", 1), chain).source == "untrusted"


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (b"for=8.8.8.8", "8.8.8.8"),
        (b'For="[2001:4860::8]:4711";proto=https;by=10.0.0.1', "2001:4860::8"),
        (b'proto=http;for="8.8.8.8:80", for=10.1.1.1', "8.8.8.8"),
        (b'for="1.1.1.1, 2.2.2.2", for=8.8.8.8', "8.8.8.8"),
        (b"for=8.8.8.8, for=_hidden", None),
        (b"for=8.8.8.8, for=unknown", None),
        (b"for=8.8.8.8, proto=https", None),
        (b'for="unterminated', None),
    ],
)
def test_forwarded_is_read_where_there_is_no_x_forwarded_for(value: bytes, client: str | None) -> None:
    assert behind(value, name=b"forwarded").text == client


def test_x_forwarded_for_wins_over_forwarded() -> None:
    headers = ((b"forwarded", b"for=1.2.3.4"), (FOR, b"8.8.8.8"))
    assert PROXIES.resolve(("10.0.0.1", 1), headers).text == "8.8.8.8"


def test_a_mapping_of_joined_headers_gives_the_same() -> None:
    assert PROXIES.resolve(("10.0.0.1", 1), {FOR: b"1.1.1.1, 8.8.8.8"}) == behind(b"1.1.1.1, 8.8.8.8")


def test_a_chain_of_more_than_64_proxies_is_no_address() -> None:
    assert behind(b"8.8.8.8, " + b", ".join([b"10.1.1.1"] * 63)).text == "8.8.8.8"
    assert behind(b"8.8.8.8, " + b", ".join([b"10.1.1.1"] * 64)).text is None
    assert behind(b", ".join([b"10.1.1.1"] * 65)).text is None


@pytest.mark.parametrize(
    "part",
    [b"8.8.8.8, ", b'"', b'"\\', b'"\\"', b",", b"for=", b'for="\\"a', b"[", b"::", b"\xff", b";for=a"],
)
@pytest.mark.parametrize("name", [FOR, b"forwarded"])
def test_a_megabyte_of_chain_costs_little_and_keeps_little(part: bytes, name: bytes) -> None:
    started = time.process_time()
    found = behind(part * (1_000_000 // len(part)), name=name)
    assert time.process_time() - started < 0.25
    assert len(found.chain) <= 4096


def test_what_is_remembered_is_bounded() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    for number in range(20_000):
        text = f"8.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        resolver.resolve((text, 1), ())
        resolver.resolve(("10.0.0.1", 1), ((FOR, text.encode()),))
    assert len(resolver._direct) <= 8192
    assert len(resolver._told) <= 8192


@given(
    st.binary(max_size=300), st.one_of(st.none(), st.text(max_size=30)), st.sampled_from([FOR, b"forwarded"])
)
def test_no_bytes_raise_and_a_stranger_never_becomes_usable(
    chain: bytes, peer: str | None, name: bytes
) -> None:
    found = PROXIES.resolve((peer, 1), ((name, chain),))
    assert found.source != "direct"
    if peer is None or not PROXIES.trusts(peer):
        assert not found.is_usable


def test_a_proxy_that_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="example"):
        AddressResolver(["proxy.example"])
