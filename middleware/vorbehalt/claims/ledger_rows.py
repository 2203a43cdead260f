"""Counts by day, standing and work in little memory: one number a cell, one row for what really happened."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vorbehalt.errors import EvidenceError
from vorbehalt.facts import Standing

STANDINGS = tuple(Standing)
COLUMNS = (
    "requested", "refused", "whole", "part", "not_modified", "head", "broken", "other", "bytes", "joined",
    "first", "last",
)  # fmt: skip
"""`first` and `last` are nanoseconds UTC of the requests, all else are sums."""
MAX_ROWS = 1_000_000
_AT = {name: number for number, name in enumerate(COLUMNS)}
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Line:
    """One row for reading. `day` counts from 1970-01-01; `work` is empty where a path holds none."""

    work: str
    day: int
    standing: Standing
    counts: Mapping[str, int]


class Rows:
    """About 250 bytes a row; beyond `MAX_ROWS` the period is too long, and EvidenceError says so."""

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._works: dict[str, int] = {"": 0}
        self._columns = [array("Q") for _ in COLUMNS]

    def at(self, at: int, standing: Standing, work: str = "") -> int:
        """Return the number of a row, which begins if it must."""
        number = self._works.setdefault(work, len(self._works))
        key = number << 24 | (at // _DAY_NS & 0x1FFFFF) << 3 | STANDINGS.index(standing)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._rows)
            if row >= MAX_ROWS:
                raise EvidenceError(
                    f"more than {MAX_ROWS:,} rows of work, day and standing: ask for a shorter period"
                )
            for column in self._columns:
                column.append(0)
        return row

    def add(self, row: int, column: str, amount: int = 1) -> None:
        self._columns[_AT[column]][row] += amount

    def request(self, row: int, at: int) -> None:
        """Count a request at a time."""
        self.add(row, "requested")
        first, last = self._columns[_AT["first"]], self._columns[_AT["last"]]
        first[row] = min(first[row] or at, at)
        last[row] = max(last[row], at)

    def lines(self, *, in_order: bool = True) -> Iterator[Line]:
        """Yield all rows, by work, day and standing unless the order is all the same."""
        names = list(self._works)
        rows: Iterable[tuple[int, int]] = self._rows.items()
        if in_order:
            rows = sorted(rows, key=lambda item: (names[item[0] >> 24], item[0] & 0xFFFFFF))
        for key, row in rows:
            counts = {name: self._columns[at][row] for name, at in _AT.items()}
            yield Line(names[key >> 24], key >> 3 & 0x1FFFFF, STANDINGS[key & 7], counts)


def added(lines: Iterator[Mapping[str, int]]) -> dict[str, int]:
    """Add rows up."""
    total = dict.fromkeys(COLUMNS, 0)
    for counts in lines:
        for name in COLUMNS[:-2]:
            total[name] += counts[name]
        if counts["first"]:
            total["first"] = min(total["first"] or counts["first"], counts["first"])
        total["last"] = max(total["last"], counts["last"])
    return total


def told(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts with what follows: `delivered`, and `unknown` where no end was recorded."""
    delivered = counts["whole"] + counts["part"]
    ended = sum(counts[name] for name in ("refused", "not_modified", "head", "broken", "other"))
    return {**counts, "delivered": delivered, "unknown": counts["requested"] - delivered - ended}
