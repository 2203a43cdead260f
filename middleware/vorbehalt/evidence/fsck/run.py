"""Looking at all of it, and repairing what loses nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import Disk, open_lock, try_lock
from vorbehalt.evidence.fsck.files import held_rows, keys_and_days, permissions, temporary_files
from vorbehalt.evidence.fsck.found import Finding, Look
from vorbehalt.evidence.fsck.log_files import SEALER_LOCK, partial_tiles, sealer_state, waiting
from vorbehalt.evidence.fsck.named import unnamed
from vorbehalt.evidence.receipt import Draft

_CHECKS: tuple[Callable[[Look], Iterator[Finding]], ...] = (
    permissions,
    held_rows,
    keys_and_days,
    sealer_state,
    partial_tiles,
    waiting,
    temporary_files,
    unnamed,
)


def look_at(directory: Path, now: int) -> list[Finding]:
    """Return what is found; `now` is nanoseconds UTC. Changes nothing.

    What this user may not read is named. Raises EvidenceError if there is no log, or it cannot be read.
    """
    look = Look(directory, now)
    found: list[Finding] = []
    for check in _CHECKS:
        try:
            found += check(look)
        except PermissionError as error:
            if not isinstance(error.filename, str):
                raise
            look.closed.add(look.name(Path(error.filename)))
    return found + [Finding("not-looked-at", name) for name in sorted(look.closed)]


def repair(directory: Path, now: int, disk: Disk | None = None) -> list[Finding]:
    """Do what loses nothing, and return what was done: remove what is temporary or held by something else,
    close what others could read. No record is touched.

    Raises EvidenceError while another process seals, which it does as long as it runs.
    """
    disk = disk or Disk()
    fd = open_lock(directory / "run" / SEALER_LOCK)
    try:
        if not try_lock(fd):
            raise EvidenceError(
                f"another process is sealing {directory}, as a running site does: stop it, and repair then"
            )
        done = [found for found in look_at(directory, now) if found.kind.is_repaired]
        for found in done:
            _repair(directory / found.path, found, disk)
    finally:
        os.close(fd)
    return done


def _repair(path: Path, found: Finding, disk: Disk) -> None:
    if found.name in ("key-open", "key-shut"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    elif found.name == "private-open":
        path.chmod(path.stat().st_mode & 0o770)
    else:
        path.unlink()
        disk.sync_directory(path.parent)
        if found.name == "partial-tile" and not any(path.parent.iterdir()):
            path.parent.rmdir()


def repair_draft(done: Sequence[Finding], at: int) -> Draft:
    """Return the record of a repair: how many of which kind; `at` is nanoseconds UTC."""
    counts = Counter(found.name for found in done)
    return Draft(type="repair", ref="", at=at, seen={"repaired": dict(sorted(counts.items()))})
