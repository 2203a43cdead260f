"""What outlasts the hour of a client: what was found, the robots.txt that it fetched, the traps it stepped
into.

Few clients have marks at all. Times are seconds UTC as float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vorbehalt.facts import Finding

DAY: Final = 86_400.0
"""For how long a fetched robots.txt binds, and a first trap is remembered."""

_AT_ONCE: Final = 2.0
"""Seconds between parts of a file that are fetched in parallel, at most."""

_PARTS: Final = 16

_LONG: Final = 2 * DAY
"""For how long a client with findings that halve in a day is kept while it is away."""


@dataclass(frozen=True, slots=True)
class Held:
    """A finding with the time (seconds) at which it was last made. From then on it fades."""

    finding: Finding
    at: float


class Marks:
    """`held`: behaviour that was found. `worst`: the heaviest contradictions of one request lately."""

    __slots__ = (
        "file",
        "held",
        "part_at",
        "parts",
        "robots_at",
        "robots_version",
        "trap",
        "trap_at",
        "traps",
        "worst",
        "worst_at",
    )

    def __init__(self) -> None:
        self.held: tuple[Held, ...] = ()
        self.worst: tuple[Finding, ...] = ()
        self.worst_at = 0.0
        self.robots_version: str | None = None
        self.robots_at = 0.0
        self.trap = 0
        self.trap_at = 0.0
        self.traps = 0
        self.file = 0
        self.parts: tuple[tuple[int, int], ...] = ()
        self.part_at = 0.0

    @property
    def lasts(self) -> float:
        """Seconds for which an idle client must be kept for the sake of its marks."""
        if self.traps or any(found.finding.family in _LASTING for found in self.held):
            return _LONG
        return DAY if self.robots_version is not None else 0.0

    def fetched_robots(self, at: float, version: str) -> None:
        """The client was given a version of robots.txt."""
        self.robots_version, self.robots_at = version, at

    def robots_known(self, at: float, within: float = DAY) -> str | None:
        """The version of robots.txt that the client knows: the last one fetched within so many seconds."""
        return self.robots_version if self.robots_version and at - self.robots_at < within else None

    def stepped_into(self, at: float, trap: int) -> None:
        """The client took a trap link; `trap` is a hash of its path. Only different ones count, up to two."""
        if not self.traps or at - self.trap_at >= DAY:
            self.trap, self.trap_at, self.traps = trap, at, 1
        elif trap != self.trap:
            self.traps = 2

    def fetched_part(self, at: float, file: int, first: int, last: int) -> None:
        """The client fetched a closed range of a media file. Kept while disjoint parts follow quickly."""
        if file != self.file or at - self.part_at >= _AT_ONCE:
            self.file, self.parts = file, ((first, last),)
        elif len(self.parts) < _PARTS and all(last < begin or first > end for begin, end in self.parts):
            self.parts = (*self.parts, (first, last))
        self.part_at = at

    def hold(self, finding: Finding, at: float) -> None:
        """Keep a finding. It counts from now on."""
        others = tuple(found for found in self.held if found.finding.id != finding.id)
        self.held = (*others, Held(finding, at))

    def drop(self, ids: frozenset[str]) -> None:
        """Forget findings that turned out to be wrong."""
        if any(found.finding.id in ids for found in self.held):
            self.held = tuple(found for found in self.held if found.finding.id not in ids)

    def contradicted(self, findings: tuple[Finding, ...], at: float, within: float) -> tuple[Finding, ...]:
        """Take the contradictions of this request in; return the heaviest within so many seconds."""
        if at - self.worst_at >= within or _sum(findings) >= _sum(self.worst):
            self.worst, self.worst_at = findings, at
        return self.worst

    def shift(self, by: float) -> None:
        """Move all times: the clock was set."""
        self.held = tuple(Held(found.finding, found.at + by) for found in self.held)
        self.worst_at += by
        self.robots_at += by
        self.trap_at += by
        self.part_at += by

    def merge(self, other: Marks) -> None:
        """Take in the marks that were made elsewhere."""
        for found in other.held:
            mine = next((held for held in self.held if held.finding.id == found.finding.id), None)
            if mine is None or mine.at < found.at:
                self.hold(found.finding, found.at)
        if other.robots_version is not None and other.robots_at > self.robots_at:
            self.fetched_robots(other.robots_at, other.robots_version)
        if other.traps:
            self.traps, before = max(self.traps, other.traps), self.traps
            if not before:
                self.trap, self.trap_at = other.trap, other.trap_at
            elif self.trap != other.trap:
                self.traps = 2
        if _sum(other.worst) > _sum(self.worst):
            self.worst, self.worst_at = other.worst, other.worst_at


_LASTING: Final = frozenset({"trap", "robots"})


def _sum(findings: tuple[Finding, ...]) -> int:
    return sum([finding.weight for finding in findings])
