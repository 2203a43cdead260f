"""Who was told what, shared by all workers and kept over restarts: one file that lines are appended to.

The file is worker state, not evidence: the log holds a record of every fetch. It is there so that a record
can say at once what a crawler was told before. What cannot be trusted is not believed: where the file is
gone, or holds a line that cannot be read, observation begins anew, and every later "none since" says so.

Appending takes the lock shared, replacing the file takes it alone; reading takes none.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_DIRECTORY, PRIVATE_FILE, Disk, locked
from vorbehalt.evidence.history.told import Fetch, Hosts, HostTold, bounded, filled, noted, observed
from vorbehalt.evidence.history.told_lines import FetchLine, Key, SinceLine, after, read_lines

log = logging.getLogger("vorbehalt")

NAME = "told"
MAX_BYTES = 1 << 20
"""A file that has grown beyond this is written anew with the last fetches only."""
MAX_KEYS = 65_536
_READ_AT_MOST = 64 << 20
_SECOND = 10**9


class Told:
    """What is known of fetches, in memory and (with a directory) in a file. Times are arguments.

    `hosts` is one immutable value, replaced when something changes: reading it needs no lock. `directory`
    None keeps everything in this process.
    """

    def __init__(
        self,
        directory: Path | None,
        *,
        disk: Disk | None = None,
        max_bytes: int = MAX_BYTES,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self.hosts: Hosts = {}
        self.skipped = 0
        """Lines that could not be read; they stand for fetches that are not known any more."""
        self.problem = ""
        """Why the file is not what it should be, in words; empty while it is."""
        self._logged = ""
        self._path = None if directory is None else directory / NAME
        self._disk = disk or Disk()
        self._max_bytes = self._limit = max_bytes
        self._max_keys = max_keys
        self._pending: dict[Key, FetchLine] = {}
        self._written: dict[Key, Fetch] = {}
        self._says_since = False
        self._place = (0, 0, 0)
        """Device and inode of the file that was read, and up to where."""
        self._renew_locks()

    def _renew_locks(self) -> None:
        self._lock = threading.Lock()
        """For what is in memory; never held while the disk is asked."""
        self._disk_lock = threading.Lock()

    def forked(self) -> None:
        """In the child of a fork: whatever held a lock is in the parent."""
        self._renew_locks()

    def open(self, hosts: Iterable[str], now: int) -> None:
        """Read what other workers and earlier runs know, and observe exactly these hosts. Never raises."""
        names = tuple(hosts)
        if self._path is not None:
            with self._disk_lock, self._guarded():
                self._read_again(self._path, now, names)
        self.observe(names, now)
        self.flush()

    def observe(self, hosts: Iterable[str], now: int) -> None:
        """Observe exactly these hosts from now on, those known already since they were; `flush` writes it."""
        with self._lock:
            since = {host: known.since for host, known in self.hosts.items()}
            wanted = {host: since.get(host, now) for host in hosts}
            if wanted != since:
                self.hosts = observed(self.hosts, wanted)
                self._says_since = True

    def note(self, line: FetchLine) -> bool:
        """Take a fetch into account; True if it waits for `flush`. At most one a second of the same kind."""
        with self._lock:
            self.hosts = noted(self.hosts, line.host, line.token, line.path, line.fetch)
            if self._path is None or line.host not in self.hosts:
                return False
            before = self._written.get(line.key)
            if (
                before is not None
                and before.version == line.fetch.version
                and 0 <= line.fetch.at - before.at < _SECOND
            ):
                return False
            self._written[line.key] = line.fetch
            self._pending[line.key] = line
            return True

    def flush(self) -> None:
        """Make durable what waits, one write for all; blocks on the disk. Never raises: the rest waits on."""
        path = self._path
        if path is None:
            return
        with self._disk_lock, self._guarded():
            with self._lock:
                pending, self._pending = self._pending, {}
                says_since, self._says_since = self._says_since, False
                lines = [self._since().encode()] if says_since else []
            lines += [line.encode() for line in pending.values()]
            if not lines:
                return
            try:
                self._append(path, b"".join(lines))
            except OSError:
                with self._lock:
                    self._pending = {**pending, **self._pending}
                    self._says_since |= says_since
                raise

    def poll(self, now: int) -> bool:
        """Take over what other workers wrote since, keep the file small; True if something is new.

        Blocks on the disk. Never raises.
        """
        before = self.hosts
        self.flush()
        if self._path is not None:
            with self._disk_lock, self._guarded():
                if not self._read_on(self._path, now):
                    self._read_again(self._path, now)
        with self._lock:
            self.hosts = bounded(self.hosts, self._max_keys)
            if len(self._written) > 2 * self._max_keys:
                self._written.clear()
        return self.hosts is not before

    def _append(self, path: Path, data: bytes) -> None:
        with locked(_lock_of(path), shared=True):
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
            try:
                end = os.fstat(fd).st_size
                # What a dead worker left unfinished must not swallow the next line.
                whole = not end or os.pread(fd, 1, end - 1) == b"\n"
                self._disk.write_all(fd, data if whole else b"\n" + data)
                self._disk.sync(fd)
            finally:
                os.close(fd)

    def _read_on(self, path: Path, now: int) -> bool:
        """Read what was appended; False if the file is another, is damaged or has grown too large."""
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            *identity, offset = self._place
            if [status.st_dev, status.st_ino] != identity or not offset <= status.st_size <= self._limit:
                return False
            file.seek(offset)
            data = file.read(self._limit)
        complete = data[: data.rfind(b"\n") + 1]
        lines, bad = read_lines(complete, now)
        if bad:
            return False
        self._place = (status.st_dev, status.st_ino, offset + len(complete))
        if lines:
            with self._lock:
                self.hosts = after(self.hosts, lines)
        return True

    def _read_again(self, path: Path, now: int, names: tuple[str, ...] = ()) -> None:
        """Read the whole file, alone; write it anew where it is missing, damaged or large.

        `names` are the hosts to observe where the file says of none.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        with locked(_lock_of(path)):
            try:
                with open(path, "rb") as file:
                    data: bytes | None = file.read(_READ_AT_MOST + 1)
            except FileNotFoundError:
                data = None
            read, bad = _whole(data, now)
            if bad or data is None:
                self._begin_anew(path, read, bad, now, names or tuple(self.hosts))
            else:
                self._merge(read)
            if bad or data is None or len(data) > self._limit:
                self._write_anew(path)
            status = os.stat(path)
            self._place = (status.st_dev, status.st_ino, status.st_size)
            self._limit = max(self._max_bytes, 2 * status.st_size)

    def _begin_anew(self, path: Path, read: Hosts, bad: int, now: int, names: tuple[str, ...]) -> None:
        self.skipped += bad
        if bad or self.hosts:
            what = f"{bad} of its lines cannot be read" if bad else "it is gone"
            log.warning("observation of what crawlers fetch begins anew: %s: %s", path, what)
        with self._lock:
            known = filled({host: HostTold(now) for host in names}, _fetches(read))
            self.hosts = filled(known, _fetches(self.hosts))

    def _merge(self, read: Hosts) -> None:
        """Know what was read and what is known here; hosts and beginnings are those of the file."""
        with self._lock:
            since = {
                host: max(known.since, self.hosts[host].since if host in self.hosts else 0)
                for host, known in read.items()
            }
            self.hosts = filled(observed(read, since), _fetches(self.hosts))

    def _write_anew(self, path: Path) -> None:
        with self._lock:
            self.hosts = bounded(self.hosts, self._max_keys)
            lines = [self._since().encode()]
            lines += [FetchLine(*entry).encode() for entry in _fetches(self.hosts)]
        self._disk.replace(path, b"".join(lines), path.parent, PRIVATE_FILE)

    def _since(self) -> SinceLine:
        return SinceLine({host: known.since for host, known in self.hosts.items()})

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """What the disk refuses is said once and tried again; what is in memory goes on."""
        try:
            yield
        except OSError as error:
            text = f"who was told what cannot be kept in {self._path}: {error.strerror or error}"
            if self._logged != text:
                log.error("%s", text)
            self.problem = self._logged = text
        else:
            if not self._pending and not self._says_since:
                self.problem = ""


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _whole(data: bytes | None, now: int) -> tuple[Hosts, int]:
    """Read a whole file: what it says, and how many lines cannot be read.

    Of a damaged file the fetches are believed that can be read, and nothing about when observation began.
    """
    if data is None:
        return {}, 0
    lines, bad = read_lines(data, now)
    if (
        len(data) > _READ_AT_MOST
        or not data.endswith(b"\n")
        or not (lines and isinstance(lines[0], SinceLine))
    ):
        # Alone with the file: what is unfinished here is so for ever.
        bad = bad or 1
    if bad:
        fetches = [line for line in lines if isinstance(line, FetchLine)]
        hosts = {line.host: HostTold(now) for line in fetches}
        return filled(hosts, (line.entry for line in fetches)), bad
    return after({}, lines), 0


def _fetches(hosts: Mapping[str, HostTold]) -> Iterator[tuple[str, str, str, Fetch]]:
    for host, known in hosts.items():
        for token, path, last in known.everything():
            for fetch in last.fetches:
                yield host, token, path, fetch
