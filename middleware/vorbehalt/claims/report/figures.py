"""The figures of a month as values: what every form of the report says, and nothing else does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final

from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED
from vorbehalt.claims.ledger_rows import COLUMNS, Line, told
from vorbehalt.claims.report.counting import Aside, MonthsTally
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.tally import (
    AFTER,
    AGAINST,
    AI,
    AI_WORKS,
    BOOKS,
    LICENSED,
    OTHER,
    OTHER_WORKS,
    RESERVED,
    UNFETCHED,
    MonthTally,
)
from vorbehalt.facts import Standing

GROUPS: Final[Mapping[str, frozenset[Standing]]] = {
    "attributed": frozenset(ATTRIBUTED),
    "described": frozenset(DESCRIBED),
    "impostors": frozenset({Standing.CONTRADICTED}),
}
"""The words of the ledger for what is never added up."""
NAMED: Final = ("attributed", "described")
"""The groups of which something is counted for an operator."""
SUMS: Final = COLUMNS[:-2]
_NOTHING: Final = dict.fromkeys(SUMS, 0)
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Group:
    """What one group of standings did in a month. `counts` are sums of the ledger's columns.

    `works` were delivered (whole or in part), `reserved` are those of them where something was reserved,
    `asked` those that were asked for. `against`, `unfetched`, `after` and `licensed` are sums over some of
    the same requests, `rolled` (requested, refused, bytes) over visits that left no record of their own.
    """

    counts: Counts = field(default_factory=lambda: dict(_NOTHING))
    works: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    against: Counts = field(default_factory=lambda: dict(_NOTHING))
    unfetched: Counts = field(default_factory=lambda: dict(_NOTHING))
    after: Counts = field(default_factory=lambda: dict(_NOTHING))
    licensed: Counts = field(default_factory=lambda: dict(_NOTHING))
    rolled: Counts = field(default_factory=lambda: dict(_NOTHING))

    @property
    def requested(self) -> int:
        return self.counts["requested"]

    @property
    def delivered(self) -> int:
        return delivered(self.counts)

    @property
    def told(self) -> dict[str, int]:
        """The counts with `delivered` and `unknown`, which follow from them."""
        shown = told({**self.counts, "first": 0, "last": 0})
        return {name: count for name, count in shown.items() if name not in ("first", "last")}

    def __add__(self, other: Group) -> Group:
        return Group(
            _sum((self.counts, other.counts)),
            self.works | other.works,
            self.reserved | other.reserved,
            self.asked | other.asked,
            _sum((self.against, other.against)),
            _sum((self.unfetched, other.unfetched)),
            _sum((self.after, other.after)),
            _sum((self.licensed, other.licensed)),
            _sum((self.rolled, other.rolled)),
        )


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator's month by group; `ai` are its AI crawlers, `other` its other ones. "" has no name."""

    name: str
    ai: Mapping[str, Group]
    other: Mapping[str, Group]

    def whole(self, group: str) -> Group:
        """Return both together: what the ledger of this operator says."""
        return self.ai[group] + self.other[group]


@dataclass(frozen=True, slots=True)
class Days:
    """AI crawlers (impostors left out) by day of the month: requested, refused, delivered."""

    requested: tuple[int, ...]
    refused: tuple[int, ...]
    delivered: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """One month. `works` says how often each work was delivered to AI crawlers, by group."""

    month: Month
    operators: tuple[Operator, ...]
    ai: Mapping[str, Group]
    days: Days
    works: Mapping[str, Mapping[str, int]]
    aside: Aside
    covered: bool
    """An anchor with a time covers every record of a request of the month."""

    @property
    def is_empty(self) -> bool:
        return self.aside.is_empty


def figures_of(tally: MonthsTally) -> dict[Month, Figures]:
    """Return the figures of both months of a tally."""
    split = {name: _split(one, tally.asides) for name, one in sorted(tally.operators.items())}
    return {month: _figures(tally, month, split) for month in tally.asides}


