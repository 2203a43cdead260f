"""Content-addressed files: what a record names by its SHA-256, kept before the record that names it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.files import Disk, make_directories


class ObjectStore:
    """Files under `objects/sha256/<first two>/<hex>`; temporary files lie in `run/`."""

    def __init__(self, directory: Path, disk: Disk | None = None) -> None:
        self._root = directory / "objects" / "sha256"
        self._temporary = directory / "run"
        self._disk = disk or Disk()

    def path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest

    @staticmethod
    def digest(body: bytes) -> str:
        """Return the SHA-256 hex by which bytes are kept."""
        return hashlib.sha256(body).hexdigest()

    def put(self, body: bytes) -> str:
        """Keep bytes durably and return their SHA-256 hex; raises EvidenceError if the disk refuses."""
        digest = self.digest(body)
        path = self.path(digest)
        try:
            make_directories(path.parent, self._disk)
            if not self._disk.create_once(path, body, self._temporary):
                # Another process may have made it a moment ago and not yet synced the directory.
                self._disk.sync_directory(path.parent)
                _touch(path)
        except OSError as error:
            raise EvidenceError(f"object {digest} could not be kept: {error}") from error
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes of an object.

        Raises EvidenceError if it is not there, TamperError if its bytes do not have this digest.
        """
        try:
            body = self.path(digest).read_bytes()
        except OSError as error:
            raise EvidenceError(f"object {digest} cannot be read: {error}") from error
        if self.digest(body) != digest:
            raise TamperError(f"object {digest} was changed")
        return body


def _touch(path: Path) -> None:
    """Mark an object as wanted now: pruning leaves alone what was touched within a day."""
    with contextlib.suppress(PermissionError):  # another user's: its records are as old as that user's
        os.utime(path)
