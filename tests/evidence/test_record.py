"""A leaf is small, printable, lossless up to its caps, and holds nothing that must be forgettable."""

from __future__ import annotations

import hashlib
import json
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.evidence.leaf.headers import MAX_HEADERS_BYTES
from vorbehalt.evidence.leaf.record import build_leaf, seen_headers
from vorbehalt.evidence.leaf.scrub import MARK, address_forms
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.tlog.leaf import MAX_LEAF_BYTES, LeafError, decode_leaf

AT = 1_795_413_803_799_141_015


def draft(seen: dict[str, object], **private: bytes) -> Draft:
    return Draft(type="request", ref="r", at=AT, seen=seen, private=private)


def leaf_of(record: Draft, **options: Any) -> bytes:
    given: dict[str, Any] = {"writer": "w", "sequence": 0, "previous": "", "private": {}, "vault_key": ""}
    return build_leaf(record, **{**given, **options})


def seen_in(payload: bytes) -> Any:
    return decode_leaf(payload)["seen"]


def test_a_leaf_has_its_keys_in_the_documented_order() -> None:
    payload = leaf_of(
        draft({"path": "/", "objects": ["a" * 64]}, address=b"203.0.113.77"),
        sequence=7,
        previous="b" * 64,
        private={"address": {"c": "c" * 64, "p": "d" * 32, "month": "2026-11"}},
        vault_key="2026-11-23.claimed",
    )

    assert payload == (
        b'{"v":1,"type":"request","w":"w","s":7,"p":"'
        + b"b" * 64
        + b'","at":"1795413803799141015","ref":"r",'
        b'"seen":{"path":"/"},"objects":["'
        + b"a" * 64
        + b'"],"private":{"address":{"c":"'
        + b"c" * 64
        + b'","p":"'
        + b"d" * 32
        + b'","month":"2026-11"}},"vault":"2026-11-23.claimed"}'
    )


