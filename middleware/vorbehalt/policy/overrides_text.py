"""Pauses and spares as they stand in a file: JSON, checked whole before any of it holds. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from vorbehalt.errors import StoreError
from vorbehalt.policy.overrides import NOTHING, Overrides, Pause, Spare

FORMAT: Final = 1
MAX_BYTES: Final = 1 << 20
MAX_ENTRIES: Final = 1000
MAX_REASON: Final = 200
REFERENCE: Final = re.compile(r"VB(?:-[0-9A-HJKMNP-TV-Z]{4}){4}")
"""A reference id: Crockford's base32."""

_WHO = re.compile(r"[0-9a-f]{64}")
_MAX_NAME = 200
_MAX_TIME = 10**19


def encode(overrides: Overrides) -> bytes:
    """Return the bytes of the file; `decode` reads them back."""
    pauses = [
        {"since": one.since, "until": one.until, "rule": one.rule, "reason": one.reason}
        for one in overrides.pauses
    ]
    spares = [
        {
            "ref": one.ref,
            "since": one.since,
            "until": one.until,
            "who": one.who,
            "token": one.token,
            "reason": one.reason,
        }
        for one in overrides.spares
    ]
    return (
        json.dumps({"format": FORMAT, "pauses": pauses, "spares": spares}, indent=1).encode("ascii") + b"\n"
    )


def decode(body: bytes) -> Overrides:
    """Read a file; raises StoreError with the place if any of it is not as `encode` writes it."""
    if len(body) > MAX_BYTES:
        raise StoreError(f"it is larger than {MAX_BYTES} bytes")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"it is no JSON: {error}") from None
    if not isinstance(data, dict) or set(data) != {"format", "pauses", "spares"}:
        raise StoreError("it is no object of format, pauses and spares")
    if data["format"] != FORMAT or isinstance(data["format"], bool):
        raise StoreError("its format is not 1: another version wrote it")
    pauses = tuple(_pause(f"pauses[{at}]", one) for at, one in enumerate(_list(data, "pauses")))
    spares = tuple(_spare(f"spares[{at}]", one) for at, one in enumerate(_list(data, "spares")))
    return Overrides(pauses, spares) if pauses or spares else NOTHING


def _list(data: Mapping[str, object], name: str) -> list[object]:
    value = data[name]
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise StoreError(f"{name} is no list of at most {MAX_ENTRIES}")
    return value


def _pause(place: str, value: object) -> Pause:
    entry = _entry(place, value, {"since", "until", "rule", "reason"})
    return Pause(
        since=_time(place, entry, "since"),
        until=None if entry["until"] is None else _time(place, entry, "until"),
        rule=_text(place, entry, "rule", _MAX_NAME),
        reason=_text(place, entry, "reason", MAX_REASON),
    )


def _spare(place: str, value: object) -> Spare:
    entry = _entry(place, value, {"ref", "since", "until", "who", "token", "reason"})
    ref, who = _text(place, entry, "ref", _MAX_NAME), _text(place, entry, "who", _MAX_NAME)
    if not REFERENCE.fullmatch(ref):
        raise StoreError(f"{place}.ref is no reference id")
    if not _WHO.fullmatch(who):
        raise StoreError(f"{place}.who is not 64 hex digits")
    return Spare(
        ref=ref,
        since=_time(place, entry, "since"),
        until=_time(place, entry, "until"),
        who=who,
        token=_text(place, entry, "token", _MAX_NAME),
        reason=_text(place, entry, "reason", MAX_REASON),
    )


def _entry(place: str, value: object, names: set[str]) -> Mapping[str, object]:
    if not isinstance(value, dict) or set(value) != names:
        raise StoreError(f"{place} is no object of {', '.join(sorted(names))}")
    return value


def _time(place: str, entry: Mapping[str, object], name: str) -> int:
    value = entry[name]
    if type(value) is not int or not 0 <= value < _MAX_TIME:
        raise StoreError(f"{place}.{name} is no time in nanoseconds UTC")
    return value


def _text(place: str, entry: Mapping[str, object], name: str, most: int) -> str:
    value = entry[name]
    if not isinstance(value, str) or len(value) > most:
        raise StoreError(f"{place}.{name} is no text of at most {most} characters")
    return value
