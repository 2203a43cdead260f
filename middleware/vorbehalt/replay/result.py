"""What a replay found, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vorbehalt.facts import Action, Purpose
from vorbehalt.replay import words

_NS = 1_000_000_000
_ACTIONS = tuple(Action)


@dataclass(slots=True)
class CrawlerRow:
    """One product token over the whole log. `bytes` as the log counts them, `refused_bytes` those refused."""

    token: str
    operator: str | None
    maker: str | None
    purpose: Purpose
    basis: str
    requests: int = 0
    bytes: int = 0
    refused_bytes: int = 0
    robots_fetches: int = 0
    disallowed: int = 0
    """Requests that the robots.txt of the replay disallows to this crawler."""
    would_only: int = 0
    """Requests that are answered although policy says otherwise (a rule that only observes)."""
    actions: dict[Action, int] = field(default_factory=dict)
    standings: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    is_impostor: bool = False
    """These posed as the crawler and were not it; `operator` is None."""

    @property
    def refused(self) -> int:
        """Requests that would not have been answered."""
        return self.requests - self.actions.get(Action.ALLOW, 0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request to look at by hand. No address: the owner finds it in the log by time and path."""

    at: int
    action: Action
    reason: str
    path: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read: where it stands, why, and how it begins."""

    file: str
    line: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Result:
    """All that a replay found. `as_json` is the contract; the rest is for the report.

    Times are nanoseconds UTC, None if no request was read. `people` are requests without a claim.
    """

    files: tuple[str, ...]
    warnings: tuple[str, ...]
    lines: int
    skipped: int
    requests: int
    bytes: int
    actions: Mapping[Action, int]
    crawlers: tuple[CrawlerRow, ...]
    findings: Mapping[str, int]
    """Requests per finding."""
    clients: Mapping[str, int]
    clients_exact: bool
    first: int | None
    last: int | None
    people_requests: int
    people_bytes: int
    people_refused: int
    people_refused_clients: int
    people_samples: tuple[Sample, ...]
    refused_bytes: int
    refused_paths: tuple[tuple[str, int], ...]
    refused_paths_exact: bool
    without_user_agent: int
    without_public_address: int
    bad_lines: tuple[BadLine, ...]
    bad_reasons: Mapping[str, int]
    timeline: tuple[tuple[int, tuple[int, ...]], ...]
    timeline_width: int
    """Nanoseconds one row of the timeline stands for."""

    def as_json(self) -> dict[str, object]:
        """Return the public form that `replay --json` prints (keys are a contract)."""
        return {
            "lines": self.lines,
            "skipped": self.skipped,
            "requests": self.requests,
            "actions": _by_name(self.actions),
            "crawlers": [
                {
                    "token": row.token,
                    "operator": row.operator,
                    "purpose": row.purpose.value,
                    "requests": row.requests,
                    "bytes": row.bytes,
                    "actions": _by_name(row.actions),
                    "disallowed": row.disallowed,
                }
                for row in self.crawlers
            ],
            "findings": dict(self.findings),
            "clients": dict(self.clients),
            "first": iso(self.first),
            "last": iso(self.last),
        }

    def summary(self) -> list[str]:
        """Return the result as lines for a terminal; what came from the log is made printable."""
        number = words.number
        if self.first is None or self.last is None:
            return [f"{number(self.lines)} lines, no request found", *self._skipped()]
        refused = self.requests - self.actions[Action.ALLOW]
        about = "" if self.clients_exact else "about "
        lines = [
            f"{words.counted(self.requests, 'request')} by "
            f"{about}{words.counted(self.clients['total'], 'client')}, "
            f"{words.minute(self.first)} to {words.minute(self.last)} UTC",
            f"{number(refused)} ({words.share(refused, self.requests)}) would not have been answered, "
            f"{words.size(self.refused_bytes)} not delivered",
            f"{number(self.people_refused)} of them from "
            f"{words.counted(self.people_refused_clients, 'visitor')} "
            "without a crawler's name",
            "",
        ]
        for action in _ACTIONS:
            lines.append(f"  {words.ACTIONS[action][0]:<24}{number(self.actions[action]):>12}")
        titles = f"{'requests':>10}{'delivered':>12}{'refused':>10}{'disallowed':>12}"
        lines += ["", f"  {'crawler':<28}{'what for':<28}{titles}"]
        for row in self.crawlers[:15]:
            label = words.PURPOSES[row.purpose][0]
            lines.append(
                f"  {row.token[:27]:<28}{label[:27]:<28}{number(row.requests):>10}"
                f"{words.size(row.bytes):>12}{number(row.refused):>10}{number(row.disallowed):>12}"
            )
        if len(self.crawlers) > 15:
            lines.append(f"  and {len(self.crawlers) - 15} more")
        if self.has_disallowed:
            lines += ["", "disallowed: by the robots.txt of today, not by that of the day of the log"]
        return [*lines, *self._skipped(), *(f"note: {warning}" for warning in self.warnings)]

    @property
    def has_disallowed(self) -> bool:
        """True if robots.txt disallows any of these requests."""
        return any(row.disallowed for row in self.crawlers)

    def _skipped(self) -> list[str]:
        if not self.skipped:
            return []
        lines = ["", f"{words.lines_without(self.skipped, self.lines)}:"]
        lines += [f"  {words.number(count)}: {reason}" for reason, count in self.bad_reasons.items()]
        lines += [f"  {bad.file}:{bad.line}: {bad.reason}: {bad.excerpt[:90]}" for bad in self.bad_lines]
        return lines


def iso(at: int | None) -> str | None:
    """Return nanoseconds UTC as RFC 3339 text in whole seconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _by_name(actions: Mapping[Action, int]) -> dict[str, int]:
    return {action.value: actions.get(action, 0) for action in _ACTIONS}
