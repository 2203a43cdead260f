"""All operators, and what belongs to none of them, in one pass over the evidence log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vorbehalt.claims.ledger import Progress
from vorbehalt.claims.ledger_pairs import Pairs, Part
from vorbehalt.claims.ledger_reading import is_refused, mapping, number, operator_of, rolled
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.tally import IsReserved, MonthTally
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.anchor.windows import point_of
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.spool.unclean import explained_by
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries
from vorbehalt.facts import Purpose, Standing

MAX_CLIENTS = 200_000
"""So many pseudonyms of people are told apart; beyond that their number is a lower bound."""
_TYPES = ("request", "completion", "rollup", "gap", "anchor", "key-rotation")
_MARKS = tuple(f'"type":"{kind}"'.encode("ascii") for kind in _TYPES)
_NO_CLAIM = "none"


@dataclass(slots=True)
class Aside:
    """What of a month belongs to no operator.

    `people_requests` were refused and bore no name of a crawler; `people` are the month's pseudonyms of their
    addresses, `people_unmarked` requests that have none. The `_rolled` ones were counted in rollups. `lost`
    records and visits, `lost_unknown` gaps of which nobody knows how many. `anchored` are days of the month
    (from 1) on which somebody outside said how much of the log there was.
    """

    requests: int = 0
    people_requests: int = 0
    people: set[str] = field(default_factory=set)
    people_unmarked: int = 0
    people_rolled: int = 0
    search_refused: int = 0
    search_rolled: int = 0
    rolled: int = 0
    unnamed: int = 0
    cut: int = 0
    gaps: int = 0
    lost: int = 0
    lost_unknown: int = 0
    anchored: set[int] = field(default_factory=set)
    last_index: int = -1
    """Index of the month's last request in the log."""

    @property
    def is_empty(self) -> bool:
        """True if nothing of the month is in the log."""
        return not (self.requests or self.rolled or self.unnamed or self.cut or self.gaps)


