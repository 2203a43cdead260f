"""What a replay adds up: who came, how much, what would have happened. Pure; constant memory."""

from __future__ import annotations

import re

from vorbehalt.facts import AI_PURPOSES, Action, Purpose
from vorbehalt.identify.identity import Identity
from vorbehalt.policy.verdict import Verdict
from vorbehalt.replay.bounded import HeavyHitters, Timeline
from vorbehalt.replay.distinct import DistinctCounter
from vorbehalt.replay.entry import Entry
from vorbehalt.replay.result import BadLine, CrawlerRow, Result, Sample

SAMPLES = 20
_MALFORMED_SHOWN = 5
_TEXT = 200
_ACTIONS = tuple(Action)
_GROUPS = 4
"""Of the timeline: no claim; the six AI purposes; search engines; every other claim."""
_ADDRESS = re.compile(
    r"(?<![\w./])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"
    r"|(?<![\w:/.])(?:[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4})"
)


class Tally:
    """Adds up one replay."""

    def __init__(self) -> None:
        self.lines = 0
        self.skipped = 0
        self.requests = 0
        self._bytes = 0
        self._refused_bytes = 0
        self._first: int | None = None
        self._last: int | None = None
        self._refusals = dict.fromkeys(_ACTIONS, 0)
        self._crawlers: dict[tuple[str, bool], CrawlerRow] = {}
        self._findings: dict[str, int] = {}
        self._clients = DistinctCounter()
        self._hit = {action: DistinctCounter() for action in _ACTIONS}
        self._people = [0, 0, 0]
        self._people_hit = DistinctCounter()
        self._samples: list[Sample] = []
        self._paths = HeavyHitters()
        self._timeline = Timeline(_GROUPS)
        self._without_agent = 0
        self._not_public = 0
        self._bad_lines: list[BadLine] = []
        self._bad_reasons: dict[str, int] = {}

    def skip(self, file: str, line: int, reason: str, raw: bytes) -> None:
        """Count a line that holds no request."""
        self.lines += 1
        self.skipped += 1
        self._bad_reasons[reason] = self._bad_reasons.get(reason, 0) + 1
        # A few of each kind: a thousand aborted connections must not hide the one odd line.
        if self._bad_reasons[reason] <= _MALFORMED_SHOWN and raw.strip():
            excerpt = _ADDRESS.sub("(address)", shown(raw[: 2 * _TEXT]))
            self._bad_lines.append(BadLine(file, line, reason, excerpt[:_TEXT]))

    def add(
        self, entry: Entry, path: str, key: int, is_public: bool, verdict: Verdict, is_disallowed: bool
    ) -> None:
        """Count one judged request; `key` is the hash that stands for its client."""
        self.lines += 1
        self.requests += 1
        at, size = entry.at, entry.size
        self._bytes += size
        if self._first is None or at < self._first:
            self._first = at
        if self._last is None or at > self._last:
            self._last = at
        self._clients.add(key)
        if not entry.user_agent:
            self._without_agent += 1
        if not is_public:
            self._not_public += 1
        identity = verdict.identity
        action = verdict.action
        if identity is None:
            group = 0
            self._people[0] += 1
            self._people[1] += size
        else:
            group = self._claimed(identity, verdict, path, size, is_disallowed)
        self._timeline.add(at, group)
        if verdict.findings:
            for finding in verdict.findings:
                self._findings[finding.id] = self._findings.get(finding.id, 0) + 1
        if action is not Action.ALLOW:
            self._refuse(entry, path, key, verdict)

    def _claimed(
        self, identity: Identity, verdict: Verdict, path: str, size: int, is_disallowed: bool
    ) -> int:
        crawler = identity.crawler
        # An impostor is nobody's: it has a row of its own beside that of the crawler it poses as.
        key = (crawler.token, identity.is_impostor)
        row = self._crawlers.get(key)
        if row is None:
            maker = None if crawler.party.is_operator else crawler.party.name
            operator = None if identity.is_impostor else crawler.operator
            row = CrawlerRow(crawler.token, operator, maker, crawler.purpose, crawler.purpose_basis)
            row.is_impostor = identity.is_impostor
            self._crawlers[key] = row
        row.requests += 1
        row.bytes += size
        row.disallowed += is_disallowed
        action = verdict.action
        row.actions[action] = row.actions.get(action, 0) + 1
        standing = identity.standing.value
        row.standings[standing] = row.standings.get(standing, 0) + 1
        if path == "/robots.txt":
            row.robots_fetches += 1
        if action is not Action.ALLOW:
            row.refused_bytes += size
            reason = verdict.reasons[0] if verdict.reasons else verdict.rule
            row.reasons[reason] = row.reasons.get(reason, 0) + 1
        elif verdict.would is not Action.ALLOW:
            row.would_only += 1
        purpose = crawler.purpose
        if purpose in AI_PURPOSES:
            return 1
        return 2 if purpose is Purpose.SEARCH_ENGINE else 3

    def _refuse(self, entry: Entry, path: str, key: int, verdict: Verdict) -> None:
        action = verdict.action
        self._refusals[action] += 1
        self._refused_bytes += entry.size
        self._hit[action].add(key)
        self._paths.add(path[:_TEXT])
        if verdict.identity is None:
            self._people[2] += 1
            self._people_hit.add(key)
            if len(self._samples) < SAMPLES:
                reason = verdict.reasons[0] if verdict.reasons else verdict.rule
                agent = shown(entry.user_agent[:_TEXT])
                self._samples.append(Sample(entry.at, action, reason, path[:_TEXT], agent))

    def result(self, files: tuple[str, ...], warnings: tuple[str, ...] = ()) -> Result:
        """Return the sums."""
        refused = sum(self._refusals.values())
        counters = (self._clients, self._people_hit, *self._hit.values())
        return Result(
            files=files,
            warnings=warnings,
            lines=self.lines,
            skipped=self.skipped,
            requests=self.requests,
            bytes=self._bytes,
            actions={**self._refusals, Action.ALLOW: self.requests - refused},
            crawlers=tuple(sorted(self._crawlers.values(), key=lambda row: (-row.requests, row.token))),
            findings=dict(sorted(self._findings.items())),
            clients={
                "total": len(self._clients),
                "limited": len(self._hit[Action.LIMIT]),
                "challenged": len(self._hit[Action.CHALLENGE]),
                "blocked": len(self._hit[Action.BLOCK]),
            },
            clients_exact=all(counter.is_exact for counter in counters),
            first=self._first,
            last=self._last,
            people_requests=self._people[0],
            people_bytes=self._people[1],
            people_refused=self._people[2],
            people_refused_clients=len(self._people_hit),
            people_samples=tuple(self._samples),
            refused_bytes=self._refused_bytes,
            refused_paths=self._paths.top(12),
            refused_paths_exact=self._paths.is_exact,
            without_user_agent=self._without_agent,
            without_public_address=self._not_public,
            bad_lines=tuple(self._bad_lines),
            bad_reasons=dict(sorted(self._bad_reasons.items(), key=lambda item: -item[1])),
            timeline=self._timeline.rows(),
            timeline_width=self._timeline.width,
        )


def shown(raw: bytes) -> str:
    """Return bytes of a log as text for people: control characters made visible."""
    text = raw.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "�" for char in text)
