"""Append-only files of one writer: the spool, and the vault's row files. Opened in the writer thread."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_FILE, Disk, make_directories, try_lock

WRITER_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}-[0-9]+")
SPOOL_NAME = re.compile(rf"({WRITER_ID.pattern})\.([0-9]+)\.spool")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def new_writer_id(random: bytes, pid: int) -> str:
    """Return the id of a new writer from 8 random bytes, a hash of the boot id and the process id.

    No host name: it would say where the log was written to everybody who reads a leaf.
    """
    return f"{random[:8].hex()}-{boot_mark()}-{pid}"


def boot_mark() -> str:
    """Return what stands in a writer id for the time since the machine was started."""
    try:
        boot = _BOOT_ID.read_bytes()
    except OSError:
        boot = b""
    return hashlib.sha256(b"vb-boot-v1" + boot).hexdigest()[:8]


@dataclass(slots=True)
class AppendFile:
    """One file that only grows; durable up to the last `sync`. `is_proven`: a sync has succeeded."""

    path: Path
    fd: int
    disk: Disk
    is_proven: bool = False

    @classmethod
    def create(cls, path: Path, disk: Disk, *, lock: bool) -> AppendFile:
        """Create a file that no other process has, under its final name only once it is locked."""
        draft = path.with_name(f".{path.name}.tmp")
        fd = disk.create(draft, PRIVATE_FILE)
        try:
            if lock and not try_lock(fd):
                raise OSError(f"{draft} is locked by another process")
            # A sealer takes an unlocked spool for that of a dead writer: the lock comes before the name.
            os.rename(draft, path)
            disk.sync_directory(path.parent)
        except OSError:
            os.close(fd)
            draft.unlink(missing_ok=True)
            raise
        return cls(path, fd, disk)

    def append(self, data: bytes) -> None:
        self.disk.write_all(self.fd, data)

    def sync(self) -> None:
        self.disk.sync(self.fd)
        self.is_proven = True

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def abandon(self) -> None:
        """Close after a fault. A file of which nothing is known to be durable is removed."""
        self.close()
        if not self.is_proven:
            try:
                self.path.unlink(missing_ok=True)
            except OSError:
                # It stays as a file with a torn end, which readers set aside.
                return


@dataclass(slots=True)
class WriterFiles:
    """The spool and the row files of one writer.

    A fault (OSError) is final for a file: after it the kernel may hold lost pages for clean, so that a second
    sync would lie. `abandon` drops all files; the next `store` opens new ones. A spool keeps its lock until
    the next one is there: at no moment may a living writer look dead, or its rewritten records would be
    sealed twice.
    """

    directory: Path
    writer: str
    disk: Disk
    _spool: AppendFile | None = None
    _rows: dict[str, AppendFile] = field(default_factory=dict)
    _retired: list[AppendFile] = field(default_factory=list)
    _spools: int = 0
    _row_files: int = 0

    def store(self, payloads: bytes, rows: dict[str, bytes]) -> None:
        """Append framed rows (by day) and framed leaves, durable in this order; raises OSError."""
        if len(self._rows) > 2:
            # Records of two days meet around midnight; whatever else is open is of the past.
            for day in self._rows.keys() - rows.keys():
                self._rows.pop(day).close()
        for day, data in rows.items():
            self._row_file(day).append(data)
        for day in rows:
            self._row_file(day).sync()
        if self._spool is None:
            path = self.directory / "spool" / f"{self.writer}.{self._spools}.spool"
            self._spools += 1
            self._spool = AppendFile.create(path, self.disk, lock=True)
            for old in self._retired:
                old.abandon()
            self._retired.clear()
        self._spool.append(payloads)
        self._spool.sync()

    def _row_file(self, day: str) -> AppendFile:
        found = self._rows.get(day)
        if found is None:
            folder = self.directory / "vault" / day
            make_directories(folder, self.disk)
            path = folder / f"{self.writer}.{self._row_files}.rows"
            self._row_files += 1
            found = self._rows[day] = AppendFile.create(path, self.disk, lock=False)
        return found

    def abandon(self) -> None:
        for file in self._rows.values():
            file.abandon()
        self._rows.clear()
        if self._spool is not None:
            self._retired.append(self._spool)
            self._spool = None

    def close(self) -> None:
        """Close all files; closing releases the lock, by which others know that this writer is gone."""
        for file in self._open_files():
            file.close()
        self._rows.clear()
        self._retired.clear()
        self._spool = None

    def descriptors(self) -> list[int]:
        """The open file descriptors, which a forked child must close."""
        return [file.fd for file in self._open_files() if file.fd >= 0]

    def _open_files(self) -> list[AppendFile]:
        return [*self._rows.values(), *self._retired, *([self._spool] if self._spool else [])]
