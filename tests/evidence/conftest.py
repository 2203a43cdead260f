"""What the evidence tests share: drafts of records, a disk that fails on command, a prepared directory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vorbehalt.evidence.directory import EvidenceDirectory, prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.leaf.record import seen_headers
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft, RecordType

ORIGIN = "example.org/evidence"
AT = 1_795_413_803_799_141_015  # 2026-11-23
Drafts = Callable[..., Draft]


@pytest.fixture
def make_draft() -> Drafts:
    """Return a function that makes a record as the engine does."""

    def make(
        number: int = 0,
        *,
        kind: RecordType = "request",
        address: str = "203.0.113.77",
        client: str | None = None,
        operator: str = "OpenAI",
        at: int = AT,
        amount: int = 0,
        **seen: object,
    ) -> Draft:
        headers = ((b"user-agent", b"GPTBot/1.2"), (b"accept", b"*/*"), (b"cookie", b"session=secret"))
        return Draft(
            type=kind,
            ref=f"ref-{number}",
            at=at,
            seen={"host": "example.org", "path": "/songs", "headers": seen_headers(headers), **seen},
            private={"address": address.encode(), "chain": address.encode()} if address else {},
            client=address if client is None else client,
            operator=operator,
            rollup=("example.org", "GPTBot", operator, "training"),
            amount=amount,
        )

    return make


class FaultyDisk(Disk):
    """A disk on which single calls fail, chosen by the name of the call and of the file."""

    def __init__(self) -> None:
        self.faults: dict[tuple[str, str], list[int]] = {}
        self.calls: list[tuple[str, str]] = []
        self.short = 0

    def fail(self, call: str, name: str, *, times: int = 1, code: int = errno.EIO) -> None:
        """Let the next calls fail on files whose path contains `name`."""
        self.faults.setdefault((call, name), []).extend([code] * times)

    def heal(self) -> None:
        self.faults.clear()

    def _pass(self, call: str, path: str) -> None:
        self.calls.append((call, path))
        for (wanted, name), codes in self.faults.items():
            if wanted == call and name in path and codes:
                code = codes.pop()
                raise OSError(code, os.strerror(code), path)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._pass("write", os.readlink(f"/proc/self/fd/{fd}"))
        if self.short:
            return super().write(fd, bytes(data[: self.short]))
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._pass("sync", os.readlink(f"/proc/self/fd/{fd}"))
        super().sync(fd)

    def create(self, path: Path, mode: int) -> int:
        self._pass("create", str(path))
        return super().create(path, mode)

    def replace(self, path: Path, data: bytes, temporary: Path, mode: int = 0o644) -> None:
        self._pass("replace", str(path))
        super().replace(path, data, temporary, mode)


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def directory(tmp_path: Path) -> EvidenceDirectory:
    return prepare(tmp_path / "evidence", ORIGIN)


@pytest.fixture
def make_log(directory: EvidenceDirectory) -> Iterator[Callable[..., EvidenceLog]]:
    """Return a function that opens the log of the directory; every log is closed at the end."""
    logs: list[EvidenceLog] = []

    def make(**options: object) -> EvidenceLog:
        log = EvidenceLog(directory, {"version": "0.1.0"}, **options)  # type: ignore[arg-type]
        logs.append(log)
        return log

    yield make
    for log in logs:
        log.close()