HOSTILE = [
    b"a\r\nX-Fake: 1",
    b"nul\x00nul",
    b"\xff\xfe invalid utf-8 \xc3",
    b"\xe2\x80\xaeright to left",
    b"\x1b[31mred",
    b"</script><script>",
    b"=cmd|'/c calc'!A0",
    b'","type":"gap","x":"',
    b"del\x7fdel",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_header_bytes_are_kept_without_loss_and_without_control_bytes(value: bytes) -> None:
    payload = leaf_of(draft({"headers": seen_headers(((b"user-agent", value),))}))

    assert all(0x20 <= byte <= 0x7E for byte in payload)
    assert decode_leaf(payload)["type"] == "request"
    assert seen_in(payload)["headers"][1][1].encode("latin-1") == value


def test_a_megabyte_of_user_agent_leaves_a_prefix_its_length_and_its_digest() -> None:
    value = b"\x00" * 500_000 + b"A" * 500_000
    payload = leaf_of(draft({"headers": seen_headers(((b"user-agent", value),))}))

    assert len(payload) <= MAX_LEAF_BYTES
    entry = seen_in(payload)["headers"][1]
    assert entry[0] == "user-agent"
    assert (
        entry[1:] == ["\x00" * len(entry[1]), 1_000_000, hashlib.sha256(value).hexdigest()] or entry[1] == ""
    )


def test_headers_are_capped_after_escaping_and_what_is_left_out_is_digested() -> None:
    headers = tuple((b"accept", b"\x01" * 300) for _ in range(200))
    entries = seen_headers(headers)

    assert len(json.dumps(entries, separators=(",", ":"))) <= MAX_HEADERS_BYTES
    whole = [entry for entry in entries if entry[0] == "accept" and len(entry) == 2]
    cut = [entry for entry in entries if entry[0] == "accept" and len(entry) == 4]
    assert len(whole) == 3  # 1,800 bytes each once escaped
    assert len(cut) >= 1
    omitted = 200 - len(whole) - len(cut)
    left_out = hashlib.sha256((b"accept:" + b"\x01" * 300 + b"\n") * omitted).hexdigest()
    assert entries[-1] == [":omitted", omitted, left_out]


def test_no_number_of_headers_crowds_the_user_agent_out() -> None:
    headers = tuple((f"sec-{number}".encode(), b"x" * 1000) for number in range(100))
    entries = seen_headers((*headers, (b"user-agent", b"GPTBot/1.2")))

    assert entries[-2] == ["user-agent", "GPTBot/1.2"]


@given(
    st.lists(
        st.tuples(st.sampled_from([b"user-agent", b"accept", b"sec-x", b"range"]), st.binary(max_size=3000)),
        max_size=60,
    )
)
def test_any_headers_fit_their_cap_and_come_back(headers: list[tuple[bytes, bytes]]) -> None:
    entries = seen_headers(tuple(headers))

    assert len(json.dumps(entries, separators=(",", ":"))) <= MAX_HEADERS_BYTES
    for entry in entries[1:]:
        if entry[0] != ":omitted" and len(entry) == 2:
            assert (str(entry[0]).encode(), str(entry[1]).encode("latin-1")) in headers


def test_only_allowed_headers_are_seen_and_their_order_is_digested() -> None:
    headers = (
        (b"Host", b"example.org"),
        (b"user-agent", b"GPTBot/1.2"),
        (b"cookie", b"id=1"),
        (b"authorization", b"Basic c2VjcmV0"),
        (b"x-real-ip", b"203.0.113.77"),
        (b"x-forwarded-for", b"203.0.113.77"),
        (b"forwarded", b"for=203.0.113.77"),
        (b"via", b"1.1 203.0.113.77"),
        (b"from", b"bot@example.net"),
        (b"sec-websocket-key", b"c2VjcmV0"),
        (b"sec-fetch-mode", b"navigate"),
        (b"accept-language", b"de"),
        (b"referer", b"https://user:pw@search.example/find?q=secret#part"),
        (b"signature-agent", b'"https://chatgpt.com"'),
    )
    entries = seen_headers(headers)

    assert entries[1:] == [
        ["user-agent", "GPTBot/1.2"],
        ["sec-fetch-mode", "navigate"],
        ["accept-language", "de"],
        ["referer", "search.example"],
        ["signature-agent", '"https://chatgpt.com"'],
    ]
    names = "\n".join(name.decode().lower() for name, _ in headers).encode()
    assert entries[0] == [":order", hashlib.sha256(names).hexdigest(), 14]
    assert seen_headers(headers[::-1])[0][1] != entries[0][1]


def test_a_referer_that_is_no_url_costs_nothing() -> None:
    assert seen_headers(((b"referer", b"https://[::1/"),))[1:] == [["referer", ""]]


def test_too_long_texts_are_cut_always_alike_and_flagged_with_length_and_digest() -> None:
    record = draft({"path": "/" + "\x01" * 60_000, "method": "GET"})
    first, second = leaf_of(record), leaf_of(record)

    assert first == second
    assert len(first) <= MAX_LEAF_BYTES
    leaf = decode_leaf(first)
    assert leaf["cut"] == [
        {
            "at": "/path",
            "length": 60_001,
            "sha256": hashlib.sha256(str(record.seen["path"]).encode()).hexdigest(),
        }
    ]
    assert seen_in(first)["method"] == "GET"
    assert str(record.seen["path"]).startswith(seen_in(first)["path"])
    assert len(seen_in(first)["path"]) >= 300


def test_a_leaf_that_fits_is_not_cut() -> None:
    payload = leaf_of(draft({"path": "a" * 15_000}))

    assert "cut" not in decode_leaf(payload)
    assert len(seen_in(payload)["path"]) == 15_000


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=400)
        | st.binary(max_size=400),
        lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=20), inner, max_size=8),
        max_leaves=60,
    )
)
def test_whatever_was_seen_becomes_a_leaf(value: object) -> None:
    payload = leaf_of(draft({"value": value}))

    assert len(payload) <= MAX_LEAF_BYTES
    decode_leaf(payload)


def test_many_short_texts_are_cut_to_a_leaf_as_well() -> None:
    payload = leaf_of(
        draft({"findings": [{"observed": "x" * 50, "id": str(number)} for number in range(5000)]})
    )

    assert len(payload) <= MAX_LEAF_BYTES
    assert decode_leaf(payload)["cut"]


