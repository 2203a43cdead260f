"""How fetched lists lie on disk: the list in force, every snapshot, and an index of all attempts.

`LIST.json` is the list in force in the form of `rules/ranges/`; `snapshots/LIST/DIGEST` the same for every
document ever fetched, under the SHA-256 of its raw bytes; `index.jsonl` has a line for each attempt.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from vorbehalt.errors import RulesError, VorbehaltError
from vorbehalt.identify.networks import RangeList

try:
    import fcntl
except ImportError:  # without locks two processes may fetch the same list twice, which harms nobody
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("vorbehalt.lookups")

Outcome = Literal["updated", "unchanged", "held", "failed"]
GOOD: Final = ("updated", "unchanged")

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIRECTORY_MODE: Final = 0o755
_FILE_MODE: Final = 0o644


class RangesBusyError(VorbehaltError):
    """Another process is refreshing the same directory."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the index. `fetched_at` is nanoseconds UTC, `digest` SHA-256 hex of the bytes fetched."""

    list: str
    fetched_at: int
    outcome: Outcome
    digest: str = ""
    etag: str = ""
    prefixes: int = 0
    source_url: str = ""
    reason: str = ""


def is_list_name(name: str) -> bool:
    """True if a list's name may be a file name."""
    return _NAME.fullmatch(name) is not None


class RangeFiles:
    """The directory of fetched lists. Every write is whole or not there, and durable before it counts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.index = directory / "index.jsonl"

    def keep(self, body: bytes) -> str:
        """Keep raw bytes where there is no evidence to keep them; return their SHA-256 hex."""
        digest = hashlib.sha256(body).hexdigest()
        self._write(self.directory / "objects" / "sha256" / digest[:2] / digest, body)
        return digest

    def put(self, name: str, digest: str, document: Mapping[str, object]) -> None:
        """Keep a snapshot and put it in force."""
        body = encode(document)
        snapshot = self._snapshot(name, digest)
        if not snapshot.exists():
            self._write(snapshot, body)
        self._write(self.directory / f"{name}.json", body)

    def in_force(self, name: str) -> bytes | None:
        """Return the list that was last put in force; None if there is none."""
        try:
            return (self.directory / f"{name}.json").read_bytes()
        except FileNotFoundError:
            return None

    def snapshot(self, name: str, digest: str) -> bytes | None:
        """Return a kept snapshot in the form of the rules; None if there is none."""
        if not _DIGEST.fullmatch(digest):
            return None
        try:
            return self._snapshot(name, digest).read_bytes()
        except FileNotFoundError:
            return None

    def note(self, attempts: Sequence[Attempt]) -> None:
        """Add lines to the index."""
        if not attempts:
            return
        text = "".join(json.dumps(asdict(attempt)) + "\n" for attempt in attempts)
        _make(self.directory)
        fd = os.open(self.index, os.O_CREAT | os.O_RDWR | os.O_APPEND, _FILE_MODE)
        try:
            # A line that a crash cut off must not swallow the next one.
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            _write_all(fd, (b"\n" if torn else b"") + text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)

    def attempts(self) -> Iterator[Attempt]:
        """Yield the lines of the index, oldest first; a torn or foreign line is passed over and said."""
        try:
            lines = self.index.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                attempt = Attempt(**json.loads(line))
                if not is_list_name(attempt.list) or not isinstance(attempt.fetched_at, int):
                    raise ValueError("malformed")
            except (ValueError, TypeError, RecursionError) as error:
                log.warning("%s:%d: passed over, it is no attempt: %s", self.index, number, error)
                continue
            yield attempt

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other processes. Raises RangesBusyError if one holds it."""
        _make(self.directory)
        fd = os.open(self.directory / "refresh.lock", os.O_CREAT | os.O_RDWR, _FILE_MODE)
        try:
            if fcntl is not None:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise RangesBusyError(
                        f"another process is refreshing the lists in {self.directory}"
                    ) from None
            for leftover in self.directory.rglob(".*.tmp"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            os.close(fd)

    def _snapshot(self, name: str, digest: str) -> Path:
        return self.directory / "snapshots" / name / digest

    def _write(self, path: Path, body: bytes) -> None:
        _make(path.parent)
        draft = path.parent / f".{secrets.token_hex(8)}.tmp"
        fd = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE)
        try:
            try:
                _write_all(fd, body)
                os.fsync(fd)
            finally:
                os.close(fd)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync(path.parent)


