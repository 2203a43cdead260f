"""What the index knows of a record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vorbehalt.evidence.tlog.leaf import seen_of

COLUMNS: Mapping[str, str] = {
    "idx": "INTEGER PRIMARY KEY",  # place in the log
    "at": "INTEGER NOT NULL",  # nanoseconds UTC
    "day": "TEXT NOT NULL",
    "type": "TEXT NOT NULL",
    "ref": "TEXT NOT NULL",
    "operator": "TEXT",
    "token": "TEXT",
    "purpose": "TEXT",
    "standing": "TEXT",
    "action": "TEXT",
    "would": "TEXT",
    "rule": "TEXT",
    "host": "TEXT",
    "method": "TEXT",
    "path": "TEXT",
    "document": "TEXT",
    "work": "TEXT",
    "status": "INTEGER",
    "bytes": "INTEGER",
    "delivered": "INTEGER",  # 1, 0 or nothing
    "of": "TEXT",
    "writer": "TEXT NOT NULL",
    "number": "INTEGER NOT NULL",
}
_MAX_INTEGER = 2**63 - 1


def index_row(index: int, leaf: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the row of a record, in the order of COLUMNS; None where it says nothing."""
    seen: Mapping[str, Any] = seen_of(leaf)
    claim, decision = _mapping(seen.get("claim")), _mapping(seen.get("decision"))
    at = min(int(leaf["at"]), _MAX_INTEGER)
    status = seen["status"] if "status" in seen else decision.get("status")
    return (
        index, at, _day(at), leaf["type"], leaf["ref"], _text(claim.get("operator")),
        _text(claim.get("token")), _text(claim.get("purpose")), _text(claim.get("standing")),
        _text(decision.get("action")), _text(decision.get("would")), _text(decision.get("rule")),
        _text(seen.get("host")), _text(seen.get("method")), _text(seen.get("path")),
        _text(seen.get("document")), _text(seen.get("work")), _number(status), _number(seen.get("bytes")),
        _number(seen.get("delivered")), _text(seen.get("of")), leaf["w"], leaf["s"],
    )  # fmt: skip


def _day(at: int) -> str:
    return datetime.fromtimestamp(at // 10**9, UTC).date().isoformat()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Return a text that SQLite can hold: half a surrogate pair from outside is escaped."""
    if value is None or isinstance(value, (dict, list, bool)):
        return None
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _number(value: Any) -> int | None:
    """Return an integer; large ones stand in a leaf as text. What is none counts as not said."""
    try:
        return None if value is None else max(-_MAX_INTEGER, min(int(value), _MAX_INTEGER))
    except (TypeError, ValueError):
        return None
