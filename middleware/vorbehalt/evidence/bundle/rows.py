"""Records as rows of a table: what is asked about most, one row a record. Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from vorbehalt.evidence.bundle.spreadsheet import harmless
from vorbehalt.evidence.tlog.leaf import seen_of

COLUMNS = (
    "index", "time", "type", "operator", "token", "standing", "action", "host", "method", "path", "status",
    "bytes", "delivered", "work", "of", "ref", "writer", "number",
)  # fmt: skip


def row_of(index: int, leaf: Mapping[str, object]) -> tuple[str, ...]:
    """Return the cells of a record in the order of COLUMNS, "" where it says nothing; nothing is escaped."""
    seen: Mapping[str, Any] = seen_of(leaf)
    claim, decision = _mapping(seen.get("claim")), _mapping(seen.get("decision"))
    status = seen["status"] if "status" in seen else decision.get("status")
    found = (
        index, _time(str(leaf["at"])), leaf["type"], claim.get("operator"), claim.get("token"),
        claim.get("standing"), decision.get("action"), seen.get("host"), seen.get("method"), seen.get("path"),
        status, seen.get("bytes"), seen.get("delivered"), seen.get("work"), seen.get("of"), leaf["ref"],
        leaf["w"], leaf["s"],
    )  # fmt: skip
    return tuple(_cell(value) for value in found)


def csv_line(cells: tuple[str, ...]) -> bytes:
    """Return one line of CSV (RFC 4180) that no spreadsheet takes for formulas."""
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return line.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, (str, int)) else ""


def _time(nanoseconds: str) -> str:
    """Return RFC 3339 UTC with all nine digits; the number itself beyond the year 9999."""
    at = int(nanoseconds)
    try:
        whole = datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return nanoseconds
    return f"{whole}.{at % 10**9:09d}Z"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