class MonthsTally:
    """Takes decoded records in the order of the log. `tokens` name the operator of a product token."""

    def __init__(
        self,
        month: Month,
        *,
        tokens: Mapping[str, str],
        is_reserved: IsReserved,
        first_notice: Callable[[str], int | None],
        pairs: Pairs | None = None,
    ) -> None:
        self.month = month
        self.operators: dict[str, MonthTally] = {}
        """By name; "" are crawlers and tools of no known operator."""
        self.asides = {month: Aside(), month.before: Aside()}
        self._bounds = [(one.since, one.until, aside) for one, aside in self.asides.items()]
        self.anchored_size = 0
        """So many records lie under the latest anchor that bears a time."""
        self.pruned = 0
        """So many records at the beginning of the log are gone, and cannot be counted."""
        self.before_this_log = 0
        """So many records were in the logs that this one follows, as it says itself."""
        self.begins: int | None = None
        """Time of the first record that was taken."""
        self._tokens = tokens
        self._is_reserved = is_reserved
        self._first_notice = first_notice
        self._pairs = Pairs() if pairs is None else pairs
        self._told: set[str] = set()

    def take(self, index: int, leaf: Mapping[str, Any]) -> None:
        kind, seen = leaf["type"], mapping(leaf.get("seen"))
        if self.begins is None:
            self.begins = int(leaf["at"])
        if kind == "request":
            self._beside(index, leaf, seen)
        if kind in ("request", "completion"):
            operator = operator_of(seen)
            # Who claims nothing is nobody's crawler: what was refused of them is counted beside.
            if seen.get("claim") is not None:
                self.of(operator if isinstance(operator, str) else "").take_own(leaf, seen)
        elif kind == "rollup":
            self._rollup(seen)
        elif kind == "gap":
            self._gap(leaf, seen)
        elif kind == "key-rotation":
            self.before_this_log += number(mapping(seen.get("from")).get("size"))
        elif kind == "anchor" and (point := point_of(index, leaf)) is not None:
            self.anchored_size = max(self.anchored_size, point.size)
            if (aside := self._aside(point.time)) is not None:
                aside.anchored.add(point.time // _DAY_NS - Month.at(point.time).first_day + 1)

    def of(self, operator: str) -> MonthTally:
        """Return the tally of an operator."""
        found = self.operators.get(operator)
        if found is None:
            part = Part(self._pairs, str(len(self.operators)))
            notice = self._first_notice(operator) if operator else None
            found = MonthTally(operator, self.month, part, self._is_reserved, notice)
            self.operators[operator] = found
        return found

    def finish(self) -> MonthsTally:
        """End the counting; nothing more can be taken."""
        for tally in self.operators.values():
            tally.finish()
        self._pairs.close()
        return self

    @property
    def missing(self) -> int:
        """So many records are gone that may be of one of the two months; 0 if none can be."""
        return 0 if self._is_older else self.pruned

    @property
    def elsewhere(self) -> int:
        """So many records in logs before this one that may be of one of the two months."""
        return 0 if self._is_older else self.before_this_log

    @property
    def _is_older(self) -> bool:
        return self.begins is not None and self.begins < self.month.before.since

    def _aside(self, at: int) -> Aside | None:
        return next((aside for since, until, aside in self._bounds if since <= at < until), None)

    def _beside(self, index: int, leaf: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        aside = self._aside(int(leaf["at"]))
        if aside is None:
            return
        aside.last_index = index
        if not seen:
            aside.cut += 1
            return
        aside.requests += 1
        if not is_refused(seen):
            return
        claim = seen.get("claim")
        if claim is None:
            aside.people_requests += 1
            address = mapping(mapping(leaf.get("private")).get("address"))
            if not (mark := address.get("p")):
                aside.people_unmarked += 1
            elif len(aside.people) < MAX_CLIENTS:
                aside.people.add(str(mark))
        elif _is_search_engine(mapping(claim)):
            aside.search_refused += 1

    def _rollup(self, seen: Mapping[str, Any]) -> None:
        minute = number(seen.get("minute"))
        aside = self._aside(minute)
        if aside is None:
            return
        for row in rolled(seen):
            if row.is_nobodys:
                aside.unnamed += row.count
                continue
            aside.rolled += row.count
            if row.purpose == _NO_CLAIM:
                aside.people_rolled += row.refused
            elif row.purpose == Purpose.SEARCH_ENGINE and row.standing is not Standing.CONTRADICTED:
                aside.search_rolled += row.refused
            if row.purpose == _NO_CLAIM:
                continue
            # As the ledger of each operator would take it: for its own, and for impostors by their token.
            names = {row.operator}
            if row.standing is Standing.CONTRADICTED and row.token in self._tokens:
                names = {*filter(None, names), self._tokens[row.token]}
            for name in names:
                self.of(name).take_rolled(minute, row)

    def _gap(self, leaf: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        aside = self._aside(number(seen.get("last_at")) or int(leaf["at"]))
        key = explained_by(dict(leaf))
        if aside is None or key in self._told:
            return
        if key is not None:
            self._told.add(key)
        aside.gaps += 1
        aside.lost += number(seen.get("lost")) + number(seen.get("visits"))
        aside.lost_unknown += seen.get("lost") == "unknown"


_DAY_NS = 86_400 * 10**9


def _is_search_engine(claim: Mapping[str, Any]) -> bool:
    return claim.get("purpose") == Purpose.SEARCH_ENGINE and claim.get("standing") != Standing.CONTRADICTED


def count_months(
    directory: Path, tally: MonthsTally, size: int | None = None, progress: Progress | None = None
) -> int:
    """Let a tally take the first `size` sealed records (None: all); return how many. Raises EvidenceError.

    Verifies nothing but the checkpoint's signature: the audit does.
    """
    full = open_log(directory)[1].size
    if size is not None and size > full:
        raise EvidenceError(f"the log holds {full} records, not {size}")
    size = full if size is None else size

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    tally.pruned = first_readable(directory, full)
    for first in range(tally.pruned, size, WIDTH):
        entries = read_entries(reader, bundle_name(first, full))[: size - first]
        for index, entry in enumerate(entries, first):
            # Quotation marks inside texts are escaped: a mark stands only where a type stands.
            if any(mark in entry for mark in _MARKS):
                tally.take(index, decode_leaf(entry))
        if progress is not None:
            progress(min(first + WIDTH, size), size)
    tally.finish()
    return size