def document_of(
    name: str, source_url: str, basis: str, fetched_at: int, digest: str, prefixes: Iterable[str]
) -> dict[str, object]:
    """Return a list in the form of `rules/ranges/`, with the digest of the bytes it was read from."""
    moment = utc(fetched_at)
    return {
        "creationTime": moment,
        "list": name,
        "source_url": source_url,
        "fetched_at": moment,
        "basis": basis,
        "object": digest,
        "prefixes": [{"ipv6Prefix" if ":" in prefix else "ipv4Prefix": prefix} for prefix in prefixes],
    }


def read_list(name: str, body: bytes, fetched_at: int | None = None) -> RangeList:
    """Read a list in force or a snapshot; its digest is that of the bytes as fetched. Raises RulesError."""
    found = RangeList.from_document(name, body)
    document = json.loads(body)
    kept = document.get("object")
    if isinstance(kept, str) and _DIGEST.fullmatch(kept):
        found = replace(found, digest=kept)
    return found if fetched_at is None else replace(found, fetched_at=fetched_at)


def prefixes_of(body: bytes) -> tuple[str, ...]:
    """Return the prefixes of a list that `read_list` reads."""
    rows: list[dict[str, str]] = json.loads(body)["prefixes"]
    return tuple(text for row in rows for text in row.values())


def current_lists(shipped: Mapping[str, RangeList], directory: Path | None) -> dict[str, RangeList]:
    """Return each shipped list, or what was fetched of it since; never an older one or from elsewhere.

    A fetched list that cannot be read is passed over and logged: the shipped one stays.
    """
    lists = dict(shipped)
    if directory is None:
        return lists
    files = RangeFiles(directory)
    for name, old in shipped.items():
        if not is_list_name(name):
            continue
        try:
            body = files.in_force(name)
            found = read_list(name, body) if body is not None else None
        except (OSError, RulesError) as error:
            log.warning("the fetched list %s cannot be used: %s", name, error)
            continue
        if found and found.source_url == old.source_url and found.fetched_at > old.fetched_at:
            lists[name] = found
    return lists


def lists_at(
    directory: Path | None, at_ns: int, shipped: Mapping[str, RangeList] | None = None
) -> dict[str, RangeList]:
    """Return of each list the snapshot fetched nearest in time to `at_ns` (nanoseconds UTC).

    `shipped` are lists that count as snapshots too. A snapshot confirmed unchanged counts for each time.
    """
    lists = dict(shipped or {})
    if directory is None:
        return lists
    files = RangeFiles(directory)
    nearest: dict[str, Attempt] = {}
    for attempt in files.attempts():
        if attempt.outcome not in GOOD:
            continue
        known = nearest.get(attempt.list)
        if known is None or abs(at_ns - attempt.fetched_at) < abs(at_ns - known.fetched_at):
            nearest[attempt.list] = attempt
    for name, attempt in nearest.items():
        old = lists.get(name)
        if old is not None and abs(at_ns - old.fetched_at) <= abs(at_ns - attempt.fetched_at):
            continue
        try:
            body = files.snapshot(name, attempt.digest)
            if body is None:
                raise RulesError(f"snapshot {attempt.digest} of list {name} is gone")
            lists[name] = read_list(name, body, attempt.fetched_at)
        except (OSError, RulesError) as error:
            log.warning("a kept list cannot be used: %s", error)
    return lists


def encode(document: Mapping[str, object]) -> bytes:
    """Return a document as bytes, one prefix a line."""
    return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()


def utc(at_ns: int) -> str:
    """Return nanoseconds UTC as text in whole seconds, rounded down: no list looks younger than it is."""
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Keep = Callable[[bytes], str]


def _make(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=_DIRECTORY_MODE)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
