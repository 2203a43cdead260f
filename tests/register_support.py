"""An evidence log with traffic of an operator, and letters to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vorbehalt.claims.register_entry import NewLetter
from vorbehalt.evidence.log import EvidenceLog, prepare
from vorbehalt.evidence.receipt import Draft

DAY = 86_400 * 10**9
TODAY = 20_783 * DAY + 10 * 3_600 * 10**9
"""2026-11-26, ten o'clock."""


def new_letter(operator: str = "OpenAI", **changed: Any) -> NewLetter:
    usual: dict[str, Any] = {
        "kind": "declaration", "language": "de", "date": "2026-11-20", "due": "2026-12-10",
        "approved_by": "Jane Counsel", "text": b"We reserve.",
    }  # fmt: skip
    return NewLetter(operator, **{**usual, **changed})


def request(
    ref: str, at: int, operator: str = "OpenAI", standing: str = "verified", token: str = "GPTBot"
) -> list[Draft]:
    """A request that was delivered whole, from an address of its own."""
    claim = {"token": token, "operator": operator, "standing": standing}
    seen: dict[str, object] = {
        "host": "label.example", "method": "GET", "path": "/songs/1", "claim": claim, "work": "own:1",
        "decision": {"action": "allow"},
    }  # fmt: skip
    end: dict[str, object] = {
        "of": ref, "claim": claim, "status": 200, "bytes": 100, "whole": True, "delivered": True,
    }  # fmt: skip
    private = {"address": f"203.0.113.{sum(ref.encode()) % 200}".encode()}
    return [Draft("request", ref, at, seen, private), Draft("completion", ref, at + 10**9, end)]


def evidence_with(directory: Path, drafts: Iterable[Draft] = (), key: Path | None = None) -> Path:
    """Begin a log with these records, sealed."""
    log = EvidenceLog(prepare(directory, "label.example/evidence", key=key))
    log.start()
    for draft in drafts:
        log.append(draft)
    log.close(30)
    return directory
