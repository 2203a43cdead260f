"""The live site: its health, and the `probe` for headers and documents that do not arrive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from vorbehalt.cli.doctor.found import Check, error, ok, warning
from vorbehalt.probe.asking import Asker, normal_url
from vorbehalt.probe.finding import Finding
from vorbehalt.probe.gather import UnreachableError
from vorbehalt.probe.run import probe
from vorbehalt.settings import Settings

_HEALTH_PATH = "/.vorbehalt/health"
_REMEDIES = {
    "headers": "a proxy or CDN drops them: see docs/probe.md for the setting that keeps them",
    "cache": "let the cache keep nothing of ours longer than it says, and purge it",
    "refusal": "a refusal carries Cache-Control: no-store; let the cache obey it",
    "document": "let the proxy pass the signal documents on to us",
    "robots": "switch off what rewrites robots.txt on the way, or serve ours",
}


def look(url: str, settings: Settings, user_agent: str) -> list[Check]:
    """Ask a live site. Raises ValueError for a URL that cannot be asked."""
    parts = urlsplit(normal_url(url))
    health = _health(f"{parts.scheme}://{parts.netloc}{_HEALTH_PATH}", Asker(user_agent))
    try:
        report = probe(url, Asker(user_agent), settings.rules_documents, settings.registry, settings)
    except UnreachableError as failure:
        return [
            error("live-site", f"{url} does not answer: {failure}", "is it running, and is this its URL?")
        ]
    found = [*health, *(from_finding(finding) for finding in report.ledger.findings)]
    return [*found, ok("live-site", f"{report.checks['passed']} checks of the probe passed")]


def from_finding(finding: Finding) -> Check:
    """Return a finding of the probe as a check."""
    where = ", ".join(finding.where[:3])
    remedy = _REMEDIES.get(finding.id.partition("-")[0], f"expected: {finding.expected}")
    return Check(
        f"probe-{finding.id}", finding.severity, f"{finding.message} ({where}): {finding.observed}", remedy
    )


def from_health(value: Any) -> list[Check]:
    """Return the reasons of a health page as checks; anything else is no health page of ours."""
    if not isinstance(value, Mapping) or value.get("state") not in ("green", "yellow", "red"):
        return [
            warning(
                "live-health",
                f"{_HEALTH_PATH} is not ours",
                "let the proxy pass on /.vorbehalt/ to us, or ignore this where it must not be public",
            )
        ]
    reasons = value.get("reasons")
    texts = [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    make = error if value["state"] == "red" else warning
    found = [make("live-health", text, "see docs/operation.md, health") for text in texts]
    return found or [ok("live-health", "the health is green")]


def _health(url: str, asker: Asker) -> list[Check]:
    exchange = asker.ask(url, "other")
    try:
        return from_health(json.loads(exchange.body if exchange else b""))
    except ValueError:
        return from_health(None)
