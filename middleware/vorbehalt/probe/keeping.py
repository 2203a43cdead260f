"""Keeps a probe in the evidence: the WARC as an object, and a `self_probe` record that names it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.receipt import Draft, RecordType
from vorbehalt.probe.report import Report
from vorbehalt.settings import Settings

RECORD_TYPE: RecordType = "self_probe"
_DURABLE_SECONDS = 10.0


def keeps_evidence(settings: Settings) -> bool:
    """True if a configuration keeps its evidence in a directory."""
    return settings.evidence.directory not in ("off", "memory:")


def knows_document(settings: Settings, digest: str) -> bool:
    """True if the evidence holds an object with this SHA-256: what is served was in force once."""
    return keeps_evidence(settings) and ObjectStore(Path(settings.evidence.directory)).path(digest).is_file()


def keep(
    settings: Settings,
    report: Report,
    warc: bytes,
    *,
    reference: str,
    opening: dict[str, object],
    software: str,
) -> dict[str, object]:
    """Keep the exchange and the record durably; a server may be writing to the same directory meanwhile.

    Returns the public form of the record. Raises EvidenceError, PlatformError.
    """
    evidence = open_evidence(settings.evidence.directory, settings.evidence.origin, opening)
    try:
        evidence.start()
        digest = evidence.put_object(warc)
        seen = seen_of(report, digest, software)
        draft = Draft(type=RECORD_TYPE, ref=reference, at=report.started_at, seen=seen)
        receipt = evidence.append(draft)
        if not asyncio.run(receipt.durable(_DURABLE_SECONDS)):
            raise EvidenceError(
                f"the record of this probe could not be written to {settings.evidence.directory}"
            )
    finally:
        evidence.close()
    return {"ref": reference, "type": RECORD_TYPE, "directory": settings.evidence.directory, "object": digest}


def seen_of(report: Report, digest: str, software: str) -> dict[str, object]:
    """Return what the record says: what was asked, when, what came of it, and where the exchange lies."""
    expected = report.gathered.expected
    return {
        "url": report.url,
        "software": software,
        "user_agent": report.user_agent,
        "started": str(report.started_at),
        "ended": str(report.ended_at),
        "ok": report.ok,
        "requests": len(report.gathered.exchanges),
        "checks": report.checks,
        "findings": _findings(report),
        "signals": expected.digest if expected else "",
        "warc": digest,
        "objects": [digest],
    }


def _findings(report: Report) -> Sequence[dict[str, object]]:
    return [
        {"id": finding.id, "severity": finding.severity, "where": list(finding.where[:10])}
        for finding in report.ledger.findings[:50]
    ]
