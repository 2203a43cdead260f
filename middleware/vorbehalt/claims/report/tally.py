"""One operator's month and the month before it, counted by the ledger's own rules into more books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vorbehalt.claims.ledger import Query, Tally
from vorbehalt.claims.ledger_pairs import Part
from vorbehalt.claims.ledger_reading import Rolled, is_bound_by_robots, mapping, works_of
from vorbehalt.claims.ledger_rows import Rows
from vorbehalt.claims.report.month import Month
from vorbehalt.evidence.history.told import NONE
from vorbehalt.facts import AI_PURPOSES, Standing

AI: Final = 0
OTHER: Final = 1
"""Requests by day: of AI crawlers, and of all others that bear the operator's name."""
AI_WORKS: Final = 2
OTHER_WORKS: Final = 3
"""The same by month and work; paths without a work are left out."""
RESERVED: Final = 4
"""Works as in AI_WORKS, where something is reserved."""
AGAINST: Final = 5
"""AI crawlers, by day: the robots.txt that this crawler had fetched last closes the path to it."""
UNFETCHED: Final = 6
"""AI crawlers, by day: the robots.txt in force closes the path; no fetch of it by this crawler was seen."""
AFTER: Final = 7
"""AI crawlers, by day: after the operator was given notice. Impostors had none."""
LICENSED: Final = 8
"""AI crawlers, by day: a contract lets this visit in."""
BOOKS: Final = 9

IsReserved = Callable[[str, str], bool]
"""Whether anything is reserved at a host in a section (empty: the rest of the site)."""


class MonthTally(Tally):
    """Counts two months of one operator; its rows are told apart by day."""

    def __init__(
        self, operator: str, month: Month, pairs: Part, is_reserved: IsReserved, notice: int | None
    ) -> None:
        super().__init__(Query(operator, month.before.since, month.until), pairs)
        self.books = [Rows() for _ in range(BOOKS)]
        self.rolled = [Rows(), Rows()]
        """Rollups by day, of AI crawlers and of all others."""
        self._begins = month.since
        self._before = month.before.since
        self._is_reserved = is_reserved
        self._notice = notice

    def places(self, at: int, standing: Standing, seen: Mapping[str, Any]) -> list[tuple[int, int]]:
        month = self._begins if at >= self._begins else self._before
        is_ai = mapping(seen.get("claim")).get("ai") is True
        found = [self._day(AI if is_ai else OTHER, at, standing)]
        works = [work for work in works_of(seen) if work]
        for work in works:
            book = AI_WORKS if is_ai else OTHER_WORKS
            found.append((book, self.books[book].at(month, standing, work)))
        if not is_ai:
            return found
        section = str(mapping(seen.get("reservation")).get("section") or "")
        if works and self._is_reserved(str(seen.get("host") or ""), section):
            found += ((RESERVED, self.books[RESERVED].at(month, standing, work)) for work in works)
        if (closed := closed_by_robots(seen)) is not None:
            found.append(self._day(closed, at, standing))
        if self._notice is not None and at >= self._notice and standing is not Standing.CONTRADICTED:
            found.append(self._day(AFTER, at, standing))
        if seen.get("permission") not in (None, "", "none"):
            found.append(self._day(LICENSED, at, standing))
        return found

    def take_rolled(self, minute: int, row: Rolled) -> None:
        rows = self.rolled[AI if row.purpose in _AI else OTHER]
        at = rows.at(minute, row.standing)
        rows.add(at, "requested", row.count)
        rows.add(at, "refused", row.refused)
        rows.add(at, "bytes", row.bytes)

    def _day(self, book: int, at: int, standing: Standing) -> tuple[int, int]:
        return book, self.books[book].at(at, standing)


_AI = frozenset(purpose.value for purpose in AI_PURPOSES)


def closed_by_robots(seen: Mapping[str, Any]) -> int | None:
    """Return AGAINST or UNFETCHED if robots.txt closes what was asked for; None if not, or if nobody knows.

    What counts is the version that the crawler had fetched last. What robots.txt does not bind is left out.
    """
    said = mapping(seen.get("robots"))
    if not said or not is_bound_by_robots(seen):
        return None
    if (older := mapping(said.get("fetched"))) and "allowed" in older:
        return AGAINST if older["allowed"] is False else None
    if said.get("allowed") is not False:
        return None
    told = mapping(mapping(seen.get("told")).get("crawler"))
    version = said.get("version")
    has_fetched = any(
        mapping(fetch).get("version") == version for fetch in told.values() if fetch != NONE
    )  # fmt: skip
    return AGAINST if has_fetched else UNFETCHED
