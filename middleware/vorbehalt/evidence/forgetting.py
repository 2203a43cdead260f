"""How openings go for good: rows overwritten in place, keys destroyed. No proof is touched by either."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.frames import frame, scan_frames
from vorbehalt.evidence.vault import Keys, Row, parse_row


def erase_rows(path: Path, is_wanted: Callable[[Row], bool], disk: Disk | None = None) -> int:
    """Overwrite the wanted rows of a file with zeros, in place and durably; returns how many there were.

    The frame keeps its length, so that the file of a living writer may be erased in, too.
    """
    disk = disk or Disk()
    scan = scan_frames(path.read_bytes())
    erased = 0
    fd = os.open(path, os.O_WRONLY)
    try:
        for payload, end in zip(scan.payloads, scan.ends, strict=True):
            row = parse_row(payload)
            if row is not None and is_wanted(row):
                empty = frame(bytes(len(payload)))
                os.pwrite(fd, empty, end - len(empty))
                erased += 1
        if erased:
            disk.sync(fd)
    finally:
        os.close(fd)
    return erased


def erase_row(path: Path, sequence: int, disk: Disk | None = None) -> int:
    """Overwrite the rows of one record; returns how many there were."""
    return erase_rows(path, lambda row: row.sequence == sequence, disk)


def erase_day(directory: Path, day: str, retention: str, disk: Disk | None = None) -> int:
    """Overwrite all rows of one day and class; returns how many there were.

    The key stays: a writer of that day may be using it.
    """
    name = f"{day}.{retention}"
    rows = directory / "vault" / day
    if not rows.is_dir():
        return 0
    return sum(erase_rows(path, lambda row: row.key == name, disk) for path in sorted(rows.glob("*.rows")))


def destroy_day(directory: Path, day: str, retention: str, disk: Disk | None = None) -> bool:
    """Destroy the key of one day and retention class, and with it every opening; True if there was one.

    Its rows are overwritten first: under a later key of the same name they would look changed. When no key of
    the day is left, the files are removed as well.
    """
    disk = disk or Disk()
    erase_day(directory, day, retention, disk)
    found = Keys(directory, disk).destroy(f"day-{day}.{retention}")
    rows = directory / "vault" / day
    if found and not any((directory / "keys").glob(f"day-{day}.*.key")) and rows.is_dir():
        for path in rows.iterdir():
            path.unlink()
        rows.rmdir()
        disk.sync_directory(rows.parent)
    return found
