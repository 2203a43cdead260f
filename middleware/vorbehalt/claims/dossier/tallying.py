"""The ledger of a dossier: the counts of `works ledger`, and the same requests by what else they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from json import dumps
from typing import Any

from vorbehalt.claims.dossier.contents_parts import (
    Counts,
)
from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED, Query, Tally
from vorbehalt.claims.ledger_reading import OPEN_RULE, mapping
from vorbehalt.claims.ledger_rows import Line, Rows, added, told
from vorbehalt.claims.ledger_text import moment
from vorbehalt.facts import Standing

ATTRIBUTED_NAME = "attributed"
DESCRIBED_NAME = "described"
GROUPS = ((ATTRIBUTED_NAME, ATTRIBUTED), (DESCRIBED_NAME, DESCRIBED))
Label = Callable[[int, Mapping[str, Any]], Iterable[str]]
"""Time of a request (nanoseconds UTC) and what was seen of it -> the texts under which it is counted."""


class DossierTally(Tally):
    """Counts each request of the period under its labels too. `book(name)` are the rows of one label."""

    def __init__(self, query: Query, labels: Mapping[str, Label]) -> None:
        super().__init__(query)
        self._labels = list(labels.items())
        self._first = len(self.books)
        self.books += [Rows() for _ in self._labels]

    def book(self, name: str) -> Rows:
        return self.books[self._first + [known for known, _ in self._labels].index(name)]

    def places(self, at: int, standing: Standing, seen: Mapping[str, Any]) -> list[tuple[int, int]]:
        found = super().places(at, standing, seen)
        for number, (_, label) in enumerate(self._labels, self._first):
            found += [(number, self.books[number].at(at, standing, text)) for text in label(at, seen)]
        return found


def group_of(standing: Standing) -> str:
    """Return the group of a standing; empty for impostors, who are in none."""
    return next((name for name, standings in GROUPS if standing in standings), "")


def counts_of(lines: Iterable[Line]) -> Counts:
    """Return the sums of some rows."""
    counts = told(added(line.counts for line in lines))
    first, last = counts.pop("first"), counts.pop("last")
    return Counts(**counts, first=moment(first) if first else "", last=moment(last) if last else "")


def by_text(rows: Rows) -> dict[str, dict[str, list[Line]]]:
    """Return the rows by text and group; impostors are left out."""
    found: dict[str, dict[str, list[Line]]] = {}
    for line in rows.lines():
        if group := group_of(line.standing):
            found.setdefault(line.work, {}).setdefault(group, []).append(line)
    return found


def robots_label(at: int, seen: Mapping[str, Any]) -> tuple[str, ...]:
    """Return as JSON what robots.txt said to a request, and what its crawler had fetched of it."""
    robots = mapping(seen.get("robots"))
    if not isinstance(robots.get("allowed"), bool):
        return ()
    version, fetched = robots.get("version"), mapping(robots.get("fetched"))
    told_of = mapping(seen.get("told"))
    if fetched:
        last, allowed = str(fetched.get("version")), fetched.get("allowed")
    else:
        allowed = None
        known = [mapping(fetch).get("version") for fetch in mapping(told_of.get("crawler")).values()]
        last = str(version) if version in known else "none" if told_of else "unknown"
    permission = robots.get("permission") or seen.get("permission") or "none"
    key = [
        mapping(seen.get("claim")).get("token"), version, robots["allowed"], robots.get("line"),
        robots.get("number"), robots.get("agent"), last, allowed if isinstance(allowed, bool) else None,
        permission, robots.get("documented") is not False,
        mapping(seen.get("decision")).get("rule") == OPEN_RULE,
    ]  # fmt: skip
    return (dumps(key),)


def decision_label(at: int, seen: Mapping[str, Any]) -> tuple[str, ...]:
    """Return action, rule and reasons as JSON."""
    decision = mapping(seen.get("decision"))
    reasons = decision.get("reasons")
    text = ", ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    return (dumps([str(decision.get("action")), str(decision.get("rule") or ""), text]),)


def token_label(at: int, seen: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(mapping(seen.get("claim")).get("token") or ""),)


def permission_label(at: int, seen: Mapping[str, Any]) -> tuple[str, ...]:
    permission = str(seen.get("permission") or "none")
    return () if permission == "none" else (permission,)


def field_label(name: str) -> Label:
    """Return what labels a request with one field of what was seen."""
    return lambda at, seen: (str(seen.get(name) or ""),)


def section_label(at: int, seen: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(mapping(seen.get("reservation")).get("section") or ""),)
