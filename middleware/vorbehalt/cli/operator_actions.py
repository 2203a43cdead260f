"""What `pause` and `spare` share: durations, the file that all processes watch, records of what was done."""

from __future__ import annotations

import asyncio
import codecs
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from vorbehalt.cli.output import note, quoted
from vorbehalt.edge.announcing import opening_of
from vorbehalt.edge.overriding import SPARES_KEY
from vorbehalt.errors import EvidenceError, StoreError
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.vault import Keys
from vorbehalt.policy.overrides import Overrides, Overriding
from vorbehalt.policy.overrides_text import MAX_REASON
from vorbehalt.settings import Settings
from vorbehalt.settings.values import seconds_of
from vorbehalt.stores import overrides_file

MAX_SECONDS = 100 * 366 * 86_400
_DURABLE_SECONDS = 10.0


def until(text: str, now: int, hint: str = "--for") -> int:
    """Return when a duration from now on ends (nanoseconds UTC); raises typer.BadParameter."""
    seconds = seconds_of(text)
    if seconds is None or not 0 < seconds <= MAX_SECONDS:
        raise typer.BadParameter(
            f'{quoted(text)} is no duration; write it like "30min", "2h" or "30d"', param_hint=hint
        )
    return now + round(seconds * 1e9)


def checked_reason(text: str) -> str:
    """Return the sentence of whoever acts; raises typer.BadParameter if it is too long or no plain text."""
    if len(text) > MAX_REASON or not text.isprintable():
        raise typer.BadParameter(
            f"a reason is one line of at most {MAX_REASON} characters", param_hint="--reason"
        )
    return text


def file_of(settings: Settings) -> Path:
    """Return the file that every process of this site watches; raises StoreError where there is none."""
    if settings.overrides_file is None:
        raise StoreError(
            "its processes share no directory: set state.directory, or keep evidence in a directory"
        )
    return settings.overrides_file


def change(settings: Settings, how: Callable[[Overrides], Overrides]) -> Overrides:
    """Change what is paused and who is spared; what has run out is dropped. Raises StoreError."""
    now = time.time_ns()
    return overrides_file.change(file_of(settings), lambda before: how(before.living(now)))


def overriding_of(settings: Settings) -> Overriding:
    """Return what a running process would go by; a damaged file is said and counts as none."""
    if settings.overrides_file is None:
        return Overriding()
    try:
        overrides = overrides_file.read(settings.overrides_file)
    except StoreError as error:
        note(f"without pauses and spares: {error}")
        return Overriding()
    key = None
    if overrides.spares and not settings.evidence.is_kept_nowhere:
        try:
            key = Keys(Path(settings.evidence.directory)).get(SPARES_KEY)
        except (OSError, EvidenceError) as error:
            note(f"without spares: their key cannot be read: {error}")
    return Overriding(overrides, key)


def record(settings: Settings, drafts: Sequence[Draft]) -> None:
    """Keep records durably; a server may be writing to the same directory. Raises EvidenceError."""
    evidence = open_evidence(settings.evidence.directory, settings.evidence.origin, opening_of(settings))
    try:
        evidence.start()
        receipts = [evidence.append(draft) for draft in drafts]

        async def all_durable() -> bool:
            return all([await receipt.durable(_DURABLE_SECONDS) for receipt in receipts])

        if not asyncio.run(all_durable()):
            raise EvidenceError(f"the record could not be written to {settings.evidence.directory}")
    finally:
        evidence.close()


def become_owner(directory: Path) -> None:
    """As root, go on as the owner of a directory: no server could read what root leaves there."""
    if os.geteuid() != 0:
        return
    owner = directory.stat()
    if owner.st_uid == 0:
        return
    # Python may lie where only root reads: what it would load later is loaded now.
    for encoding in ("ascii", "latin-1", "utf-8"):
        codecs.lookup(encoding)
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