def _figures(tally: MonthsTally, month: Month, split: Mapping[str, _Split]) -> Figures:
    operators = tuple(
        Operator(name, _groups(one, month, is_ai=True), _groups(one, month, is_ai=False))
        for name, one in split.items()
    )
    aside = tally.asides[month]
    return Figures(
        month,
        tuple(one for one in operators if _is_told(one)),
        {group: reduce(Group.__add__, (one.ai[group] for one in operators), Group()) for group in GROUPS},
        _days(split, month),
        _works(split, month),
        aside,
        aside.last_index < tally.anchored_size,
    )


def delivered(counts: Counts) -> int:
    """Return how many answers were handed over with content: whole, or the part that was asked for."""
    return counts["whole"] + counts["part"]


def _is_told(operator: Operator) -> bool:
    groups = [*operator.ai.values(), *operator.other.values()]
    return any(group.requested or group.rolled["requested"] for group in groups)


_Split = Mapping[tuple[int, Month, str], list[Line]]
"""Rows of one operator by book, month and group; rollups as books of their own."""
_ROLLED: Final = BOOKS
_OF_WORKS: Final = (AI_WORKS, OTHER_WORKS, RESERVED)
_OF_STANDING: Final = {standing: name for name, group in GROUPS.items() for standing in group}


def _split(tally: MonthTally, months: Iterable[Month]) -> _Split:
    days = {day: month for month in months for day in range(month.first_day, month.first_day + month.days)}
    found: dict[tuple[int, Month, str], list[Line]] = {}
    shared: dict[int, Counts] = {}
    for book, rows in enumerate((*tally.books, *tally.rolled)):
        for line in rows.lines(in_order=False):
            if book in _OF_WORKS:
                # Only this is asked of works, and there may be many: equal counts are shared.
                count = delivered(line.counts)
                line = replace(line, counts=shared.setdefault(count, {"whole": count, "part": 0}))
            if (month := days.get(line.day)) is not None:
                found.setdefault((book, month, _OF_STANDING[line.standing]), []).append(line)
    return found


def _groups(split: _Split, month: Month, *, is_ai: bool) -> dict[str, Group]:
    return {name: _group(split, month, name, is_ai=is_ai) for name in GROUPS}


def _group(split: _Split, month: Month, name: str, *, is_ai: bool) -> Group:
    def lines(book: int) -> list[Line]:
        return split.get((book, month, name), [])

    def total(book: int) -> dict[str, int]:
        return _sum(line.counts for line in lines(book))

    works = lines(AI_WORKS if is_ai else OTHER_WORKS)
    group = Group(
        total(AI if is_ai else OTHER),
        frozenset(line.work for line in works if delivered(line.counts)),
        asked=frozenset(line.work for line in works),
        rolled=total(_ROLLED + (AI if is_ai else OTHER)),
    )
    if not is_ai:
        return group
    return replace(
        group,
        reserved=frozenset(line.work for line in lines(RESERVED) if delivered(line.counts)),
        against=total(AGAINST),
        unfetched=total(UNFETCHED),
        after=total(AFTER),
        licensed=total(LICENSED),
    )


def _sum(counted: Iterable[Counts]) -> dict[str, int]:
    total = dict(_NOTHING)
    for counts in counted:
        for name in SUMS:
            total[name] += counts[name]
    return total


def _days(split: Mapping[str, _Split], month: Month) -> Days:
    rows = [[0] * month.days for _ in range(3)]
    for one in split.values():
        for group in NAMED:
            for line in one.get((AI, month, group), ()):
                day, counts = line.day - month.first_day, line.counts
                for row, count in zip(
                    rows, (counts["requested"], counts["refused"], delivered(counts)), strict=True
                ):
                    row[day] += count
    return Days(*map(tuple, rows))


def _works(split: Mapping[str, _Split], month: Month) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in split.values():
        for group in NAMED:
            for line in one.get((AI_WORKS, month, group), ()):
                if count := delivered(line.counts):
                    found.setdefault(line.work, dict.fromkeys(NAMED, 0))[group] += count
    return found
