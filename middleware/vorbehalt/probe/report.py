"""The result of a probe: the public JSON, and sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vorbehalt.probe.checks import check_all
from vorbehalt.probe.checks.places import lost_by
from vorbehalt.probe.finding import Ledger
from vorbehalt.probe.gather import Gathered
from vorbehalt.probe.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked and found. `started_at` and `ended_at` are nanoseconds UTC."""

    url: str
    user_agent: str
    gathered: Gathered
    ledger: Ledger
    started_at: int
    ended_at: int

    @property
    def ok(self) -> bool:
        """True if no check failed; warnings do not count."""
        return not self.ledger.count("error")

    @property
    def checks(self) -> dict[str, int]:
        return {
            "passed": self.ledger.passed,
            "failed": self.ledger.count("error"),
            "warnings": self.ledger.count("warning"),
        }

    def as_json(
        self, warc: Mapping[str, object] | None = None, record: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """Return the public form, keys in a fixed order."""
        lost = lost_by(self.gathered)
        return {
            "url": self.url,
            "ok": self.ok,
            "requests": len(self.gathered.exchanges),
            "checks": self.checks,
            "findings": [finding.as_json() for finding in self.ledger.findings],
            "exchanges": [
                {
                    "method": one.method,
                    "path": one.path if one.origin == self.gathered.base else one.url,
                    "status": one.status,
                    "kind": one.kind,
                    "variant": one.variant,
                    "headers_missing": lost[number],
                    "fault": None if one.fault is None else one.fault.code,
                }
                for number, one in enumerate(self.gathered.exchanges)
            ],
            "warc": warc,
            "record": record,
        }

    def sentences(self) -> list[str]:
        """Return the result as lines for people, the verdict last; not yet safe for a terminal."""
        gathered = self.gathered
        against = (
            f"compared with the configuration for {gathered.expected.origin}"
            if gathered.expected
            else "no configuration to compare with"
        )
        lines = [
            f"{self.url}: {len(gathered.exchanges)} requests as {self.user_agent}; {against}",
            "asked: " + ", ".join(f"{number} {kind}" for kind, number in _kinds(gathered).items()),
        ]
        for finding in self.ledger.findings:
            mark = "FAILED" if finding.severity == "error" else "warning"
            lines.append(f"{mark} {finding.id}: {finding.message}")
            lines.append(f"    expected: {finding.expected}")
            lines.append(f"    observed: {finding.observed}")
        counts = self.checks
        lines.append(
            f"{counts['passed']} checks passed, {counts['failed']} failed, {counts['warnings']} warnings:"
            f" {'every channel arrives and agrees' if self.ok else 'NOT EVERYTHING ARRIVES AS IT SHOULD'}"
        )
        return lines


def _kinds(gathered: Gathered) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in gathered.exchanges:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return counts


def conclude(
    url: str, user_agent: str, gathered: Gathered, knowledge: Knowledge, started_at: int, ended_at: int
) -> Report:
    """Run all checks on what was gathered."""
    return Report(url, user_agent, gathered, check_all(gathered, knowledge), started_at, ended_at)
