"""One named header, unix sockets, servers that rewrite the peer, and what the health page says of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from hypercorn.middleware import ProxyFixMiddleware
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from vorbehalt.edge.client_address import NOTES, AddressResolver
from vorbehalt.facts import ClientAddress

FOR, FORWARDED, CF = b"x-forwarded-for", b"forwarded", b"cf-connecting-ip"
OPENAI, EVIL = "20.171.207.1", "9.9.9.9"
PROXY = ("10.0.0.1", 50000)
Pairs = tuple[tuple[bytes, bytes], ...]


def named(header: str = "CF-Connecting-IP") -> AddressResolver:
    return AddressResolver(["10.0.0.0/8", "104.16.0.0/13", "2a06:98c0::/29"], header)


# ---- one named header


def test_the_named_header_is_believed_from_a_trusted_peer_and_nothing_else_is_read() -> None:
    headers = ((FOR, b"1.1.1.1"), (CF, b"8.8.8.8"), (FORWARDED, b"for=2.2.2.2"), (b"x-real-ip", b"3.3.3.3"))
    found = named().resolve(PROXY, headers)
    assert found == ClientAddress("8.8.8.8", "proxy-asserted", True, "10.0.0.1", b"8.8.8.8")
    assert named().resolve(("104.16.0.1", 1), headers).text == "8.8.8.8"


def test_the_named_header_from_a_stranger_makes_the_address_unusable() -> None:
    resolver = named()
    found = resolver.resolve((EVIL, 1), ((CF, OPENAI.encode()),))
    assert (found.text, found.source, found.is_usable) == (EVIL, "untrusted", False)
    assert set(resolver.notes) == {"proxy-not-trusted"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"8.8.8.8:4711", "8.8.8.8"),
        (b"[2001:4860::8]:443", "2001:4860::8"),
        (b"::ffff:8.8.8.8", "8.8.8.8"),
        (b" 8.8.8.8 ", "8.8.8.8"),
        (b"8.8.8.8, 9.9.9.9", None),
        (b"unknown", None),
        (b"", None),
        (b"\xff" * 5000, None),
        (b"8.8.8.8" + b" " * 300, None),
        (b"2a06:98c0:3600::103", None),
        (b"10.1.2.3", "10.1.2.3"),
    ],
)
def test_the_named_header_holds_one_address(value: bytes, text: str | None) -> None:
    resolver = named()
    found = resolver.resolve(PROXY, ((CF, value),))
    assert (found.text, found.source) == (text, "proxy-asserted" if text else "untrusted")
    assert found.is_usable is (text is not None and text != "10.1.2.3")
    assert set(resolver.notes) == (set() if text else {"no-address"})


def test_the_named_header_twice_is_none() -> None:
    headers = ((CF, OPENAI.encode()), (b"accept", b"*/*"), (CF, b"9.9.9.9"))
    assert named().resolve(PROXY, headers).text is None
    assert named().resolve(PROXY, {CF: b"20.171.207.1, 9.9.9.9"}).text is None


def test_where_the_named_header_is_missing_no_other_stands_in() -> None:
    resolver = named()
    found = resolver.resolve(PROXY, ((FOR, OPENAI.encode()),))
    assert (found.text, found.source, found.chain) == (None, "untrusted", OPENAI.encode())
    assert set(resolver.notes) == {"header-missing"}
    assert resolver.resolve(PROXY, ((b"host", b"a"),)).source == "direct", "a health check from next door"


@pytest.mark.parametrize(
    ("header", "headers", "text"),
    [
        ("forwarded", ((FOR, b"1.1.1.1"), (FORWARDED, b"for=8.8.8.8")), "8.8.8.8"),
        ("forwarded", ((FOR, b"1.1.1.1"),), None),
        ("x-forwarded-for", ((FOR, b"1.1.1.1, 8.8.8.8, 10.0.0.2"), (FORWARDED, b"for=2.2.2.2")), "8.8.8.8"),
        ("x-forwarded-for", ((FORWARDED, b"for=2.2.2.2"),), None),
        ("x-real-ip", ((b"x-real-ip", b"8.8.8.8"), (FOR, b"1.1.1.1")), "8.8.8.8"),
    ],
)
def test_a_named_chain_is_walked_and_the_other_kind_ignored(header: str, headers: Pairs, text: str) -> None:
    assert named(header).resolve(PROXY, headers).text == text


def test_x_real_ip_alone_is_not_believed_unless_named() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    found = resolver.resolve(PROXY, ((b"x-real-ip", OPENAI.encode()),))
    assert (found.text, found.source) == (None, "untrusted")
    assert set(resolver.notes) == {"real-ip-alone"}


def test_an_underscore_is_no_hyphen() -> None:
    found = AddressResolver(["10.0.0.0/8"]).resolve((EVIL, 1), ((b"x_forwarded_for", OPENAI.encode()),))
    assert (found.text, found.source) == (EVIL, "direct")


def test_the_names_on_which_an_address_depends_are_told() -> None:
    assert AddressResolver().names == {FOR, FORWARDED, b"x-real-ip"}
    assert named().names == {FOR, FORWARDED, b"x-real-ip", CF}


# ---- Forwarded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'for=20.171.207.1;x=", for="[2001:4860::8]"', "2001:4860::8"),
        (b'for=20.171.207.1;x=", for=9.9.9.9', EVIL),
        (b'for="20.171.207.1, for=9.9.9.9', EVIL),
        (b'for="a, for=20.171.207.1", for=9.9.9.9', EVIL),
        (b"for=9.9.9.9;for=20.171.207.1", None),
        (b"for=20.171.207.1 for=9.9.9.9", None),
        (b'for="9.9.9.9:_hidden"', EVIL),
        (b'FOR="[2001:4860::8]:_x";By=10.0.0.1;PROTO=https', "2001:4860::8"),
        (b"for=[2001:4860::8]:80", "2001:4860::8"),
        (b'for="\\9.9.9.9"', None),
        (b"by=20.171.207.1", None),
        (b"notfor=20.171.207.1", None),
        (b"for=_20.171.207.1", None),
        (b"for=9.9.9.9;", EVIL),
        (b"for=20.171.207.1 x", None),
        (b"x;for=20.171.207.1", None),
    ],
)
def test_an_open_quote_of_a_visitor_swallows_nothing_that_a_proxy_adds(
    value: bytes, text: str | None
) -> None:
    assert AddressResolver(["10.0.0.0/8"]).resolve(PROXY, ((FORWARDED, value),)).text == text


# ---- unix sockets


@pytest.mark.parametrize("peer", [None, ("", "0"), ("", 0), ()])
def test_every_servers_unix_peer_is_one_and_believed_only_where_configured(peer: Any) -> None:
    headers = ((FOR, b"1.1.1.1, 8.8.8.8"),)
    assert AddressResolver(["unix"]).resolve(peer, headers).text == "8.8.8.8"
    resolver = AddressResolver(["127.0.0.0/8"])
    found = resolver.resolve(peer, headers)
    assert (found.text, found.source, found.chain) == (None, "none", b"1.1.1.1, 8.8.8.8")
    assert set(resolver.notes) == {"unix-not-trusted"}
    assert resolver.resolve(peer, ()) == ClientAddress(None, "none")


def test_a_unix_socket_does_not_make_networks_trusted() -> None:
    found = AddressResolver(["unix"]).resolve(("127.0.0.1", 5), ((FOR, OPENAI.encode()),))
    assert found.source == "untrusted"


# ---- servers that put a forwarded address in the place of the peer


def rewritten_by(server: Callable[[Any], Any], peer: Any, headers: Pairs) -> tuple[Any, Pairs]:
    """What a server's own middleware makes of a scope."""
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    async def nothing(*_: Any) -> Any:
        """No server of this test reads or writes."""

    run = server(app)({"type": "http", "client": peer, "headers": list(headers)}, nothing, nothing)
    with pytest.raises(StopIteration):
        run.send(None)
    return seen["client"], tuple(seen["headers"])


