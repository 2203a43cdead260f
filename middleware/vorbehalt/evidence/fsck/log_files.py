"""The log's own files: tiles that are no longer needed, and what the sealer remembers of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.files import is_abandoned
from vorbehalt.evidence.fsck.found import Finding, Look
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.reading.scan import living_writers
from vorbehalt.evidence.spool.spool import SPOOL_NAME
from vorbehalt.evidence.spool.state import leftover_entries, load_state
from vorbehalt.evidence.tlog.tiles import ENTRIES, WIDTH, bundle_name, parse_tile_path, read_entries

SEALER_LOCK = "sealer.lock"
STATE = "run/state.json"


def partial_tiles(look: Look) -> Iterator[Finding]:
    """Yield shorter versions of tiles and bundles whose full one is under the checkpoint, and old enough."""
    log = look.directory / "log"
    size = open_log(look.directory)[1].size
    for folder in _partial_folders(log / "tile"):
        full = folder.with_suffix("")
        name = parse_tile_path(full.relative_to(log).as_posix())
        if name is None or (name.index + 1) * WIDTH > size >> (8 * max(name.level, 0)):
            continue
        # The sealer clears them right after it has signed: what it has not cleared by now stays.
        if not look.is_old(full):
            continue
        try:
            whole, parts = full.read_bytes(), sorted(folder.iterdir())
        except FileNotFoundError:
            continue
        for path in parts:
            if not whole.startswith(path.read_bytes()):
                yield Finding("partial-differs", look.name(path))
            else:
                yield Finding("partial-bundle" if name.level == ENTRIES else "partial-tile", look.name(path))


def _partial_folders(top: Path) -> Iterator[Path]:
    pending = [top]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as found:
                folders = sorted(item.path for item in found if item.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            continue
        for path in folders:
            if path.endswith(".p"):
                yield Path(path)
            else:
                pending.append(Path(path))


def sealer_state(look: Look) -> Iterator[Finding]:
    """Compare what the sealer remembers with what is signed.

    In this order nothing at work looks wrong: the state is saved before the checkpoint, behind its entries.
    """
    signed = open_log(look.directory)[1]
    path = look.directory / STATE
    try:
        path.read_bytes()
    except FileNotFoundError:
        return  # made with the next sealing
    state = load_state(path)
    if state is None:
        if look.is_old(path):
            yield Finding("state-unreadable", STATE)
        return
    if state.size < signed.size:
        yield Finding("state-behind", STATE, f"{state.size} of {signed.size} records")
    elif state.size == signed.size:
        if state.root != signed.root:
            yield Finding("state-other-root", STATE, f"at size {signed.size}")
    elif not _has_entries(look.directory, state.size):
        yield Finding("state-cut", STATE, f"{state.size} records are remembered, {signed.size} are signed")


def _has_entries(directory: Path, size: int) -> bool:
    try:
        read_entries(lambda path: (directory / "log" / path).read_bytes(), bundle_name(size - 1, size))
    except (OSError, TamperError):
        return False
    return True


def is_sealing(directory: Path) -> bool:
    """True if some process holds the sealer's lock, or if that cannot be asked."""
    try:
        return not is_abandoned(directory / "run" / SEALER_LOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def waiting(look: Look) -> Iterator[Finding]:
    """Yield what waits to be sealed where nobody is there who would; nothing while a process runs."""
    directory = look.directory
    if is_sealing(directory) or living_writers(directory):
        return
    try:
        size = open_log(directory)[1].size
        behind = len(leftover_entries(directory / "log", size))
        stopped = not is_sealing(directory) and open_log(directory)[1].size == size
    except (OSError, EvidenceError):
        return  # verify names it
    if behind and stopped:
        yield Finding("unsigned", "log/tile/entries", f"{behind} records behind {size}")
    for path in look.entries("spool"):
        if (SPOOL_NAME.fullmatch(path.name) or path.suffix == ".counts") and look.is_old(path):
            yield Finding("unsealed", look.name(path))
