"""Who would be hit by findings at which threshold, from old logs: numbers, and clients to read. Pure.

A client is an address (IPv6: its /64) together with its User-Agent. Only those with findings are kept, and of
these at most `CAPACITY`, the highest scores; the counts beside them are exact up to 100,000 clients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from vorbehalt.facts import Finding, Visit
from vorbehalt.patterns.clients import prefix_of
from vorbehalt.patterns.definition import LEVELS, Level
from vorbehalt.policy.verdict import Verdict
from vorbehalt.replay.distinct import DistinctCounter

CAPACITY = 20_000
_STEP = 10
_PATHS = 5
_LONGEST = 300


@dataclass(slots=True)
class Sample:
    """One client with findings. `score` and `level` are the highest that it came to."""

    address: str
    user_agent: str
    score: int = 0
    level: Level = "observe"
    requests: int = 0
    """From its first finding on."""
    hit: int = 0
    """Requests at which it stood at `limit` or above."""
    findings: dict[str, str] = field(default_factory=dict)
    """Finding -> what was observed last."""
    paths: list[str] = field(default_factory=list)
    """The first paths at which there were findings."""

    def as_json(self) -> dict[str, object]:
        """The form that `tune --json` prints."""
        return {
            "address": self.address,
            "user_agent": self.user_agent,
            "score": self.score,
            "level": self.level,
            "requests": self.requests,
            "requests_hit": self.hit,
            "findings": self.findings,
            "paths": self.paths,
        }


class Tuning:
    """Takes judged visits; a visit of a crawler that says what it is counts among the clients only."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._clients = DistinctCounter()
        self._found: dict[int, Sample] = {}
        self.requests = 0
        self.unusable = 0
        """Requests whose address can be nobody's key: private, hidden, or of a proxy that is not named."""
        self.forgotten = 0
        """Clients with findings whose samples had no room."""

    def add(self, visit: Visit, verdict: Verdict) -> None:
        """Take one visit and what was decided on it."""
        self.requests += 1
        self.unusable += not visit.client.is_usable
        address = prefix_of(visit.client.text or "")
        user_agent = visit.header(b"user-agent")
        raw = address.encode() + b"\0" + user_agent
        key = int.from_bytes(blake2b(raw, digest_size=8).digest(), "big")
        self._clients.add(key)
        sample = self._found.get(key)
        if sample is None:
            if not verdict.findings:
                return
            if len(self._found) >= self._capacity:
                self._make_room()
            sample = self._found[key] = Sample(address, user_agent.decode("latin-1")[:_LONGEST])
        sample.requests += 1
        if not verdict.findings:
            return
        self._note(sample, visit.path, verdict.findings)
        sample.score = max(sample.score, verdict.score)
        if LEVELS.index(verdict.level) > LEVELS.index(sample.level):
            sample.level = verdict.level
        sample.hit += verdict.level != "observe"

    @staticmethod
    def _note(sample: Sample, path: str, findings: Sequence[Finding]) -> None:
        for finding in findings:
            sample.findings[finding.id] = finding.observed
        if len(sample.paths) < _PATHS and path not in sample.paths:
            sample.paths.append(path[:_LONGEST])

    def _make_room(self) -> None:
        by_score = sorted(self._found.items(), key=lambda item: item[1].score)
        for key, _ in by_score[: self._capacity // 8 or 1]:
            del self._found[key]
            self.forgotten += 1

    def result(self, levels: Mapping[Level, int], samples: int, *, lines: int, skipped: int) -> Tuned:
        """Return what was seen, with so many samples of each level, of lines read and not understood."""
        found = sorted(self._found.values(), key=lambda sample: (-sample.score, -sample.hit, sample.address))
        read: list[Sample] = []
        for level in LEVELS:
            read += [sample for sample in found if sample.level == level][:samples]
        return Tuned(
            lines=lines,
            skipped=skipped,
            requests=self.requests,
            unusable=self.unusable,
            clients=len(self._clients),
            is_exact=self._clients.is_exact and not self.forgotten,
            levels=levels,
            found=tuple(found),
            samples=tuple(sorted(read, key=lambda sample: (-sample.score, -sample.hit))),
        )


@dataclass(frozen=True, slots=True)
class Tuned:
    """What findings would do on these logs. `levels` are the points from which each level is reached."""

    lines: int
    skipped: int
    requests: int
    unusable: int
    clients: int
    is_exact: bool
    levels: Mapping[Level, int]
    found: tuple[Sample, ...]
    samples: tuple[Sample, ...]

    def reaching(self, points: int) -> int:
        """How many clients come to so many points."""
        return sum(sample.score >= points for sample in self.found)

    def at_level(self, level: Level) -> tuple[Sample, ...]:
        """The clients whose highest level is this one."""
        return tuple(sample for sample in self.found if sample.level == level)

    def by_finding(self) -> dict[str, int]:
        """Finding -> clients."""
        counts: dict[str, int] = {}
        for sample in self.found:
            for finding in sample.findings:
                counts[finding] = counts.get(finding, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def as_json(self) -> dict[str, object]:
        """The form that `tune --json` prints."""
        steps = range(_STEP, max([100, *(sample.score for sample in self.found)]) + 1, _STEP)
        return {
            "lines": self.lines,
            "skipped": self.skipped,
            "requests": self.requests,
            "unusable": self.unusable,
            "clients": self.clients,
            "exact": self.is_exact,
            "levels": [
                {
                    "level": level,
                    "points": self.levels.get(level),
                    "clients": len(self.at_level(level)),
                    "requests": sum(sample.hit for sample in self.at_level(level)),
                }
                for level in LEVELS[1:]
            ],
            "thresholds": [{"points": points, "clients": self.reaching(points)} for points in steps],
            "findings": self.by_finding(),
            "samples": [sample.as_json() for sample in self.samples],
        }
