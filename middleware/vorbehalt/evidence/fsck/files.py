"""Files around the log: temporary ones, who may read what, keys and what they open."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vorbehalt.evidence.files import is_abandoned, locked
from vorbehalt.evidence.fsck.found import Finding, Look
from vorbehalt.evidence.vault.holds import LOCK
from vorbehalt.evidence.vault.openings import HELD
from vorbehalt.evidence.vault.retention import day_keys

_TEMPORARY = re.compile(r"\..+\.tmp")
_PRIVATE = ("spool", "vault", "run")
_OPEN_DAYS = 2


def temporary_files(look: Look) -> Iterator[Finding]:
    """Yield drafts that never got their name: old, and locked by nobody."""
    for folder in _folders(look, "run", "spool", "vault", "keys", "log", "objects", "anchors"):
        for path in look.entries(folder):
            if _TEMPORARY.fullmatch(path.name) and path.is_file() and look.is_old(path) and _is_free(path):
                yield Finding("temporary", look.name(path))


def _is_free(path: Path) -> bool:
    try:
        return is_abandoned(path)
    except OSError:
        return False


def _folders(look: Look, *tops: str) -> Iterator[str]:
    """Yield folders in which drafts are made; tiles and objects have theirs in `run/`."""
    for top in tops:
        yield top
        if top == "vault":
            for path in look.entries(top):
                if path.is_dir():
                    yield look.name(path)


def permissions(look: Look) -> Iterator[Finding]:
    """Yield what others than its owner may read: keys by anybody else, the rest by more than its group."""
    keys = look.directory / "keys"
    for path in [keys, *look.entries("keys")] if keys.is_dir() else ():
        mode = _mode(path)
        if mode is not None and mode & 0o077:
            yield Finding("key-open", look.name(path), f"mode {mode:04o}")
        elif mode is not None and not mode & 0o400:
            yield Finding("key-shut", look.name(path), f"mode {mode:04o}")
    for top in _PRIVATE:
        # Below a folder that is closed nobody reads anything.
        mode = _mode(look.directory / top)
        if mode is not None and mode & 0o007:
            yield Finding("private-open", top, f"mode {mode:04o}")


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:
        return None


def keys_and_days(look: Look) -> Iterator[Finding]:
    """Yield keys of days that have no rows. The days that may still be written to are passed over."""
    today = datetime.fromtimestamp(look.now // 10**9, UTC).date()
    first_open = (today - timedelta(days=_OPEN_DAYS)).isoformat()
    names = {path.stem: path for path in look.entries("keys") if path.suffix == ".key"}
    for day, kind in day_keys(names):
        path = names[f"day-{day}.{kind}"]
        rows = look.entries(f"vault/{day}")
        if day < first_open and look.is_old(path) and not rows and look.may_read("vault"):
            yield Finding("key-without-day", look.name(path))


def held_rows(look: Look) -> Iterator[Finding]:
    """Yield holds without their key, and those that have only one half of what makes a hold."""
    with ExitStack() as held:
        lock = look.directory / "run" / LOCK
        if lock.exists():
            # Whoever begins or ends a hold has this lock, and makes one half before the other.
            held.enter_context(locked(lock, shared=True))
        matters = {path.name: path for path in look.entries(f"vault/{HELD}") if path.is_dir()}
        for matter, path in matters.items():
            has_key = (look.directory / "keys" / f"hold-{matter}.key").exists()
            if not (path / "hold.json").exists():
                yield Finding("hold-unfinished", look.name(path), "without hold.json")
            elif not has_key and any(path.glob("*.rows")):
                yield Finding("hold-without-key", look.name(path), f"keys/hold-{matter}.key is missing")
            elif not has_key:
                yield Finding("hold-unfinished", look.name(path), "without key and rows")
        for path in look.entries("keys") if look.may_read("vault") else ():
            matter = path.stem.removeprefix("hold-")
            if path.suffix == ".key" and path.stem.startswith("hold-") and matter not in matters:
                yield Finding("hold-unfinished", look.name(path), "a key without a hold")