REWRITERS: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("uvicorn", lambda app: ProxyHeadersMiddleware(app), ("127.0.0.1", 50000)),
    ("uvicorn *", lambda app: ProxyHeadersMiddleware(app, trusted_hosts="*"), (EVIL, 50000)),
    ("uvicorn * unix", lambda app: ProxyHeadersMiddleware(app, trusted_hosts="*"), None),
    ("granian *", lambda app: wrap_asgi_with_proxy_headers(app, trusted_hosts="*"), (EVIL, "50000")),
    ("hypercorn", lambda app: ProxyFixMiddleware(app), (EVIL, 50000)),
    ("hypercorn forwarded", lambda app: ProxyFixMiddleware(app, mode="modern"), (EVIL, 50000)),
]
CHAINS: list[Pairs] = [
    ((FOR, b"20.171.207.1, 198.51.100.7"), (FORWARDED, b"for=20.171.207.1")),
    ((FOR, b"20.171.207.1"), (FORWARDED, b"for=20.171.207.1")),
    ((FOR, b"20.171.207.1:443"), (FORWARDED, b"for=20.171.207.1")),
    ((FOR, b"20.171.207.1: +4_43 "), (FORWARDED, b"for=20.171.207.1")),
    ((FOR, b"[::ffff:20.171.207.1]:443"), (FORWARDED, b"for=20.171.207.1")),
    ((FOR, b"127.0.0.1:443, 20.171.207.1:80, 127.0.0.1:9"), (FORWARDED, b"for=127.0.0.1")),
    ((FOR, b"10.0.0.1:443, 20.171.207.1"), (FORWARDED, b"for=10.0.0.1")),
    ((FOR, b"10.0.0.1, 20.171.207.1"), (FORWARDED, b"for=10.0.0.1")),
    ((FOR, b"20.171.207.1"), (FORWARDED, b"for=20.171.207.1"), (CF, b"20.171.207.1")),
    ((FOR, b"104.16.0.1:99"), (FORWARDED, b"for=104.16.0.1"), (CF, b"20.171.207.1")),
    ((FOR, b"::ffff:10.0.0.1, 20.171.207.1"), (FORWARDED, b'for="10.0.0.1, for=20.171.207.1;x="10.0.0.1"')),
    ((FOR, b"10.0.0.1\t, 20.171.207.1"), (FORWARDED, b"for=20.171.207.1, for= [::ffff:10.0.0.1]:80")),
]


