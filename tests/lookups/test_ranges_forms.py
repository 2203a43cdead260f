"""The forms of published lists, and what makes a list doubtful."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import cases
from vorbehalt.errors import RulesError
from vorbehalt.identify.networks import NetworkSet, canonical_address
from vorbehalt.lookups import range_sanity
from vorbehalt.lookups.range_forms import FORMS, MOST, canonical_prefix, read_form
from vorbehalt.lookups.range_sanity import fault, shrinkage
from vorbehalt.lookups.ranges import list_sources
from vorbehalt.settings import load_rules

DOCUMENTS = load_rules(None)[0]
HALF = [f"8.8.{n}.0/24" for n in range(0, 20, 2)]


@pytest.mark.parametrize("case", cases("range_forms"))
def test_a_document_is_read_or_refused_with_the_place(case: dict[str, Any]) -> None:
    def read() -> list[str]:
        return list(
            read_form(
                case["body"].encode(), "list", form=case.get("form", ""), service=case.get("service", "")
            )
        )

    if "error" not in case:
        assert read() == case["prefixes"]
        NetworkSet(read())
        return
    with pytest.raises(RulesError) as caught:
        read()
    assert str(caught.value).startswith(case["error"])


@pytest.mark.parametrize("form", ["", *sorted(FORMS)])
@given(body=st.one_of(st.binary(max_size=60), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["8.8.8.8", "::1/64"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["prefixes", "ips", "ip", "ipv4Prefix", "synthetics", "data", "copilot", "x"]),
        inner, max_size=3),
    max_leaves=9,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_document_does_anything_but_be_read_or_be_refused(form: str, body: bytes) -> None:
    refused = ""
    found: tuple[str, ...] = ()
    try:
        found = read_form(body, "list", form=form, service="S")
    except RulesError as error:
        refused = str(error)
    assert bool(found) != refused.startswith("list: ")
    assert list(found) == [str(ipaddress.ip_network(text)) for text in found]


def test_a_document_nested_too_deeply_is_refused() -> None:
    with pytest.raises(RulesError, match="not readable as JSON"):
        read_form(b"[" * 200_000, "list")


def test_too_many_prefixes_are_refused() -> None:
    texts = [
        f"{number >> 16}.{number >> 8 & 255}.{number & 255}.1"
        for number in range(1 << 20, (1 << 20) + MOST + 1)
    ]
    with pytest.raises(RulesError, match="more than 50000 prefixes"):
        read_form(json.dumps(texts).encode(), "list")
    assert len(read_form("\n".join(texts[1:]).encode(), "list")) == MOST


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_prefix_has_one_form(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> None:
    text = f"{address}/{min(length, address.max_prefixlen)}"
    once = canonical_prefix(text)
    assert canonical_prefix(once) == once
    assert ipaddress.ip_network(once)


@pytest.mark.parametrize("name", [n for n, s in list_sources(DOCUMENTS).items() if s.form != "html"])
def test_the_lists_of_the_rules_read_as_documents_and_pass_every_check(name: str) -> None:
    body = DOCUMENTS[f"ranges/{name}.json"]
    found = read_form(body, name)
    assert len(found) == len(json.loads(body)["prefixes"])
    assert fault(found) == ""
    assert shrinkage(found, found) == ""


# --- what no list of crawlers is


@pytest.mark.parametrize(
    ("prefixes", "reason"),
    [
        (["8.0.0.0/7"], "it covers more than an IPv4 /8"),
        (["8.0.0.0/8", "9.0.0.0/32"], "it covers more than an IPv4 /8"),
        ([f"{n}.0.0.0/9" for n in (8, 12, 13)], "it covers more than an IPv4 /8"),
        (["2400::/15"], "it covers more than an IPv6 /16"),
        (["2400::/16", "2600::/128"], "it covers more than an IPv6 /16"),
        (["0.0.0.0/0"], "0.0.0.0/0 is not globally routable"),
        (["::/0"], "::/0 is not globally routable"),
        (["8.8.8.0/24", "10.1.0.0/24"], "10.1.0.0/24 is not globally routable"),
        (["192.0.0.0/16"], "192.0.0.0/16 is not globally routable"),
        (["198.51.0.0/16"], "198.51.0.0/16 is not globally routable"),
        (["100.0.0.0/8"], "100.0.0.0/8 is not globally routable"),
        (["127.0.0.1/32"], "127.0.0.1/32 is not globally routable"),
        (["2001::/16"], "2001::/16 is not globally routable"),
        (["2001:db8::1/128"], "2001:db8::1/128 is not globally routable"),
        (["fd00::/32"], "fd00::/32 is not globally routable"),
    ],
)
def test_a_list_that_cannot_be_right_is_named(prefixes: list[str], reason: str) -> None:
    assert fault(prefixes).startswith(reason)


@pytest.mark.parametrize(
    "prefixes", [["8.0.0.0/8"], ["8.0.0.0/9", "8.0.0.0/8"], ["2400::/16", "8.8.8.8/32"], ["192.1.0.0/16"]]
)
def test_a_list_at_the_edge_is_none(prefixes: list[str]) -> None:
    assert fault(prefixes) == ""


def test_every_special_network_is_known_by_an_address_of_its_own() -> None:
    for address in range_sanity._SPECIAL:
        known = canonical_address(str(address))
        assert known is not None
        assert known[1] is False


@pytest.mark.parametrize(
    ("new", "old", "reason"),
    [
        (HALF[:5], HALF, "it shrank from 10 networks to 5"),
        (HALF[:6], HALF, ""),
        (HALF, HALF[:1], ""),
        (["8.8.0.0/23"], ["8.8.0.0/24", "8.8.1.0/24"], ""),
        (
            ["8.8.0.0/25", "9.0.0.0/32"],
            ["8.8.0.0/24", "9.0.0.0/31"],
            "it shrank to 50 % of its IPv4 addresses",
        ),
        (["8.8.0.0/25", "9.0.0.0/31"], ["8.8.0.0/24", "9.0.0.0/31"], ""),
        (["8.8.0.0/16", "1.1.1.1/32"], ["8.0.0.0/8", "9.9.9.9/32"], "it shrank to 0 % of its IPv4 addresses"),
        ([*HALF, "2a00::/64"], [*HALF, "2a00::/32"], "it shrank to 0 % of its IPv6 addresses"),
        ([*HALF, "1.1.1.1/32"], [*HALF, "2a00::/32"], "it shrank to none of its IPv6 addresses"),
        (["1.1.1.1/32"], [], ""),
    ],
)
def test_a_list_that_shrinks_by_half_or_more_is_named(new: list[str], old: list[str], reason: str) -> None:
    assert shrinkage(new, old) == reason
