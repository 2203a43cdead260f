"""To which cohorts a request belongs."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduct_support import made, visit
from vorbehalt.facts import Finding
from vorbehalt.patterns.cohort_keys import CohortKey, cohorts_of, network_of
from vorbehalt.patterns.seen import Inputs, seen

SHAPE = bytes(range(8))
TLS = Inputs(frozenset({"assets", "tls"}), tls_header=b"x-ja4")
JA4 = b"t13d1516h2_8daaf6152771_b186095e22b6"


@given(st.ip_addresses(v=4))
def test_the_network_of_ipv4_is_its_24(address: ipaddress.IPv4Address) -> None:
    assert network_of(str(address)) == str(ipaddress.ip_network(f"{address}/24", strict=False))


@given(st.ip_addresses(v=6))
def test_the_network_of_ipv6_is_its_48(address: ipaddress.IPv6Address) -> None:
    text = address.compressed if address.ipv4_mapped is None else address.exploded
    network, slash, bits = network_of(text).partition("/")
    assert (slash, bits) == ("/", "48")
    groups = [int(group, 16) for group in network.removesuffix("::").split(":")]
    assert groups == [int(group, 16) for group in address.exploded.split(":")[:3]]


def keys(
    headers: tuple[tuple[bytes, bytes], ...] = (),
    inputs: Inputs = TLS,
    *,
    contradictions: tuple[Finding, ...] = (),
) -> list[str]:
    return [
        key.text
        for key in cohorts_of(
            seen(visit(headers=headers), inputs), "9.9.9.9", SHAPE, inputs, contradictions=contradictions
        )
    ]


def test_every_request_belongs_to_a_network_and_a_shape() -> None:
    assert keys() == ["9.9.9.0/24", "headers:0001020304050607"]


def test_who_contradicts_itself_belongs_to_those_as_well() -> None:
    found = (made("claim.encoding"), made("claim.hints_missing"), made("proto.header_order"))
    assert keys(contradictions=found)[2:] == ["contradiction:claim.hints_missing"]


def test_a_handshake_counts_where_a_proxy_tells_it() -> None:
    told = ((b"x-ja4", JA4),)
    assert keys(told)[2:] == ["ja4:" + JA4.decode()]
    assert keys(told, Inputs(frozenset({"assets"}), tls_header=b"x-ja4"))[2:] == []


@pytest.mark.parametrize("value", [b"", b"t13d", b"x" * 41, b"t13d1516h2 8daaf6152771", b"T13D1516H2_8DAAF"])
def test_what_is_no_ja4_is_no_cohort(value: bytes) -> None:
    assert keys(((b"x-ja4", value),))[2:] == []


def test_kinds_are_kept_apart() -> None:
    found = cohorts_of(
        seen(visit(headers=((b"x-ja4", JA4),)), TLS), "9.9.9.9", SHAPE, TLS, (made("claim.encoding"),)
    )
    assert [key.kind for key in found] == ["network", "headers", "headers", "ja4"]
    assert found[0] == CohortKey("network", "9.9.9.0/24")
