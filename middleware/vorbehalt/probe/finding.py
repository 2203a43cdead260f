"""What a probe found, and how many checks passed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]

IDS = {
    "headers-missing": "reservation headers do not arrive on some paths",
    "headers-missing-on-errors": "reservation headers do not arrive with 4xx and 5xx replies",
    "headers-missing-on-304": "reservation headers do not arrive with 304 replies",
    "headers-missing-on-head": "reservation headers do not arrive with replies to HEAD",
    "headers-missing-when-compressed": "reservation headers do not arrive with compressed replies",
    "headers-missing-on-parts": "reservation headers do not arrive with 206 replies",
    "headers-missing-on-redirects": "reservation headers do not arrive with redirects",
    "headers-missing-on-options": "reservation headers do not arrive with replies to OPTIONS",
    "headers-missing-for-markdown": "reservation headers do not arrive where Markdown is asked for",
    "no-reservation": "nothing on the site reserves anything in a form that machines read",
    "header-not-used": "a reservation header is sent nowhere on the site",
    "header-repeated": "a reservation header stands more than once in one reply",
    "header-malformed": "a reservation header is not of the form that its readers expect",
    "header-vocabulary": "a reservation header uses words that its readers do not know",
    "header-differs": "a reservation header is not what the configuration renders",
    "document-missing": "a signal document is not there",
    "document-refused": "a signal document is behind a refusal or a challenge",
    "document-broken": "a signal document could not be read, or the server failed",
    "document-redirected": "a signal document is redirected",
    "document-media-type": "a signal document has the wrong media type",
    "document-no-validators": "a signal document has neither ETag nor Last-Modified",
    "document-no-304": "a signal document is sent again although it has not changed",
    "document-head-differs": "HEAD and GET of a signal document are answered differently",
    "document-by-user-agent": "a signal document depends on who asks",
    "document-outdated": "a signal document is not what the configuration renders",
    "robots-form": "robots.txt is no list of rules, or larger than readers read",
    "robots-altered": "something changed robots.txt on its way",
    "robots-managed": "a CDN adds a block of its own to robots.txt",
    "robots-lets-in": "robots.txt lets crawlers in that other channels refuse",
    "tdmrep-form": "tdmrep.json is not of the form that TDMRep asks for",
    "tdmrep-order": "tdmrep.json has a general rule before a specific one",
    "policy-form": "the TDM policy is no ODRL offer in the TDMRep profile",
    "rsl-form": "the licence document is no RSL",
    "reservation-zero": "tdm-reservation is 0 where other channels reserve",
    "channels-disagree": "two channels say different things about one path",
    "content-signal-header": "a Content-Signal response header permits what is reserved",
    "llms-txt": "llms.txt hands out content next to a reservation",
    "cache-stale": "a cache serves older headers or an older document",
    "refusal-cached": "a refusal comes from a cache",
    "site-elsewhere": "the site redirects to another host",
    "sample-refused": "the site refuses the probe",
    "unanswered": "a question was not answered, or not as a whole",
    "not-all-asked": "the limit of requests or time was reached",
}
"""Every id that a finding can have, and what it means. Ids are stable."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` are paths on the site; all texts may hold what the site sent."""

    id: str
    severity: Severity
    where: tuple[str, ...]
    expected: str
    observed: str
    message: str

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "severity": self.severity,
            "where": list(self.where),
            "expected": self.expected,
            "observed": self.observed,
            "message": self.message,
        }


def listed(paths: Iterable[str]) -> str:
    """Name at most six of these paths."""
    unique = list(dict.fromkeys(paths))
    more = f" and {len(unique) - 6} more" if len(unique) > 6 else ""
    return ", ".join(unique[:6]) + more


@dataclass(slots=True)
class Ledger:
    """Checks made: those that passed as a number, the others as findings, each said once."""

    passed: int = 0
    findings: list[Finding] = field(default_factory=list)

    def passes(self, count: int = 1) -> None:
        self.passed += count

    def add(
        self, id: str, severity: Severity, where: Iterable[str], expected: str, observed: str, message: str
    ) -> None:
        """Note one thing that is wrong."""
        if id not in IDS:
            raise KeyError(id)
        found = Finding(id, severity, tuple(dict.fromkeys(where)), expected, observed[:300], message)
        if found not in self.findings:
            self.findings.append(found)

    def check(self, holds: bool, id: str, severity: Severity, where: Iterable[str], *texts: str) -> bool:
        """Count a check that holds, or note what is wrong: expected, observed, message."""
        if holds:
            self.passes()
        else:
            expected, observed, message = texts
            self.add(id, severity, where, expected, observed, message)
        return holds

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)
