"""Leaves: the strict decoder accepts exactly what the encoder writes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog_support import Writer, as_json
from vorbehalt.evidence import verify as standalone
from vorbehalt.evidence.tlog import leaf as leaf_module
from vorbehalt.evidence.tlog.leaf import MAX_LEAF_BYTES, LeafError, decode_leaf, encode_leaf

GOOD = Writer().leaf(seen={"path": "/"})
SECOND = '"s":1,"p":"' + "a" * 64 + '"'


def changed(old: str, new: str) -> bytes:
    text = GOOD.decode()
    assert text.count(old) == 1
    return text.replace(old, new).encode("utf-8")


BAD = {
    "duplicate key": changed('"v":1', '"v":1,"v":1'),
    "duplicate key inside": changed('"path":"/"', '"path":"/","path":"/"'),
    "duplicate key spelt with an escape": changed('"path":"/"', '"path":"/","pat\\u0068":"/"'),
    "float": changed('"path":"/"', '"path":1.5'),
    "float that is whole": changed('"path":"/"', '"path":1.0'),
    "exponent": changed('"path":"/"', '"path":1e3'),
    "NaN": changed('"path":"/"', '"path":NaN'),
    "Infinity": changed('"path":"/"', '"path":-Infinity'),
    "integer above 2^53": changed('"path":"/"', f'"path":{2**53 + 1}'),
    "integer below -2^53": changed('"path":"/"', f'"path":-{2**53 + 1}'),
    "integer of 5000 digits": changed('"path":"/"', '"path":' + "9" * 5000),
    "non-ASCII": changed('"path":"/"', '"path":"ü"'),
    "control byte": changed('"path":"/"', '"path":"\x1b"'),
    "DEL": changed('"path":"/"', '"path":"\x7f"'),
    "newline between tokens": changed('"v":1,', '"v":1,\n'),
    "bytes behind": GOOD + b"{}",
    "space behind": GOOD + b" ",
    "newline behind": GOOD + b"\n",
    "space before": b" " + GOOD,
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "unknown version": changed('"v":1', '"v":2'),
    "version is true": changed('"v":1', '"v":true'),
    "no version": changed('"v":1,', ""),
    "negative sequence": changed('"s":0', '"s":-1'),
    "sequence as text": changed('"s":0', '"s":"0"'),
    "sequence is false": changed('"s":0', '"s":false'),
    "first with a record before": changed('"p":""', '"p":"' + "a" * 64 + '"'),
    "second without a record before": changed('"s":0', '"s":1'),
    "previous hash in capitals": changed('"s":0,"p":""', SECOND.replace("a", "A")),
    "time as a number": changed('"at":"1790000000000000000"', '"at":1790000000'),
    "time with a sign": changed('"at":"1790000000000000000"', '"at":"-1"'),
    "writer with a slash": changed('"w":"9f86d081884c7d65-1a2b3c4d-1"', '"w":"../x"'),
    "no reference": changed('"ref":"r0",', ""),
    "empty type": changed('"type":"request"', '"type":""'),
    "seen is a list": changed('{"path":"/"}', "[]"),
    "objects is an object": changed('{"path":"/"}', '{},"objects":{}'),
    "an array": b"[]",
    "empty": b"",
    "cut": GOOD[:-1],
    "nested 17 deep": changed('"path":"/"', '"path":' + "[" * 15 + "]" * 15),
    "nested 8000 deep": b'{"a":' + b"[" * 8000 + b"]" * 8000 + b"}",
    "too long": changed('"path":"/"', '"path":"' + "x" * MAX_LEAF_BYTES + '"'),
}


@pytest.mark.parametrize("payload", BAD.values(), ids=BAD.keys())
def test_both_decoders_refuse(payload: bytes) -> None:
    with pytest.raises(LeafError):
        decode_leaf(payload)
    with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
        standalone.parse_leaf(payload)


@pytest.mark.parametrize(
    "payload",
    [
        GOOD,
        changed('"path":"/"', f'"path":{2**53}'),
        changed('"path":"/"', '"path":' + "[" * 13 + "1" + "]" * 13),
        changed('"path":"/"', '"path":"' + "[" * 50 + '"'),
        changed('"s":0,"p":""', SECOND),
        changed('"path":"/"', '"path":"\\u0000\\u001b\\u202e\\ud800"'),
    ],
)
def test_both_decoders_accept(payload: bytes) -> None:
    assert decode_leaf(payload) == json.loads(payload) == standalone.parse_leaf(payload)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(value=VALUES)
def test_what_the_encoder_writes_both_decoders_read(value: object) -> None:
    record = as_json(GOOD) | {"seen": {"value": value}}
    try:
        payload = encode_leaf(record)
    except LeafError:
        return
    assert decode_leaf(payload) == record == standalone.parse_leaf(payload)
    assert encode_leaf(decode_leaf(payload)) == payload


@given(text=st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_header_text_is_kept_without_loss(text: str) -> None:
    payload = encode_leaf(as_json(GOOD) | {"seen": {"agent": text}})
    assert decode_leaf(payload)["seen"] == {"agent": text}
    assert all(0x20 <= byte < 0x7F for byte in payload)


@pytest.mark.parametrize("value", [1.5, 2**53 + 1, b"bytes", float("nan"), {1: "a", "1": "b"}, {object()}])
def test_the_encoder_refuses_what_could_not_be_read_back(value: object) -> None:
    with pytest.raises(LeafError):
        encode_leaf(as_json(GOOD) | {"seen": {"value": value}})


@given(payload=st.binary() | st.text().map(str.encode))
def test_the_decoder_never_raises_anything_else(payload: bytes) -> None:
    with pytest.raises(LeafError):
        decode_leaf(payload)


def outcome(payload: bytes) -> dict[str, object] | None:
    try:
        return decode_leaf(payload)
    except LeafError:
        return None


def accepts(payload: bytes) -> bool:
    """What the stand-alone verifier says."""
    try:
        standalone.parse_leaf(payload)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return True


NUMBERS = [
    "1.5",
    "1e3",
    "1E3",
    "-0",
    "-1",
    "01",
    "9007199254740992",
    "9007199254740993",
    "18446744073709551616",
]
SPOTS = [
    '{"path":%s}',
    '{"path":[%s]}',
    '{"path":[1,%s]}',
    '{"path":"%s"}',
    '{"path":":%s"}',
    '{"a":1,"a":%s}',
    '{"a":1,"a" :%s}',
    '{"a":1,"\\u0061":%s}',
    '{"a":1.5,"a":%s}',
    '{"path":"\\":%s"}',
]


def test_the_fast_decoder_and_the_strict_one_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the stand-alone verifier: on refused leaves, odd numbers, nestings and single changed bytes."""
    others = b'"{}[]:,.0e\\ '
    changed_bytes = [GOOD[:at] + bytes([byte]) + GOOD[at + 1 :] for at in range(len(GOOD)) for byte in others]
    nested = [changed('"path":"/"', '"path":' + "[" * n + "]" * n) for n in range(20)]
    numbers = [changed('{"path":"/"}', spot % number) for spot in SPOTS for number in NUMBERS]
    payloads = [*BAD.values(), GOOD, *changed_bytes, *nested, *numbers]
    fast = [outcome(payload) for payload in payloads]
    monkeypatch.setattr(leaf_module, "orjson", None)

    assert fast == [outcome(payload) for payload in payloads]
    assert [found is not None for found in fast] == [accepts(payload) for payload in payloads]
    assert sum(found is not None for found in fast) > 20
