"""Addresses in text, limits' keys, and membership in published lists."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.errors import RulesError
from vorbehalt.identify.networks import (
    NetworkSet,
    RangeList,
    canonical_address,
    limit_key,
    read_range_lists,
)

GLOBAL = [
    ("8.8.8.8", "8.8.8.8"),
    ("8.8.8.8:443", "8.8.8.8"),
    (" 8.8.8.8 ", "8.8.8.8"),
    ('"8.8.8.8:1"', "8.8.8.8"),
    ("[8.8.8.8]", "8.8.8.8"),
    ("::ffff:8.8.8.8", "8.8.8.8"),
    ("[::ffff:808:808]:80", "8.8.8.8"),
    ("2A00:1450:0:0::1", "2a00:1450::1"),
    ("[2a00:1450::1]", "2a00:1450::1"),
    ("[2a00:1450::1]:8080", "2a00:1450::1"),
    ("[2a00:1450::1%eth0]:8080", "2a00:1450::1"),
    ('"[2a00:1450::1]:4711"', "2a00:1450::1"),
    ("2a00:1450::1%1", "2a00:1450::1"),
]
LOCAL = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fe80::1%eth0",
    "ff02::1",
]
NONE = [
    "",
    "unknown",
    "_hidden",
    "testclient",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4/24",
    "1.2.3.4:http",
    "1.2.3.4:",
    "١.2.3.4",
    "[::1",
    "[::1]x",
    "[::1]:x",
    "::g",
    ":::",
    "1:2:3:4:5:6:7:8:9",
    "\0",
]


@pytest.mark.parametrize(("text", "expected"), GLOBAL)
def test_a_global_address_has_one_form(text: str, expected: str) -> None:
    assert canonical_address(text) == (expected, True)


@pytest.mark.parametrize("text", LOCAL)
def test_an_address_that_is_not_globally_routable_says_so(text: str) -> None:
    found = canonical_address(text)
    assert found is not None
    assert found[1] is False


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address_is_none(text: str) -> None:
    assert canonical_address(text) is None


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    found = canonical_address(text)
    if found is not None:
        assert str(ipaddress.ip_address(found[0])) == found[0]
    limit_key(text)
    NetworkSet(["0.0.0.0/0", "::/0"], any_length=True).contains(text)


@given(st.ip_addresses(v=4))
def test_ipv4_agrees_with_the_standard_library_about_what_is_global(address: ipaddress.IPv4Address) -> None:
    # The library counts multicast as global, and changed its mind about these between releases.
    if not address.is_multicast and address not in ipaddress.ip_network("192.0.0.0/24"):
        assert canonical_address(str(address)) == (str(address), address.is_global)


@given(st.ip_addresses(v=6))
def test_ipv6_is_written_as_the_standard_library_does(address: ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped
    expected = str(mapped or address)
    for text in (str(address), address.exploded, f"[{address}]:1", str(address).upper()):
        found = canonical_address(text)
        assert found is not None
        assert found[0] == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("2a00:1450:4001:82a::200e", "2a00:1450:4001:82a::/64"),
        ("2a00:1450:4001:82a:ffff:ffff:ffff:ffff", "2a00:1450:4001:82a::/64"),
        ("2a00:1450:4001:82b::", "2a00:1450:4001:82b::/64"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_the_key_of_a_limit(text: str, key: str) -> None:
    assert limit_key(text) == key


@st.composite
def networks(draw: st.DrawFn) -> str:
    address = draw(st.ip_addresses())
    length = draw(st.integers(8, 32) if address.version == 4 else st.integers(16, 128))
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


@given(st.lists(networks(), max_size=12), st.data())
def test_membership_agrees_with_the_standard_library(prefixes: list[str], data: st.DataObject) -> None:
    known = NetworkSet(prefixes)
    assert known.size == len(prefixes)
    candidates = [st.ip_addresses().map(str)]
    for prefix in prefixes:
        network = ipaddress.ip_network(prefix)
        candidates.append(st.sampled_from([str(network[0]), str(network[-1])]))
        if int(network[-1]) + 1 < 1 << network.max_prefixlen:
            candidates.append(st.just(str(network[-1] + 1)))
    for address in data.draw(st.lists(st.one_of(candidates), min_size=1, max_size=8)):
        expected = any(ipaddress.ip_address(address) in ipaddress.ip_network(prefix) for prefix in prefixes)
        assert known.contains(address) is expected
        assert known.contains(address) is expected, "from memory"


def test_what_is_no_address_is_in_no_network() -> None:
    everything = NetworkSet(["0.0.0.0/0", "::/0"], any_length=True)
    assert everything.contains("8.8.8.8")
    assert everything.contains("2a00::1")
    assert not any(everything.contains(text) for text in ("", "x", "8.8.8.8/32", "8.8.8", "2a00::1%x", "::g"))


def test_the_memory_of_addresses_is_bounded() -> None:
    known = NetworkSet(["8.0.0.0/8"])
    for number in range(9000):
        assert known.contains(f"8.{number >> 8}.{number & 255}.1") is True
    assert len(known._known) <= 4096


@pytest.mark.parametrize(
    "prefix",
    [
        "8.8.8.8/33",
        "8.8.8.8/-1",
        "8.8.8.8/",
        "8.8.8.8/x",
        "8.8.8.1/24",
        "8.8.8",
        "",
        "2a00::1/64",
        "2a00::/129",
        "x/8",
        "0.0.0.0/0",
        "8.0.0.0/7",
        "::/0",
        "2000::/15",
        "8.8.8.0/24/24",
        "8.8.8.0/٢٤",
    ],
)
def test_a_malformed_or_boundless_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"prefix|length|wide"):
        NetworkSet([prefix])


def ranges(**changes: Any) -> bytes:
    document: dict[str, Any] = {
        "creationTime": "2026-11-20T10:00:00",
        "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}, {"ipv6Prefix": "2a00:1450::/32"}],
        "list": "example",
        "source_url": "https://example.ai/bots.json",
        "fetched_at": "2026-11-22T00:00:00Z",
        "basis": "operator",
    }
    return json.dumps(
        {key: value for key, value in (document | changes).items() if value is not ...}
    ).encode()


def test_a_range_list_is_read() -> None:
    one = RangeList.from_document("ranges/example.json", ranges())
    assert (one.name, one.basis, one.networks.size) == ("example", "operator", 2)
    assert one.fetched_at == 1_795_305_600 * 10**9
    assert one.networks.contains("8.8.8.8")
    assert one.networks.contains("2a00:1450::1")
    assert not one.networks.contains("8.8.9.8")
    assert one.digest != RangeList.from_document("example", ranges(basis="third-party")).digest


def test_a_time_with_an_offset_is_the_same_moment() -> None:
    one = RangeList.from_document("example", ranges(fetched_at="2026-11-22T01:00:00+01:00"))
    assert one.fetched_at == RangeList.from_document("example", ranges()).fetched_at


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"list": "other"}, "list must be 'example', not 'other'"),
        ({"list": ...}, "list is missing"),
        ({"source_url": 7}, "source_url is missing or no string"),
        ({"source_url": ""}, "source_url is empty"),
        ({"fetched_at": "yesterday"}, "fetched_at must be UTC"),
        ({"fetched_at": "2026-11-22T00:00:00"}, "fetched_at must be UTC"),
        ({"basis": "guess"}, "basis must be operator or third-party"),
        ({"prefixes": ...}, "prefixes must be a list with at least one prefix"),
        ({"prefixes": []}, "prefixes must be a list with at least one prefix"),
        ({"prefixes": ["8.8.8.0/24"]}, "prefixes[0] must hold one of"),
        ({"prefixes": [{}]}, "prefixes[0] must hold one of"),
        ({"prefixes": [{"ipv4Prefix": 8}]}, "prefixes[0] must hold one of"),
        (
            {"prefixes": [{"ipv4Prefix": "8.8.8.0/24", "ipv6Prefix": "2a00::/32"}]},
            "prefixes[0] must hold one of",
        ),
        ({"prefixes": [{"ipv4Prefix": "2a00::/32"}]}, "prefixes[0] names the wrong version"),
        ({"prefixes": [{"ipv6Prefix": "8.8.8.0/24"}]}, "prefixes[0] names the wrong version"),
        ({"prefixes": [{"ipv4Prefix": "8.8.8.1/24"}]}, "has bits set beyond its length"),
        ({"prefixes": [{"ipv4Prefix": "0.0.0.0/0"}]}, "too wide"),
    ],
)
def test_a_malformed_list_is_refused_with_the_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesError) as caught:
        RangeList.from_document("example", ranges(**changes))
    assert str(caught.value).startswith("ranges/example.json: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RulesError, match=r"ranges/example\.json"):
        RangeList.from_document("example", body)


def test_a_third_party_list_needs_no_address_of_its_source() -> None:
    assert RangeList.from_document("example", ranges(source_url="", basis="third-party")).source_url == ""


def test_all_lists_are_read_and_all_mistakes_told() -> None:
    lists = read_range_lists(
        {"ranges/example.json": ranges(), "ranges/README.md": b"?", "operators/x.toml": b"?"}
    )
    assert list(lists) == ["example"]
    with pytest.raises(RulesError) as caught:
        read_range_lists({"ranges/a.json": b"", "ranges/b.json": ranges(), "ranges/example.json": ranges()})
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "ranges/a.json",
        "ranges/b.json",
    ]
