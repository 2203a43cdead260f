"""Files that are whole or not there: durable writes, atomic replacement, private keys, locks."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # refused with a sentence by `directory.prepare`
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk without room, or without inodes."""
PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
PUBLIC_FILE = 0o644

Pause = Callable[[], None]
"""Called now and then in long work: beside a running site it sleeps, so that others get their turn."""


def no_pause() -> None:
    """Go on at once."""


class Disk:
    """The calls by which evidence reaches the disk; a test replaces single ones to let them fail."""

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Make the data of a file durable (fdatasync; on macOS F_FULLFSYNC, where fsync is not enough)."""
        if hasattr(fcntl, "F_FULLFSYNC"):
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(fd)

    def create(self, path: Path, mode: int) -> int:
        # In a folder that its group may change, somebody else seals: what is written there is for both.
        mode |= (path.parent.stat().st_mode & 0o020) << 1
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, mode)

    def sync_directory(self, path: Path) -> None:
        """Make creations, renames and removals in a directory durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, path: Path) -> None:
        """Remove a file; durable once its directory is synced."""
        path.unlink(missing_ok=True)

    def write_all(self, fd: int, data: bytes) -> None:
        """Write all bytes; a short write is carried on, never taken for success."""
        view = memoryview(data)
        while view:
            view = view[self.write(fd, view) :]

    def replace(self, path: Path, data: bytes, temporary: Path, mode: int = PUBLIC_FILE) -> None:
        """Put a whole, durable file at `path`; its temporary lies in `temporary` (same file system)."""
        draft = self._draft(data, temporary, mode)
        try:
            os.replace(draft, path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        self.sync_directory(path.parent)

    def create_once(self, path: Path, data: bytes, temporary: Path, mode: int = PUBLIC_FILE) -> bool:
        """Put a whole, durable file at `path` unless there is one; True if this call made it.

        A hard link cannot overwrite, so that of several processes exactly one wins.
        """
        if path.exists():
            return False
        draft = self._draft(data, temporary, mode)
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        self.sync_directory(path.parent)
        return True

    def _draft(self, data: bytes, temporary: Path, mode: int) -> Path:
        draft = temporary / f".{secrets.token_hex(8)}.tmp"
        fd = self.create(draft, mode)
        try:
            self.write_all(fd, data)
            self.sync(fd)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        return draft


def try_lock(fd: int) -> bool:
    """Take an exclusive flock without waiting; False if somebody else holds one."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(path: Path) -> int:
    """Open (and create) a lock file."""
    return os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE)


@contextlib.contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a flock on `path`, waiting for it: alone, or shared with others that share it."""
    fd = open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_abandoned(path: Path) -> bool:
    """True if no process holds a flock on the file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return try_lock(fd)
    finally:
        os.close(fd)


def make_directories(path: Path, disk: Disk) -> None:
    """Create missing directories up to `path` and make each entry durable."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for item in reversed(missing):
        item.mkdir(exist_ok=True)
        disk.sync_directory(item.parent)
