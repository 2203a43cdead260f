"""Damaged stretches of a spool: where the records go on. No crash leaves those, so they are an alarm."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.evidence.frames import frame_at
from vorbehalt.evidence.tlog.leaf import MAX_LEAF_BYTES, LeafError, decode_leaf

_HEAD = 8
_LEAF_START = b'{"v":'


def stretch(data: bytes, writer: str, expected: int) -> tuple[int, int]:
    """Return how long the damage at the start of `data` is, and the number of the record behind it.

    Records below `expected` are known and do not end it. The number is -1 if only damage follows.
    """
    found = _HEAD
    while (found := data.find(_LEAF_START, found + 1)) >= 0:
        payload = frame_at(data, found - _HEAD)
        if payload is not None and (number := _number(payload, writer)) >= expected:
            return found - _HEAD, number
    return len(data), -1


def first_number(path: Path) -> int:
    """Return the number of the first record in a spool, -1 if it begins with none."""
    try:
        with path.open("rb") as file:
            payload = frame_at(file.read(_HEAD + MAX_LEAF_BYTES), 0)
    except FileNotFoundError:
        return -1
    return _number(payload, None) if payload is not None else -1


def _number(payload: bytes, writer: str | None) -> int:
    try:
        leaf = decode_leaf(payload)
    except LeafError:
        return -1
    number = leaf["s"]
    return number if isinstance(number, int) and leaf["w"] == (writer or leaf["w"]) else -1
