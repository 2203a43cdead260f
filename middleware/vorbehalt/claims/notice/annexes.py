"""The annexes of a letter as CSV: works, and requests by day and standing. No cell is ever a formula."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO

from vorbehalt.claims.ledger import Ledger
from vorbehalt.claims.ledger_rows import Line, added, told
from vorbehalt.claims.ledger_text import day, moment
from vorbehalt.evidence.bundle.spreadsheet import harmless
from vorbehalt.facts import Standing
from vorbehalt.works.entry import Work

WORKS, REQUESTS = "annex-works.csv", "annex-requests.csv"
FindWork = Callable[[str], Work | None]

_WORK = ("work", "title", "contributors", "kind", "rights")
_COUNTS = ("requested", "refused", "delivered", "whole", "part", "bytes")
_OUTCOMES = ("requested", "refused", "delivered", "whole", "part", "bytes", "not_modified", "head", "broken",
             "other", "unknown", "joined")  # fmt: skip
_ROLLED_UP = ("requested", "refused", "bytes")


def catalogue_lines(ids: Iterable[str], work: FindWork) -> Iterator[str]:
    """Yield the catalogue as CSV: what it is, and which rights are held in it where."""
    yield _csv(_WORK)
    for id in ids:
        yield _csv(_about(id, work))


def works_lines(ledger: Ledger, standings: tuple[Standing, ...], work: FindWork) -> Iterator[str]:
    """Yield the works that requests of some standings asked for, each with the sums of the period."""
    yield _csv((*_WORK, *_COUNTS, "first", "last"))
    by_work: dict[str, list[Mapping[str, int]]] = {}
    for line in ledger.lines():
        if line.work and line.standing in standings:
            by_work.setdefault(line.work, []).append(line.counts)
    for id, counts in sorted(by_work.items()):
        sums = told(added(iter(counts)))
        yield _csv((*_about(id, work), *(str(sums[name]) for name in _COUNTS), *_ends(sums)))


def requests_lines(ledger: Ledger, standings: tuple[Standing, ...]) -> Iterator[str]:
    """Yield the requests of some standings by day; rows "rollup" are visits without records of their own."""
    yield _csv(("row", "day", "standing", *_OUTCOMES, "first", "last"))
    for row, lines in (("day", ledger.days.lines()), ("rollup", ledger.rollups.lines())):
        known = _OUTCOMES if row == "day" else _ROLLED_UP
        for line in lines:
            if line.standing in standings:
                yield _csv((row, day(line.day), line.standing.value, *_counted(line, known)))


def _counted(line: Line, known: tuple[str, ...]) -> Iterator[str]:
    counts = told(line.counts)
    yield from (str(counts[name]) if name in known else "" for name in _OUTCOMES)
    yield from _ends(counts)


def _ends(counts: Mapping[str, int]) -> Iterator[str]:
    yield from (moment(counts[name]) if counts[name] else "" for name in ("first", "last"))


def _about(id: str, find: FindWork) -> tuple[str, ...]:
    work = find(id)
    if work is None:
        return (harmless(id), "", "", "", "")
    people = "; ".join(f"{p.name} [{p.isni}]" if p.isni else p.name for p in work.contributors)
    rights = "; ".join(
        " ".join(filter(None, (right.right, right.basis, ",".join(right.territory) or "world")))
        for right in work.rights
    )
    return tuple(map(harmless, (id, work.title, people, work.kind, rights)))


def _csv(cells: tuple[str, ...]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
