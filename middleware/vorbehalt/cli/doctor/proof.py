"""The evidence: keys, the end of the log, what waits to be sealed, what was lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vorbehalt.cli.doctor.found import Check, error, ok, warning
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.directory import open_directory
from vorbehalt.evidence.reading.query import Filters, open_log, prove, show
from vorbehalt.evidence.reading.scan import is_all_sealed, living_writers

TAIL = 2_000
PROVEN = 64
_STALE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of a log. `tail` are its last records, oldest first; ages are seconds."""

    size: int
    tail: tuple[dict[str, Any], ...]
    writers: int
    is_all_sealed: bool
    checkpoint_age: float
    has_signer: bool
    problem: str = ""
    """What of the log does not hold or cannot be read."""


def look(directory: Path, now: int) -> Proof | None:
    """Read the end of a log and prove its last records; None where there is no log yet."""
    try:
        if not (directory / "log" / "vkey").is_file():
            return None
        opened = open_directory(directory)
        size = open_log(directory)[1].size
        for index in range(max(0, size - PROVEN), size):
            prove(directory, index)
        tail = tuple(_tail(directory, size))
    except (EvidenceError, OSError) as failure:
        return Proof(0, (), 0, True, 0.0, True, str(failure))
    return Proof(
        size=size,
        tail=tail,
        writers=len(living_writers(directory)),
        is_all_sealed=is_all_sealed(directory),
        checkpoint_age=now / 1e9 - (directory / "log" / "checkpoint").stat().st_mtime,
        has_signer=opened.signer is not None,
    )


def _tail(directory: Path, size: int) -> Iterator[dict[str, Any]]:
    return show(directory, Filters(start=max(0, size - TAIL)))


def check_proof(proof: Proof | None) -> list[Check]:
    """Say whether the log is whole at its end and grows."""
    if proof is None:
        return [ok("evidence-log", "there is no log yet; the start makes it")]
    if proof.problem:
        remedy = "run vorbehalt evidence verify, and see docs/evidence.md"
        return [error("evidence-log", proof.problem, remedy)]
    found = [
        ok(
            "evidence-log",
            f"{proof.size} records; the last {min(proof.size, PROVEN)} are proven by the checkpoint",
        )
    ]
    if proof.is_all_sealed:
        pass
    elif not proof.writers:
        found.append(
            warning(
                "evidence-sealing",
                "records wait to be sealed, and no process runs",
                "start the server, or run vorbehalt evidence seal",
            )
        )
    elif proof.checkpoint_age > _STALE_SECONDS:
        found.append(
            error(
                "evidence-sealing",
                f"records wait to be sealed, and the last checkpoint is {proof.checkpoint_age:.0f} s old",
                "look into /.vorbehalt/health for the reason"
                if proof.has_signer
                else "the signing key is not here: run vorbehalt evidence seal as its owner",
            )
        )
    gaps = sum(record["type"] == "gap" for record in proof.tail)
    if gaps:
        found.append(
            warning(
                "evidence-gaps",
                f"{gaps} of the last {len(proof.tail)} records say that records were lost",
                "vorbehalt evidence show DIR --type gap names reason and time; look at the disk",
            )
        )
    return found