@pytest.mark.parametrize("headers", CHAINS)
@pytest.mark.parametrize(("name", "server", "peer"), REWRITERS, ids=[row[0] for row in REWRITERS])
def test_what_a_server_has_rewritten_is_nobodys_address(
    name: str, server: Callable[[Any], Any], peer: Any, headers: Pairs
) -> None:
    client, passed = rewritten_by(server, peer, headers)
    assert client != peer, "the server rewrites nothing: this test shows nothing"
    for trusted in ([], ["10.0.0.0/8", "127.0.0.1", "104.16.0.0/13", "unix"]):
        for header in ("", "cf-connecting-ip"):
            resolver = AddressResolver(trusted, header)
            found = resolver.resolve(client, passed)
            assert not found.is_usable
            assert found.source == "untrusted"
            assert set(resolver.notes) == {"client-rewritten"}
            assert not resolver.trusts(found.peer), "the peer is lost, and nothing else of it is believed"


@pytest.mark.parametrize("port", [0, "0", 443, "443"])
def test_ports_may_be_numbers_or_text_and_the_entry_far_away(port: int | str) -> None:
    chain = b"10.0.0.1:443, " + b"1.1.1.1, " * 1000 + OPENAI.encode()
    for one in (chain, b"10.0.0.1:443, " + OPENAI.encode()):
        found = AddressResolver(["10.0.0.0/8"]).resolve(("10.0.0.1", port), ((FOR, one),))
        assert (found.source, found.is_usable) == ("untrusted", False)


def test_an_empty_x_forwarded_for_is_not_its_absence() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    found = resolver.resolve(PROXY, ((FOR, b""), (FORWARDED, b"for=20.171.207.1")))
    assert (found.text, found.source) == (None, "untrusted")


def test_long_chains_are_not_remembered() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    for number in range(50):
        resolver.resolve(PROXY, ((FOR, b"1.1.1.1, " * 100 + str(number).encode()),))
    assert not resolver._told
    resolver.resolve(PROXY, ((FOR, b"8.8.8.8"),))
    assert len(resolver._told) == 1


