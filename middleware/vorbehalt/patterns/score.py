"""From findings to points, from points to a level. Total and deterministic: the same arguments, the same
result.

Points are whole numbers. A family never counts for more than its cap, however many of its findings are there.
What speaks for a client is taken off. Points alone do not decide:

- While there is evidence of one kind only, the findings' own bound holds (`alone_at_most`). All that stands
  in single requests is one kind, however many headers are missing; each family of behaviour is one; what is
  known of the cohort or the network, and not of the client, is one. A kind counts from `points_to_count` on:
  a weak sign beside a strong one changes nothing.
- A block needs several families that count, or one conclusive finding. What others do in its cohort or its
  network is none of them: nobody is blocked for the company that it keeps.
- A finding that is conclusive only when it is repeated makes no block before it is: one trap never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.definition import LEVELS, Level
from vorbehalt.patterns.marks import Held
from vorbehalt.patterns.sketches import MINUTE, halved

EXCUSE: Final = "excuse"
"""The family of what speaks for a client."""

_COMPANY: Final = frozenset({"cohort", "network"})

_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}


@dataclass(frozen=True, slots=True)
class Assessment:
    """A client as it stands at one request.

    `findings` carry the points that were left of their weights, heaviest first, `excuses` negative points.
    `conclusive` names the findings that were conclusive when they were made. `score` and `level` follow from
    these and the book (`weigh`), whose digest is `book`; empty for `CALM`, which no book was needed for.
    """

    score: int
    level: Level
    findings: tuple[Finding, ...] = ()
    excuses: tuple[Finding, ...] = ()
    conclusive: tuple[str, ...] = ()
    book: str = ""

    def as_json(self) -> dict[str, object]:
        """The form that records carry."""
        return {
            "score": self.score,
            "level": self.level,
            "findings": [_json(finding) for finding in self.findings],
            "excuses": [_json(excuse) for excuse in self.excuses],
            "conclusive": list(self.conclusive),
            "book": self.book,
        }


CALM: Final = Assessment(0, "observe")
"""Nothing was found."""


def assess(
    stateless: Iterable[Finding], behaviour: Iterable[Held], excuses: Sequence[Finding], book: Book, now: int
) -> Assessment:
    """Assess a client: contradictions of one request (the heaviest lately), behaviour as held, what excuses
    it.

    Of two findings of one id the heavier counts. `now` is in nanoseconds UTC; what was held at a later time
    counts in full.
    """
    points: dict[str, Finding] = {}
    conclusive: list[str] = []
    for finding in stateless:
        _take(points, finding, finding.weight)
        if _is_conclusive(finding, book):
            conclusive.append(finding.id)
    for held in behaviour:
        finding = held.finding
        _take(points, finding, _left(held, book, now))
        if _is_conclusive(finding, book):
            conclusive.append(finding.id)
    if not points:
        return CALM
    ordered = sorted(points.values(), key=lambda finding: (-finding.weight, finding.id))
    left = tuple(finding for finding in ordered if finding.weight > 0)
    kept = {finding.id for finding in left}
    return weigh(left, excuses, tuple(sorted(kept.intersection(conclusive))), book)


def weigh(
    findings: Sequence[Finding], excuses: Sequence[Finding], conclusive: Sequence[str], book: Book
) -> Assessment:
    """Add up points that are left; the score is never below zero. What an assessment holds gives it again."""
    score = _score(findings, excuses, book)
    level = _level(score, findings, conclusive, book)
    if level == "block":
        ripe = [one for one in findings if one.id in conclusive or not book.definition(one.id).conclusive]
        if len(ripe) < len(findings):
            unripe = _level(_score(ripe, excuses, book), ripe, conclusive, book)
            level = max("challenge", unripe, key=_rank)
    return Assessment(score, level, tuple(findings), tuple(excuses), tuple(conclusive), book.digest)


def _score(findings: Sequence[Finding], excuses: Sequence[Finding], book: Book) -> int:
    families = _sums((finding.family, finding.weight) for finding in findings)
    total = sum(min(points, book.families[family].cap) for family, points in families.items())
    return max(0, total + sum(excuse.weight for excuse in excuses))


def excuse(id: str, observed: str, book: Book) -> Finding:
    """What speaks for a client, as a finding with negative points."""
    found = book.excuses[id]
    return Finding(id, found.weight, observed, found.means, EXCUSE)


def _level(score: int, findings: Sequence[Finding], conclusive: Sequence[str], book: Book) -> Level:
    by_score = [level for level, points in book.levels.items() if score >= points]
    level: Level = max(by_score, key=_rank, default="observe")
    families = _counting(
        ((finding.family, finding.weight) for finding in findings if finding.family not in _COMPANY), book
    )
    if level == "block" and families < book.families_for_block and not conclusive:
        level = "challenge"
    if _counting(((_kind(finding, book), finding.weight) for finding in findings), book) < 2:
        bounds: list[Level] = [_alone(finding, book) for finding in findings]
        level = min(level, max(bounds, key=_rank, default="observe"), key=_rank)
    return level


def _counting(points: Iterable[tuple[str, int]], book: Book) -> int:
    return sum(one >= book.points_to_count for one in _sums(points).values())


def _sums(points: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, weight in points:
        sums[name] = sums.get(name, 0) + weight
    return sums


def _kind(finding: Finding, book: Book) -> str:
    state = book.definition(finding.id).state
    return finding.family if state == "client" else state


def _alone(finding: Finding, book: Book) -> Level:
    own = book.definition(finding.id).alone_at_most
    return min(own, book.families[finding.family].alone_at_most, key=_rank)


def _rank(level: Level) -> int:
    return _RANK[level]


def _take(points: dict[str, Finding], finding: Finding, weight: int) -> None:
    before = points.get(finding.id)
    if before is None or before.weight < weight:
        points[finding.id] = (
            finding
            if weight == finding.weight
            else Finding(finding.id, weight, finding.observed, finding.expected, finding.family)
        )


def _left(held: Held, book: Book, now: int) -> int:
    family = book.families[held.finding.family]
    age = now - round(held.at * 1e9)
    if family.keeps == "maximum":
        return held.finding.weight if age < family.minutes * MINUTE else 0
    return int(held.finding.weight * halved(age, family.minutes * MINUTE) + 0.5)


def _is_conclusive(finding: Finding, book: Book) -> bool:
    definition = book.definition(finding.id)
    least = definition.parameters.get("repeated_weight", 0)
    return definition.conclusive and isinstance(least, (int, float)) and finding.weight >= least


def _json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "weight": finding.weight,
        "observed": finding.observed,
        "expected": finding.expected,
        "family": finding.family,
    }
