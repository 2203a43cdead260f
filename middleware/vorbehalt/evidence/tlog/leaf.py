"""One leaf of the log: an ASCII JSON object whose stored bytes are the hashed bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import ModuleType
from typing import NoReturn

from vorbehalt.errors import EvidenceError

orjson: ModuleType | None
try:
    import orjson  # the extra `speed`
except ImportError:
    orjson = None

VERSION = 1
MAX_LEAF_BYTES = 16 * 1024
MAX_INTEGER = 2**53
MAX_DEPTH = 16
WRITER = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"0|[1-9][0-9]{0,18}")
_NOT_PRINTABLE = re.compile(rb"[^\x20-\x7e]")
_PRINTABLE = bytes(range(0x20, 0x7F))
_FRAME = re.compile(
    rb'\{"v":1,"type":"[a-z_-]+","w":"[A-Za-z0-9._:-]{1,128}",'
    rb'(?:"s":0,"p":""|"s":[1-9][0-9]*,"p":"[0-9a-f]{64}"),"at":"(?:0|[1-9][0-9]{0,18})","ref":"'
)
"""How the frame of a leaf of ours looks; others may order their keys otherwise."""


class LeafError(EvidenceError):
    """Bytes are not a leaf, or a record cannot become one."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LeafError("a key stands twice in one object")
    return found


def _integer(text: str) -> int:
    # The length goes first: int() of a very long text is slow and may raise on its own.
    if len(text) > 17 or abs(number := int(text)) > MAX_INTEGER:
        raise LeafError("an integer is above 2^53")
    return number


def _refuse(text: str) -> NoReturn:
    raise LeafError(f"{text[:20]} is no integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse, parse_int=_integer
)


def _too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _is_plain(value: dict[str, object] | list[object], levels: int) -> bool:
    """True if there is no float in it, and no more than so many levels."""
    if not levels:
        return False
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is str:
            continue
        if kind is float or ((kind is dict or kind is list) and not _is_plain(item, levels - 1)):  # type: ignore[arg-type]
            return False
    return True


def _decode_plain(payload: bytes) -> dict[str, object] | None:
    """Decode a leaf of which one look shows that the strict decoder would take it; None in any doubt.

    What is written again to the very same bytes holds no key twice and no space between its parts.
    """
    if (
        orjson is None
        or len(payload) > MAX_LEAF_BYTES
        or not payload.startswith(b"{")
        or payload.translate(None, _PRINTABLE)
    ):
        return None
    try:
        leaf: dict[str, object] = orjson.loads(payload)
        if orjson.dumps(leaf, option=orjson.OPT_STRICT_INTEGER) != payload or not _is_plain(leaf, MAX_DEPTH):
            return None
    except (ValueError, TypeError):
        return None
    if _FRAME.match(payload) is None:
        _check(leaf)
    else:
        _check_rest(leaf)
    return leaf


def decode_leaf(payload: bytes) -> dict[str, object]:
    """Decodes one leaf strictly.

    Raises LeafError on a duplicate key, a float, NaN or Infinity, an integer above 2^53, a byte outside
    printable ASCII, bytes before or after the object, nesting beyond 16, a payload above 16 KiB, an unknown
    `v`, a missing or ill-formed `type`, `w`, `s`, `p`, `at`, `ref`, or an ill-formed `seen` or `objects`.
    """
    if (plain := _decode_plain(payload)) is not None:
        return plain
    if len(payload) > MAX_LEAF_BYTES:
        raise LeafError(f"{len(payload)} bytes, at most {MAX_LEAF_BYTES} are allowed")
    if (bad := _NOT_PRINTABLE.search(payload)) is not None:
        raise LeafError(f"byte {bad.start()} is not printable ASCII")
    text = payload.decode("ascii")
    if not text.startswith("{"):
        raise LeafError("not a JSON object")
    try:
        leaf, end = _DECODER.raw_decode(text)
    except RecursionError:
        raise LeafError(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise LeafError(f"not JSON: {error}") from None
    if end != len(text):
        raise LeafError(f"{len(text) - end} bytes after the object")
    if text.count("{") + text.count("[") >= MAX_DEPTH and _too_deep(leaf):
        raise LeafError(f"nested deeper than {MAX_DEPTH}")
    _check(leaf)
    return leaf  # type: ignore[no-any-return]


def _check(leaf: dict[str, object]) -> None:
    if type(leaf.get("v")) is not int or leaf["v"] != VERSION:
        raise LeafError("unknown version v")
    sequence = leaf.get("s")
    if type(sequence) is not int or sequence < 0:
        raise LeafError("s is not a sequence number")
    previous = leaf.get("p")
    if type(previous) is not str or (previous != "" if sequence == 0 else not _HEX64.fullmatch(previous)):
        raise LeafError("p is not the SHA-256 of the record before")
    writer = leaf.get("w")
    if type(writer) is not str or not WRITER.fullmatch(writer):
        raise LeafError("w is not a writer id")
    moment = leaf.get("at")
    if type(moment) is not str or not _TIME.fullmatch(moment):
        raise LeafError("at is not a decimal string of nanoseconds")
    if type(leaf.get("ref")) is not str:
        raise LeafError("ref is missing")
    kind = leaf.get("type")
    if type(kind) is not str or not kind:
        raise LeafError("type is missing")
    _check_rest(leaf)


def _check_rest(leaf: dict[str, object]) -> None:
    if type(leaf.get("seen", {})) is not dict:
        raise LeafError("seen is not an object")
    objects = leaf.get("objects")
    if objects is None and "objects" not in leaf:
        return
    if type(objects) is not list or not all(type(it) is str and _HEX64.fullmatch(it) for it in objects):
        raise LeafError("objects is not a list of SHA-256 digests")


def seen_of(leaf: Mapping[str, object]) -> dict[str, object]:
    """Returns what a decoded leaf says beyond its frame (`seen`), empty if it says nothing."""
    seen = leaf.get("seen")
    return seen if isinstance(seen, dict) else {}


def encode_leaf(record: dict[str, object]) -> bytes:
    """Encodes one record as leaf bytes, keys in their order.

    Raises LeafError for whatever `decode_leaf` would refuse, so that nothing unreadable enters a log.
    """
    try:
        text = json.dumps(record, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise LeafError(f"not encodable: {error}") from None
    # json leaves DEL as it is; outside strings it cannot occur.
    payload = text.replace("\x7f", "\\u007f").encode("ascii")
    decode_leaf(payload)
    return payload
