"""Sums whose size does not depend on the log: the most frequent keys, and a series over time. Pure."""

from __future__ import annotations

_NS_PER_HOUR = 3_600_000_000_000


class HeavyHitters:
    """Counts the most frequent keys; beyond `capacity` distinct keys the rarest half is forgotten."""

    def __init__(self, capacity: int = 4_096) -> None:
        self._capacity = capacity
        self._counts: dict[str, int] = {}
        self.is_exact = True
        """False once something was forgotten: counts are then lower bounds."""

    def add(self, key: str) -> None:
        counts = self._counts
        counts[key] = counts.get(key, 0) + 1
        if len(counts) > self._capacity:
            self.is_exact = False
            kept = sorted(counts.items(), key=lambda item: -item[1])[: self._capacity // 2]
            self._counts = dict(kept)

    def top(self, count: int) -> tuple[tuple[str, int], ...]:
        """Return the most frequent keys, most frequent first."""
        return tuple(sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:count])


class Timeline:
    """Requests by group over time, in at most `limit` rows: where more are needed, rows become wider."""

    def __init__(self, groups: int, limit: int = 240) -> None:
        self.width = _NS_PER_HOUR
        self._groups = groups
        self._limit = limit
        self._rows: dict[int, list[int]] = {}
        self._start = 0
        self._end = -1
        self._row: list[int] = []

    def add(self, at: int, group: int) -> None:
        """Count one request at a time (nanoseconds UTC)."""
        if not self._start <= at < self._end:
            self._turn(at)
        self._row[group] += 1

    def _turn(self, at: int) -> None:
        index = at // self.width
        if index not in self._rows and len(self._rows) >= self._limit:
            self._widen()
            index = at // self.width
        self._row = self._rows.setdefault(index, [0] * self._groups)
        self._start, self._end = index * self.width, (index + 1) * self.width

    def _widen(self) -> None:
        while len(self._rows) >= self._limit:
            # Hours, then days, then doubling: rows that people have a name for.
            factor = 24 if self.width == _NS_PER_HOUR else 2
            self.width *= factor
            wider: dict[int, list[int]] = {}
            for index, row in self._rows.items():
                kept = wider.setdefault(index // factor, [0] * self._groups)
                for group, count in enumerate(row):
                    kept[group] += count
            self._rows = wider

    def rows(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Return (start in nanoseconds UTC, count per group), oldest first; without empty rows."""
        return tuple((index * self.width, tuple(row)) for index, row in sorted(self._rows.items()))
