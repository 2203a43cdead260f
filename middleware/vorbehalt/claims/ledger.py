"""What one operator asked for, was refused and was delivered: counted from the evidence log in one pass.

A request counts once, by the day and the standing of its own record. It is delivered only if its completion
says so, whole, with bytes, by a status that carries a body, and if it was no HEAD: then the work was handed
to the server in whole (200, 203) or in part (206). Rollups hold no works and are counted apart; impostors
(`contradicted`) are a standing of their own and are never added to what an operator got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import Any

from vorbehalt.claims.ledger_pairs import Pairs, Part
from vorbehalt.claims.ledger_reading import (
    Rolled,
    is_refused,
    mapping,
    number,
    operator_of,
    outcome_of,
    rolled,
    standing_of,
    works_of,
)
from vorbehalt.claims.ledger_rows import Line, Rows, added
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries
from vorbehalt.facts import Standing

ATTRIBUTED = (Standing.SIGNED, Standing.VERIFIED)
"""What may be said of an operator: signed with its key, or from its published network."""
DESCRIBED = (Standing.CONSISTENT, Standing.CLAIMED, Standing.UNKNOWN)
"""What only described itself as the operator's."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Query:
    """Whose ledger, from when to when (nanoseconds UTC of the request, `until` exclusive).

    `tokens` are the operator's product tokens: rollups of impostors name nothing else. `size` pins the log to
    its first records, so that the same question gets the same answer for ever; None: all that is sealed.
    """

    operator: str
    since: int | None = None
    until: int | None = None
    tokens: frozenset[str] = frozenset()
    size: int | None = None

    def covers(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(slots=True)
class Ledger:
    """The counts. `days` are by day and standing, `works` also by work: a page of two works counts for both.

    `rollups` are visits that left no record of their own (`requested`, `refused`, `bytes`); whether they were
    delivered a work is not known. `unmatched` completions belong to no request of the log, `unnamed` rollup
    visits to nobody, `cut` records were too long to say who asked; `gaps` say that records were lost.
    """

    query: Query
    size: int = 0
    pruned: int = 0
    """Records below this index are no longer in the log: nothing is counted of them."""
    days: Rows = field(default_factory=Rows)
    works: Rows = field(default_factory=Rows)
    rollups: Rows = field(default_factory=Rows)
    unmatched: int = 0
    unnamed: int = 0
    cut: int = 0
    gaps: int = 0

    def total(self, *standings: Standing) -> dict[str, int]:
        """Return the sums over the days of some standings; each request counts once."""
        return added(line.counts for line in self.days.lines() if line.standing in standings)

    def works_of(self, *standings: Standing, delivered: bool) -> set[str]:
        """Return the works that were delivered (whole or in part), or asked for."""
        return {line.work for line in self.works.lines() if line.work and line.standing in standings
                and (not delivered or line.counts["whole"] + line.counts["part"])}  # fmt: skip

    def lines(self) -> Iterator[Line]:
        """Yield the rows of the works."""
        return self.works.lines()


def read_ledger(directory: Path, query: Query, progress: Progress | None = None) -> Ledger:
    """Count the sealed records of an evidence directory. Raises EvidenceError if one cannot be read.

    Verifies nothing but the checkpoint's signature: `evidence verify` does.
    """
    size = open_log(directory)[1].size
    if query.size is not None and query.size > size:
        raise EvidenceError(f"the log holds {size} records, not {query.size}")
    size = size if query.size is None else query.size
    tally = Tally(query)
    tally.ledger.size = size
    # Quotation marks inside texts are escaped: these stand only where a key or a type stands.
    mark = f'"operator":{dumps(query.operator)}'.encode("ascii")

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    full = open_log(directory)[1].size
    tally.ledger.pruned = first_readable(directory, full)
    for first in range(tally.ledger.pruned, size, WIDTH):
        entries = read_entries(reader, bundle_name(first, full))[: size - first]
        for entry in entries:
            if mark in entry or b'"type":"rollup"' in entry or b'"type":"gap"' in entry:
                tally.take(decode_leaf(entry))
            elif b'"seen":{}' in entry and b'"type":"request"' in entry:
                tally.ledger.cut += 1
        if progress is not None:
            progress(min(first + WIDTH, size), size)
    return tally.finish()


class Tally:
    """Takes decoded records in the order of the log; those of others are passed over."""

    def __init__(self, query: Query, pairs: Pairs | Part | None = None) -> None:
        self.ledger = Ledger(query)
        self.books = [self.ledger.days, self.ledger.works]
        """Where a request is counted, by number; `places` says in which of them, and in which rows."""
        self._query = query
        self._pairs: Pairs | Part = Pairs() if pairs is None else pairs
        self._early = 0

    def take(self, leaf: Mapping[str, Any]) -> None:
        kind, seen = leaf["type"], leaf.get("seen")
        if not isinstance(seen, dict):
            return
        if kind == "rollup":
            self._rollup(seen)
        elif kind == "gap":
            self.ledger.gaps += self._query.covers(int(leaf["at"]))
        elif kind in ("request", "completion") and operator_of(seen) == self._query.operator:
            self.take_own(leaf, seen)

    def take_own(self, leaf: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Take a request or a completion that bears the operator's name."""
        if leaf["type"] == "request":
            self._request(str(leaf["ref"]), int(leaf["at"]), seen)
        else:
            self._completion(str(seen.get("of") or leaf["ref"]), seen)

    def places(self, at: int, standing: Standing, seen: Mapping[str, Any]) -> list[tuple[int, int]]:
        """Return where a request of the period counts: the number of a book and of a row in it."""
        works = ((1, self.ledger.works.at(at, standing, work)) for work in works_of(seen))
        return [(0, self.ledger.days.at(at, standing)), *works]

    def finish(self) -> Ledger:
        """Return the counts; nothing more can be taken."""
        self.ledger.unmatched += self._early
        self._pairs.close()
        return self.ledger

    def _request(self, ref: str, at: int, seen: Mapping[str, Any]) -> None:
        rows: list[tuple[int, int]] = []
        if self._query.covers(at):
            rows = self.places(at, standing_of(mapping(seen.get("claim")).get("standing")), seen)
            for which, row in rows:
                self.books[which].request(row, at)
        if is_refused(seen):
            for which, row in rows:
                self.books[which].add(row, "refused")
            return
        asked = [seen.get("method"), rows]
        early = self._pairs.take(ref)
        if early is None:
            self._pairs.put(ref, asked)
        elif len(early) == 1:
            self._early -= 1
            self._outcome(asked, early[0])
        # A reference that stands in two requests is nobody's; the first one keeps it.
        else:
            self._pairs.put(ref, early)

    def _completion(self, ref: str, seen: Mapping[str, Any]) -> None:
        asked = self._pairs.take(ref)
        if asked is not None and len(asked) == 2:
            self._outcome(asked, outcome_of(seen))
            return
        if asked is not None:
            self.ledger.unmatched += 1
        else:
            self._early += 1
        self._pairs.put(ref, asked or [outcome_of(seen)])

    def _outcome(self, asked: list[Any], outcome: list[Any]) -> None:
        method, rows = asked
        column, size, is_joined = outcome
        if method == "HEAD" and column != "not_modified":
            column, size = "head", 0
        for which, row in rows:
            counted = self.books[which]
            counted.add(row, column)
            if size:
                counted.add(row, "bytes", size)
            if is_joined:
                counted.add(row, "joined")

    def _rollup(self, seen: Mapping[str, Any]) -> None:
        minute = number(seen.get("minute"))
        if not self._query.covers(minute):
            return
        for row in rolled(seen):
            if row.is_nobodys:
                self.ledger.unnamed += row.count
            elif row.operator == self._query.operator or row.poses_with(self._query.tokens):
                self.take_rolled(minute, row)

    def take_rolled(self, minute: int, row: Rolled) -> None:
        """Take a row of a rollup of the period that is the operator's, or an impostor's."""
        at = self.ledger.rollups.at(minute, row.standing)
        self.ledger.rollups.add(at, "requested", row.count)
        self.ledger.rollups.add(at, "refused", row.refused)
        self.ledger.rollups.add(at, "bytes", row.bytes)
