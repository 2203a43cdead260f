"""The file by which `pause` and `spare` reach every process: whole or not there, one writer at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from vorbehalt.errors import StoreError
from vorbehalt.policy.overrides import NOTHING, Overrides
from vorbehalt.policy.overrides_text import MAX_BYTES, decode, encode

NAME: Final = "overrides.json"
_FILE_MODE = 0o600

Stamp = tuple[int, int, int] | None
"""What tells one version of the file from another; None: there is no file."""


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of the file; raises StoreError if that cannot be told."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    return status.st_mtime_ns, status.st_size, status.st_ino


def read(path: Path) -> Overrides:
    """Return what the file says, nothing if there is none; raises StoreError if it is damaged."""
    try:
        with path.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return decode(body)
    except StoreError as error:
        raise StoreError(f"{path} is damaged: {error}; move it away and give the command again") from None


def change(path: Path, how: Callable[[Overrides], Overrides]) -> Overrides:
    """Replace the file by what `how` makes of it, durably; returns that. Raises StoreError.

    The file belongs to the owner of its directory where the caller may choose: root, whose file no server
    could read otherwise.
    """
    try:
        owner = _make_directory(path.parent)
        with _locked(path.with_suffix(".lock"), owner):
            after = how(read(path))
            _replace(path, encode(after), owner)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    return after


def _make_directory(directory: Path) -> os.stat_result:
    """Make what is missing of a directory, for the owner of what is there."""
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    owner = directory.stat()
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another process was faster
            each.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(each, owner.st_uid, owner.st_gid)
    return owner


@contextlib.contextmanager
def _locked(path: Path, owner: os.stat_result) -> Iterator[None]:
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _FILE_MODE)
    try:
        _give(fd, owner)
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _replace(path: Path, body: bytes, owner: os.stat_result) -> None:
    fd, draft = tempfile.mkstemp(prefix=f".{NAME}.", dir=path.parent)
    try:
        with open(fd, "wb") as opened:
            _give(fd, owner)
            opened.write(body)
            opened.flush()
            os.fsync(fd)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _give(fd: int, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.fchown(fd, owner.st_uid, owner.st_gid)
