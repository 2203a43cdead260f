"""Named cases: every trap of verification, with the shipped rules and lists dated as the case says."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support import cases
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.facts import ClientAddress, Standing
from vorbehalt.identify.answers import DnsAnswer, SignatureAnswer
from vorbehalt.identify.identity import Claim, Identity, establish, signed_claim
from vorbehalt.identify.means import operator_means
from vorbehalt.identify.networks import RangeList, canonical_address, read_range_lists
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.tokens import TokenIndex

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT = int(NOW.timestamp()) * 10**9
THUMBPRINT = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
HOUR = 3_600_000_000_000


def dated(documents: Mapping[str, bytes], case: Mapping[str, Any]) -> Mapping[str, RangeList]:
    found = {}
    for name, body in documents.items():
        if name.startswith("ranges/"):
            hours = case.get("ages", {}).get(name[7:-5], case.get("list_hours", 1))
            document = json.loads(body)
            document["fetched_at"] = (NOW - timedelta(hours=hours)).isoformat()
            found[name] = json.dumps(document).encode()
    return read_range_lists(found)


def address_of(
    case: Mapping[str, Any], documents: Mapping[str, bytes], lists: Mapping[str, RangeList]
) -> str:
    """The address a case names, or the first of one list that the other lists do not hold."""
    if "address" in case:
        return str(case["address"])
    rows = json.loads(documents[f"ranges/{case['in']}.json"])["prefixes"]
    others = [lists[name].networks for name in case.get("not_in", [])]
    for row in rows:
        text = str(ipaddress.ip_network(row.get("ipv4Prefix") or row["ipv6Prefix"])[0])
        if "." in text and not any(other.contains(text) for other in others):
            return text
    raise AssertionError(f"no address is only in {case['in']}")


def client_of(case: Mapping[str, Any], address: str) -> ClientAddress:
    told = case.get("through")
    if told is None:
        canonical = canonical_address(address)
        assert canonical is not None
        return ClientAddress(*canonical[:1], "direct", canonical[1])
    resolver = AddressResolver(told["trusted"], told.get("header", ""))
    lines = [line.replace("ADDRESS", address).partition(": ") for line in told["headers"]]
    headers = tuple((name.encode(), value.encode()) for name, _, value in lines)
    peer = (told["peer"].replace("ADDRESS", address), told.get("port", 50000)) if "peer" in told else None
    return resolver.resolve(peer, headers)


def dns_of(case: Mapping[str, Any]) -> DnsAnswer | None:
    dns = case.get("dns")
    if dns is None:
        return None
    return DnsAnswer(dns["outcome"], tuple(dns.get("names", ())), AT - dns.get("hours", 2) * HOUR, 300)


def signature_of(case: Mapping[str, Any]) -> SignatureAnswer | None:
    made = case.get("signature")
    if made is None:
        return None
    return SignatureAnswer(made["outcome"], made["agent"], THUMBPRINT, made.get("how", ""))


def identify(
    case: Mapping[str, Any], documents: Mapping[str, bytes], index: TokenIndex, registry: Registry
) -> tuple[Identity | None, str]:
    """What is established, and the address in question."""
    lists = dated(documents, case)
    address = address_of(case, documents, lists)
    documented = operator_means(registry)
    signature = signature_of(case)
    claim: Claim | None = index.claim(case["user_agent"].encode()) or signed_claim(signature, documented)
    if claim is None:
        return None, address
    found = establish(
        claim,
        client_of(case, address),
        lists,
        AT,
        dns=dns_of(case),
        signature=signature,
        documented=documented,
        awaited=frozenset(case.get("awaited", ())),
    )
    return found, address


@pytest.mark.parametrize("case", cases("standing"))
def test_a_named_case(
    case: dict[str, Any],
    shipped_documents: Mapping[str, bytes],
    shipped_index: TokenIndex,
    shipped: Registry,
) -> None:
    found, address = identify(case, shipped_documents, shipped_index, shipped)
    if "standing" not in case:
        assert found is None
        return
    assert found is not None
    assert (found.token, found.standing) == (case["token"], Standing(case["standing"])), found.how
    assert case.get("says", "") in found.how
    assert address not in found.how
    assert address.replace(".", "-") not in found.how


def test_every_standing_has_a_case() -> None:
    assert {case.values[0].get("standing") for case in cases("standing")} - {None} == set(Standing)
