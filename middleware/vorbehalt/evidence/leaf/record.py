"""From a draft to the bytes of a leaf: encoding, caps, and nothing in it that must be forgettable. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from json.encoder import encode_basestring_ascii

from vorbehalt.evidence.leaf.headers import seen_headers
from vorbehalt.evidence.leaf.scrub import Scrubber, known_forms, stands_in
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.tlog.leaf import (
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_LEAF_BYTES,
    VERSION,
    LeafError,
)

__all__ = ["build_leaf", "seen_headers"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_REF = re.compile(r"[\x20-\x7e]{0,128}")
_MAX_TIME = 10**19
_LIMITS = (4096, 2048, 1024, 512, 256, 128, 64)
_MAX_ITEMS = 32
_MAX_CUTS = 24
_MAX_OBJECTS = 100
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False, check_circular=False)

Sealed = Mapping[str, Mapping[str, str]]
"""Commitments by kind, as they stand under `private` in a leaf."""


def build_leaf(
    draft: Draft, *, writer: str, sequence: int, previous: str, private: Sealed, vault_key: str
) -> bytes:
    """Return the leaf of a draft: printable ASCII JSON of at most 16 KiB that `decode_leaf` reads.

    `previous` is the SHA-256 hex of the writer's last leaf ("" for the first). `private` holds commitments
    only. Too long texts are cut to a prefix, the longest first, and listed under `cut` with length and
    SHA-256; floats and integers beyond 2^53 become strings. Raises LeafError if the draft cannot be a leaf at
    all.
    """
    seen: dict[str, object] = draft.seen
    if not 0 <= draft.at < _MAX_TIME or not draft.type:
        raise LeafError("a record needs a type and a time")
    head: dict[str, object] = {
        "v": VERSION,
        "type": draft.type,
        "w": writer,
        "s": sequence,
        "p": previous,
        "at": str(draft.at),
        "ref": draft.ref if _REF.fullmatch(draft.ref) else "",
    }
    tail: dict[str, object] = {}
    if "objects" in seen:
        tail["objects"] = _digests(seen["objects"])
        seen = {key: value for key, value in seen.items() if key != "objects"}
    if private:
        tail["private"] = private
        tail["vault"] = vault_key
    if not _is_plain(seen, MAX_DEPTH - 2):
        seen = _plain(seen)
    text = _ENCODER.encode(seen)
    forms = known_forms(draft.private) if draft.private else ()
    if forms and stands_in(forms, text):
        scrubbed = _plain(Scrubber(forms).value(seen))
        if (cleaned := _ENCODER.encode(scrubbed)) != text:
            seen, text = scrubbed, cleaned
            tail["scrubbed"] = True
    payload = _leaf(head, text, tail)
    if len(payload) > MAX_LEAF_BYTES:
        payload = _shrunk(head, seen, tail)
    return payload


def _is_plain(value: object, depth: int) -> bool:
    """True if a value is a leaf's already; a quarter of what decoding the leaf again would cost."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    if depth <= 0:
        return False
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not _is_plain(item, depth - 1):
                return False
        return True
    if kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined] # noqa: SIM110 - a generator costs twice
            if not _is_plain(item, depth - 1):
                return False
        return True
    return False


def _leaf(head: dict[str, object], seen: str, tail: dict[str, object]) -> bytes:
    text = f'{_ENCODER.encode(head)[:-1]},"seen":{seen}'
    text += f",{_ENCODER.encode(tail)[1:]}" if tail else "}"
    return text.encode("ascii")


def _digests(value: object) -> list[str]:
    found = value if isinstance(value, (list, tuple)) else ()
    if not 0 < len(found) <= _MAX_OBJECTS or not all(
        isinstance(item, str) and _DIGEST.fullmatch(item) for item in found
    ):
        raise LeafError("objects is not a list of SHA-256 hex digests")
    return list(found)


def _plain(value: object, depth: int = 2) -> dict[str, object]:
    cleaned = _clean(value, depth)
    if not isinstance(cleaned, dict):
        raise LeafError("seen is not an object")
    return cleaned


def _clean(value: object, depth: int) -> object:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return (
            int(value)
            if abs(value) <= MAX_INTEGER
            else f"{value:#x}"
            if value.bit_length() > 4096
            else str(value)
        )
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("latin-1")
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            return {str(key): _clean(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
            return [_clean(item, depth + 1) for item in items]
    return repr(value)[:1024]


def _shrunk(head: dict[str, object], seen: dict[str, object], tail: dict[str, object]) -> bytes:
    """Cut the longest texts first, then long lists, until the leaf fits; always to the same bytes."""
    payload = b""
    for limit in _LIMITS:
        cuts: list[dict[str, object]] = []
        shorter = _cut(seen, limit, _MAX_ITEMS if limit == _LIMITS[-1] else 1 << 30, "", cuts)
        payload = _leaf(head, _ENCODER.encode(shorter), {**tail, "cut": cuts[:_MAX_CUTS]} if cuts else tail)
        if len(payload) <= MAX_LEAF_BYTES:
            return payload
    whole = _ENCODER.encode(seen).encode("ascii")
    cuts = [{"at": "", "length": len(whole), "sha256": sha256(whole).hexdigest()}]
    return _leaf(head, "{}", {**tail, "cut": cuts})


def _cut(value: object, limit: int, items: int, at: str, cuts: list[dict[str, object]]) -> object:
    if isinstance(value, str):
        if len(value) * 6 <= limit or (escaped := len(encode_basestring_ascii(value))) <= limit:
            return value
        whole = value.encode("utf-8", "surrogatepass")
        cuts.append({"at": at[:128], "length": len(value), "sha256": sha256(whole).hexdigest()})
        return value[: max(1, limit * len(value) // (2 * escaped))]
    if isinstance(value, dict):
        kept = list(value.items())[:items]
        if len(kept) < len(value):
            cuts.append(_cut_items(value, at))
        return {str(key)[:128]: _cut(item, limit, items, f"{at}/{key}", cuts) for key, item in kept}
    if isinstance(value, (list, tuple)):
        if len(value) > items:
            cuts.append(_cut_items(value, at))
        return [_cut(item, limit, items, f"{at}/{index}", cuts) for index, item in enumerate(value[:items])]
    return value


def _cut_items(value: dict[str, object] | list[object] | tuple[object, ...], at: str) -> dict[str, object]:
    whole = _ENCODER.encode(value).encode("ascii")
    return {"at": at[:128], "length": len(value), "sha256": sha256(whole).hexdigest()}


def texts(value: object) -> Iterator[str]:
    """Yield every string inside a draft's `seen`, for its weight in the queue."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)
