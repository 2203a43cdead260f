"""The busiest cohorts, as many as fit: space-saving top-k (Metwally, Agrawal, El Abbadi 2005). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from vorbehalt.patterns.cohort import Cohort
from vorbehalt.patterns.sketches import HOUR

_AGEING: Final = 6 * HOUR


class Busiest:
    """At most `capacity` cohorts by key. Who is met more often than all / capacity is among them, always.

    A newcomer takes the place and the count of the one that was met least; its own figures start at nothing.
    Counts are halved every 6 h, so that those of last week make room. `gone` is told who had to go.
    """

    __slots__ = ("_aged_at", "_capacity", "_gone", "_least", "_serial", "_table")

    def __init__(self, capacity: int, gone: Callable[[Cohort], None]) -> None:
        self._table: dict[str, Cohort] = {}
        self._capacity = capacity
        self._gone = gone
        # An entry for each cohort, with its count as of some time before: the first one that is up to date is
        # the least.
        self._least: list[tuple[int, int, str]] = []
        self._serial = 0
        self._aged_at = 0

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Cohort]:
        return iter(self._table.values())

    def meet(self, key: str, now: int) -> Cohort:
        """Return the cohort of this name for one more view."""
        if not 0 <= now - self._aged_at < _AGEING:
            self._age(now)
        cohort = self._table.get(key)
        if cohort is None:
            met = self._make_room() if len(self._table) >= self._capacity else 0
            cohort = self._table[key] = Cohort(key, now, met)
            self._serial += 1
            heappush(self._least, (met, self._serial, key))
        cohort.met += 1
        return cohort

    def _make_room(self) -> int:
        while True:
            met, serial, key = self._least[0]
            cohort = self._table[key]
            if cohort.met == met:
                break
            heapreplace(self._least, (cohort.met, serial, key))
        heappop(self._least)
        del self._table[key]
        self._gone(cohort)
        return met

    def _age(self, now: int) -> None:
        self._aged_at = now
        for cohort in list(self._table.values()):
            cohort.met //= 2
            if not cohort.met:
                del self._table[cohort.key]
                self._gone(cohort)
        serials = {key: serial for _, serial, key in self._least}
        self._least = [(cohort.met, serials[key], key) for key, cohort in self._table.items()]
        heapify(self._least)
