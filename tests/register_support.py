"""An evidence log with traffic of an operator, and letters to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vorbehalt.claims.register import Register, register_of
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


WRITTEN: dict[str, object] = {
    "step": "written", "letter": "2026-0001", "number": 0, "operator": "OpenAI", "kind": "inquiry",
    "language": "en", "date": "2026-11-20", "due": "2026-12-10", "digest": "ab" * 32,
    "approved_by": "Jane Counsel", "to": "OpenAI Ireland Ltd", "about": "", "hold": "", "no_hold": "test",
}  # fmt: skip


def leaf(at: Any = TODAY, **seen: Any) -> dict[str, Any]:
    return {"type": "notice", "at": str(at), "seen": seen}


def step(name: str, number: int, date: str, at: int = TODAY, **more: object) -> dict[str, Any]:
    return leaf(at, step=name, letter="2026-0001", number=number, date=date, **more)


def register(*leaves: Mapping[str, object]) -> Register:
    return register_of(enumerate((leaf(**WRITTEN), *leaves)))


def one(*leaves: Mapping[str, object]) -> Any:
    (letter,) = register(*leaves).letters
    return letter
