"""Room kept for the worst hour: given up when the disk is full, so that the log can say so."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_FILE, Disk, open_lock, try_lock

BALLAST = "ballast"
"""The folder below `run/`."""
MAX_BYTES = 16 << 20
_SHARE = 100
"""Of the free space at most one part in so many is kept back."""
_INODES = 16
_ROOM = 4
"""Inodes are taken only where so many times their number is free."""
_BLOCK = bytes(1 << 20)


@dataclass(slots=True)
class Ballast:
    """Files without use in `run/ballast`: one of up to 16 MiB, and some empty ones for their inodes."""

    folder: Path
    disk: Disk

    @property
    def is_there(self) -> bool:
        return (self.folder / "0").exists()

    def take(self) -> bool:
        """Take room if there is enough of it and none is taken; never raises. True if there is some now."""
        try:
            if self.is_there:
                return True
            lock = open_lock(self.folder.with_name("ballast.lock"))
        except OSError:
            return False
        try:
            # Of several processes one takes it; whoever drops it needs no lock.
            return try_lock(lock) and self._take()
        except OSError:
            self.drop()
            return False
        finally:
            os.close(lock)

    def _take(self) -> bool:
        if self.is_there:
            return True
        size = min(MAX_BYTES, shutil.disk_usage(self.folder.parent).free // _SHARE)
        room = os.statvfs(self.folder.parent)
        if size < 4096 or (room.f_files and room.f_favail < _ROOM * _INODES):
            return False
        self._fill(size)
        return True

    def drop(self) -> bool:
        """Give the room back; True if there was some. Of several processes one does."""
        found = False
        try:
            for path in sorted(self.folder.iterdir()):
                path.unlink(missing_ok=True)
                found = True
            self.folder.rmdir()
        except OSError:
            # Nothing was kept, or another process does the same.
            return found
        return found

    def _fill(self, size: int) -> None:
        self.folder.mkdir(exist_ok=True, mode=0o700)
        for number in range(1, _INODES):
            os.close(self.disk.create(self.folder / str(number), PRIVATE_FILE))
        fd = self.disk.create(self.folder / "0", PRIVATE_FILE)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, size)
            else:
                for _ in range(0, size, len(_BLOCK)):
                    self.disk.write_all(fd, _BLOCK)
        finally:
            os.close(fd)