def test_64_proxies_in_a_row_are_the_most() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    assert resolver.resolve(PROXY, ((FOR, b"10.9.9.9, " + b"10.1.1.1," * 63),)).text == "10.9.9.9"
    assert resolver.resolve(PROXY, ((FOR, b"10.9.9.9, " + b"10.1.1.1," * 64),)).text is None


def test_the_flag_stands_in_the_sentence() -> None:
    sentence = NOTES["client-rewritten"]
    for words in ("uvicorn with --no-proxy-headers", "forwarded_allow_ips = ''", "network.trusted_proxies"):
        assert words in sentence


def test_a_peer_with_a_port_of_its_own_is_not_taken_for_rewritten() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    for chain in (b"8.8.8.8", b"8.8.8.8:50000", b"10.0.0.1:4711, 8.8.8.8", b"10.0.0.1, 8.8.8.8"):
        found = resolver.resolve(PROXY, ((FOR, chain),))
        assert (found.text, found.source) == ("8.8.8.8", "proxy-asserted")
    assert resolver.notes == {}
    again = resolver.resolve(("10.0.0.1", 4711), ((FOR, b"10.0.0.1:4711, 8.8.8.8"),))
    assert again.source == "untrusted", "the answer for one port is not kept for another"
    back = resolver.resolve(PROXY, ((FOR, b"10.0.0.1:4711, 8.8.8.8"),))
    assert back.source == "proxy-asserted"


def test_port_0_alone_is_a_peer_whose_port_nobody_knew() -> None:
    resolver = AddressResolver(["10.0.0.0/8"], "cf-connecting-ip")
    headers = ((FOR, b"8.8.8.8"), (CF, b"1.1.1.1"))
    assert resolver.resolve(("10.0.0.1", 0), headers).text == "1.1.1.1"
    assert resolver.resolve(("10.0.0.1", 0), ((CF, b"10.0.0.1"),)).source == "untrusted"


def test_port_0_without_any_forwarding_header_is_a_server_that_does_not_know_it() -> None:
    assert AddressResolver().resolve(("8.8.8.8", 0), ((b"host", b"a"),)).source == "direct"


# ---- notes


def test_a_well_configured_site_has_no_notes() -> None:
    resolver = AddressResolver(["10.0.0.0/8"])
    resolver.resolve(("8.8.8.8", 1), ())
    resolver.resolve(PROXY, ((FOR, b"8.8.8.8"),))
    resolver.resolve(PROXY, ((FORWARDED, b"for=8.8.8.8"),))
    resolver.resolve(("10.0.0.9", 1), ())
    assert resolver.notes == {}


def test_a_public_proxy_that_hides_its_visitors_is_noted() -> None:
    resolver = AddressResolver(["104.16.0.0/13"])
    assert resolver.resolve(("104.16.0.1", 1), ()).text is None
    assert set(resolver.notes) == {"proxy-hides-visitors"}


@given(
    peer=st.one_of(
        st.none(),
        st.tuples(st.sampled_from(["10.0.0.1", EVIL, "", "x"]), st.sampled_from([0, "0", 443, None])),
    ),
    chain=st.binary(max_size=200),
    name=st.sampled_from([FOR, FORWARDED, CF, b"x-real-ip"]),
    header=st.sampled_from(["", "forwarded", "cf-connecting-ip"]),
)
def test_notes_come_from_a_closed_set_and_hold_nothing_of_a_visitor(
    peer: Any, chain: bytes, name: bytes, header: str
) -> None:
    resolver = AddressResolver(["10.0.0.0/8"], header)
    resolver.resolve(peer, ((name, chain),))
    assert all(NOTES[code] == sentence for code, sentence in resolver.notes.items())


@pytest.mark.parametrize("name", [FOR, FORWARDED, CF])
@pytest.mark.parametrize("part", [b"10.0.0.1:443,", b":443", b"for=10.0.0.1;", b'a="', b" ", b"a=b;"])
def test_a_megabyte_costs_little_in_every_form(name: bytes, part: bytes) -> None:
    started = time.process_time()
    found = named().resolve(("10.0.0.1", 443), ((name, part * (1_000_000 // len(part))),))
    assert time.process_time() - started < 0.25
    assert len(found.chain) <= 4096