def test_numbers_beyond_a_double_become_strings_and_floats_too() -> None:
    seen = seen_in(leaf_of(draft({"big": 2**63, "edge": 2**53, "small": 5, "half": 0.5, "yes": True})))

    assert seen == {"big": str(2**63), "edge": 2**53, "small": 5, "half": "0.5", "yes": True}


def test_a_time_that_is_no_time_makes_no_leaf() -> None:
    with pytest.raises(LeafError):
        leaf_of(Draft(type="request", ref="", at=-1, seen={}))


def test_objects_must_be_digests() -> None:
    with pytest.raises(LeafError):
        leaf_of(draft({"objects": ["../../etc/passwd"]}))


def forms_of(text: str) -> list[str]:
    ip = ip_address(text)
    number, packed = int(ip), ip.packed
    if isinstance(ip, IPv4Address):
        parts = text.split(".")
        return [
            text,
            ".".join(reversed(parts)),
            "-".join(parts),
            packed.hex(),
            packed[::-1].hex().upper(),
            str(number),
            text.replace(".", "%2E"),
        ]
    assert isinstance(ip, IPv6Address)
    return [
        ip.compressed,
        ip.exploded.upper(),
        ip.compressed.replace(":", "-"),
        packed.hex(),
        str(number),
        ip.reverse_pointer,
        ip.compressed.replace(":", "%3A"),
    ]


@pytest.mark.parametrize("address", ["203.0.113.77", "198.51.100.200", "2001:db8:85a3::8a2e:370:7334"])
def test_the_address_is_scrubbed_from_wherever_the_client_put_it(address: str) -> None:
    for form in forms_of(address):
        payload = leaf_of(
            draft(
                {
                    "path": f"/whois/{form}/x",
                    "headers": seen_headers(((b"user-agent", f"me ({form})".encode()),)),
                    "claim": {"how": f"reverse DNS crawl-{form}.example.net"},
                },
                address=address.encode(),
            )
        )
        assert form.lower().encode() not in payload.lower()
        assert decode_leaf(payload)["scrubbed"] is True
        assert MARK in seen_in(payload)["headers"][1][1]


def test_addresses_of_the_peer_and_the_chain_are_scrubbed_too() -> None:
    payload = leaf_of(
        draft(
            {"path": "/198.51.100.9/192.0.2.33/2001:db8::5"},
            peer=b"198.51.100.9",
            chain=b'for=192.0.2.33:4711, for="[2001:db8::5]:443"',
        )
    )
    assert seen_in(payload)["path"] == f"/{MARK}/{MARK}/{MARK}"


def test_a_longer_number_is_not_mistaken_for_the_address() -> None:
    payload = leaf_of(draft({"path": "/11.2.3.45"}, address=b"1.2.3.4"))

    assert seen_in(payload)["path"] == "/11.2.3.45"
    assert "scrubbed" not in decode_leaf(payload)


def test_the_from_value_and_the_raw_query_are_scrubbed_but_cannot_wipe_the_user_agent() -> None:
    headers = seen_headers(((b"user-agent", b"GPTBot (bot@example.net)"),))
    kept = leaf_of(draft({"headers": headers}, **{"from": b"GPTBot"}))
    wiped = leaf_of(
        draft({"headers": headers, "path": "/q=secret1"}, **{"from": b"Bot@Example.net"}, query=b"q=secret1")
    )

    assert seen_in(kept)["headers"][1][1] == "GPTBot (bot@example.net)"
    assert seen_in(wiped)["headers"][1][1] == f"GPTBot ({MARK})"
    assert seen_in(wiped)["path"] == f"/{MARK}"


def test_a_cut_value_that_held_the_address_keeps_no_digest_to_try_addresses_against() -> None:
    value = b"203.0.113.77 " + b"A" * 2000
    payload = leaf_of(draft({"headers": seen_headers(((b"user-agent", value),))}, address=b"203.0.113.77"))

    assert hashlib.sha256(value).hexdigest().encode() not in payload


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "testclient", "", "0.0.0.0"])
def test_what_names_nobody_is_not_scrubbed(text: str) -> None:
    assert address_forms(text) == ()
