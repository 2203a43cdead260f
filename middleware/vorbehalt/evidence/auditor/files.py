"""Reading of an evidence directory that may hold anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from vorbehalt.errors import TamperError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Files:
    """The files below one directory; `problem` is told what is no regular file."""

    directory: Path
    problem: Say

    def walk(self, top: str) -> Iterator[str]:
        """Yields the regular files below a folder as paths of the directory; others are problems.

        An empty `top` is the directory itself.
        """
        if top and (self.directory / top).is_symlink():
            self.problem(f"{top}: is a symbolic link")
            return
        pending = [top] if (self.directory / top).exists() else []
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(self.directory / folder) as found:
                    items = sorted(found, key=lambda item: item.name)
            except FileNotFoundError:
                continue  # a folder of partial tiles may go while the log grows
            except OSError as error:
                self.problem(f"{folder}: {why(error)}")
                continue
            for item in items:
                path = f"{folder}/{item.name}" if folder else item.name
                if item.is_symlink():
                    self.problem(f"{path}: is a symbolic link")
                elif item.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif item.is_file(follow_symlinks=False):
                    yield path
                else:
                    self.problem(f"{path}: is no regular file")

    def read(self, path: str, limit: int) -> bytes:
        """Returns the bytes of a regular file of at most `limit` bytes; raises OSError or TamperError."""
        full = self.directory / path
        status = full.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise TamperError("is no regular file")
        if status.st_size > limit:
            raise TamperError(f"has {status.st_size} bytes, at most {limit} are possible")
        return full.read_bytes()

    def digest(self, path: str) -> str:
        """Returns the SHA-256 hex of a file; raises OSError."""
        with (self.directory / path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()


def why(error: Exception) -> str:
    """Returns what an error means for the file it is about, without any path."""
    if isinstance(error, FileNotFoundError):
        return "missing"
    return f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
