"""How openings go for good: rows overwritten in place, keys destroyed. No proof is touched by either."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from vorbehalt.evidence.files import Disk, Pause, no_pause
from vorbehalt.evidence.frames import MAX_FRAME_BYTES, frame, scan_frames
from vorbehalt.evidence.vault.vault import Keys, Row, parse_row

_BLOCK_BYTES = 2 * MAX_FRAME_BYTES


def erase_rows(
    path: Path, is_wanted: Callable[[Row], bool], disk: Disk | None = None, pause: Pause = no_pause
) -> int:
    """Overwrite the wanted rows of a file with zeros, in place and durably; returns how many there were.

    The frame keeps its length, so that the file of a living writer may be erased in, too. `pause` is called
    between blocks: a thread that computes holds back all others of its process.
    """
    disk = disk or Disk()
    erased = at = 0
    with path.open("r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while at < size:
            data = os.pread(file.fileno(), _BLOCK_BYTES, at)
            scan = scan_frames(data)
            if not scan.end:
                break  # the torn end of a crash, or of a writer at work
            for payload, end in zip(scan.payloads, scan.ends, strict=True):
                row = parse_row(payload)
                if row is not None and is_wanted(row):
                    empty = frame(bytes(len(payload)))
                    os.pwrite(file.fileno(), empty, at + end - len(empty))
                    erased += 1
            at += scan.end
            pause()
        if erased:
            disk.sync(file.fileno())
    return erased


def erase_day(
    directory: Path, day: str, retention: str, disk: Disk | None = None, pause: Pause = no_pause
) -> int:
    """Overwrite all rows of one day and class; returns how many there were.

    The key stays: a writer of that day may be using it.
    """
    name = f"{day}.{retention}"
    rows = directory / "vault" / day
    if not rows.is_dir():
        return 0
    return sum(
        erase_rows(path, lambda row: row.key == name, disk, pause) for path in sorted(rows.glob("*.rows"))
    )


def destroy_day(
    directory: Path, day: str, retention: str, disk: Disk | None = None, pause: Pause = no_pause
) -> bool:
    """Destroy the key of one day and retention class, and with it every opening; True if there was one.

    Its rows are overwritten first: under a later key of the same name they would look changed. When no key of
    the day is left, the files are removed as well.
    """
    disk = disk or Disk()
    erase_day(directory, day, retention, disk, pause)
    found = Keys(directory, disk).destroy(f"day-{day}.{retention}")
    rows = directory / "vault" / day
    if found and not any((directory / "keys").glob(f"day-{day}.*.key")) and rows.is_dir():
        for path in rows.iterdir():
            path.unlink()
        rows.rmdir()
        disk.sync_directory(rows.parent)
    return found
