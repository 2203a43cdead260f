"""The counts of a writer survive its death, whenever that comes: what is missing is named exactly."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from process_support import wait_for
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import Disk, is_abandoned
from vorbehalt.evidence.leaf.budget import Budget
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.spool.counts import PAGE_BYTES, Counts, Kept, read_counts
from vorbehalt.evidence.spool.spool import WriterFiles, boot_mark
from vorbehalt.evidence.vault.vault import Keys, Sealer
from vorbehalt.evidence.writing.inbox import Inbox
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.writer import Writer

AT = 1_795_413_803_799_141_015
MINUTE = 60 * 10**9
WRITER = f"00000000000000aa-{boot_mark()}-1"


class Killed(BaseException):
    """What SIGKILL is to a process: nothing of it runs any more."""


class DyingDisk(Disk):
    """Kills at the n-th call; a write that it kills has written half."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def _live(self) -> bool:
        self.left -= 1
        return self.left > 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if not self._live():
            os.write(fd, bytes(data[: len(data) * 2 // 3]))
            raise Killed
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        super().sync(fd)
        if not self._live():
            raise Killed

    def create(self, path: Path, mode: int) -> int:
        if not self._live():
            raise Killed
        return super().create(path, mode)


class Life:
    """One writer with its inbox, without a thread, that counts for itself what it was given and has made."""

    def __init__(self, home: Path, disk: Disk) -> None:
        self.home = home
        self.counts = Counts()
        self.losses = Losses()
        self.inbox = Inbox(self.losses, Budget(), lambda: AT, self.counts)
        self.files = WriterFiles(home, WRITER, disk)
        self.writer = Writer(
            self.files, Sealer(Keys(home)), self.losses, lambda: AT, {"version": "1"}, self.counts
        )
        self.inbox.keep_counts(home / "spool", WRITER, Disk())
        self.offered = self.visited = self.own = 0
        build = self.writer._build

        def counting(draft: Draft, receipt: Any) -> str:
            self.own += receipt is None
            return build(draft, receipt)

        self.writer._build = counting  # type: ignore[method-assign]

    def offer(self, count: int, **seen: object) -> None:
        for _ in range(count):
            self.offered += 1
            self.inbox.offer(Draft(type="request", ref="", at=AT, seen={"path": "/", **seen}))

    def visit(self, count: int, minute: int) -> None:
        for _ in range(count):
            self.visited += 1
            self.inbox.count(("a", str(self.visited % 3)), AT + minute * MINUTE, 1)

    def commit(self) -> None:
        jobs, _ = self.inbox.take(lambda: True)
        self.writer.commit(jobs)

    def live(self) -> None:
        """Records, a full queue, visits of two minutes, records that cannot be leaves."""
        self.offer(3)
        self.commit()
        self.visit(5, 0)
        self.offer(3)
        self.offer(1, objects="no digests")
        self.offer(4)
        self.commit()
        self.visit(2, 1)
        self.offer(2, objects="no digests")
        self.commit()
        self.offer(4)

    def die(self) -> None:
        self.files.close()
        self.counts._release()


def gaps(directory: EvidenceDirectory) -> list[Any]:
    return [record["seen"] for record in show(directory.path) if record["type"] == "gap"]


@pytest.mark.parametrize("calls", range(1, 16))
def test_whenever_a_writer_is_killed_the_gap_record_says_exactly_what_is_missing(
    directory: EvidenceDirectory, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.writing.inbox.QUEUE_RECORDS", 5)
    life = Life(directory.path, DyingDisk(calls))
    with contextlib.suppress(Killed):
        life.live()
    life.die()
    seal_once(directory.path)

    leaves = [record for record in show(directory.path) if record["w"] == WRITER]
    seen: list[Any] = [record["seen"] for record in leaves]
    told = sum(
        int(item["lost"]) for item, record in zip(seen, leaves, strict=True) if record["type"] == "gap"
    )
    rolled = sum(int(row["count"]) for item in seen for row in item.get("rows", ()))
    (gap,) = [item for item in gaps(directory) if item["reason"] == "unclean_end"]
    assert (int(gap["lost"]), int(gap["visits"])) == (
        life.offered + life.own - len(leaves) - told,
        life.visited - rolled,
    )
    assert gap["last"] == (str(len(leaves) - 1) if leaves else "none")
    assert audit.verify(directory.path).problems == ()
    assert not list((directory.path / "spool").glob("*.counts"))
    assert not list((directory.path / "spool").glob("*.spool"))


def test_nothing_is_lost_after_the_last_call(directory: EvidenceDirectory) -> None:
    disk = DyingDisk(10**6)
    Life(directory.path, disk).live()
    assert 10**6 - disk.left < 16, "the range above reaches past the end"


def test_a_writer_that_closes_leaves_no_page_and_no_gap(directory: EvidenceDirectory) -> None:
    life = Life(directory.path, Disk())
    life.live()
    life.inbox.close()
    while True:
        jobs, is_last = life.inbox.take(lambda: True)
        life.writer.commit(jobs)
        if is_last:
            break
    life.writer.close()
    seal_once(directory.path)

    assert not list((directory.path / "spool").glob("*.counts"))
    assert {gap["reason"] for gap in gaps(directory)} == {"malformed"}


def test_who_never_could_write_is_told_of_by_the_next(directory: EvidenceDirectory, disk: Any) -> None:
    disk.fail("create", ".spool", times=1000, code=errno.ENOSPC)
    life = Life(directory.path, disk)
    life.offer(3)
    life.commit()
    life.writer.close()
    seal_once(directory.path)

    (gap,) = gaps(directory)
    # Three requests, and the two records with which a writer begins and ends.
    assert (gap["writer"], gap["last"], gap["lost"]) == (WRITER, "none", "5")


def test_a_page_that_cannot_be_made_costs_nothing_but_the_number(
    directory: EvidenceDirectory, disk: Any
) -> None:
    disk.fail("create", ".counts", times=10, code=errno.ENOSPC)
    log = EvidenceLog(directory, disk=disk)
    log.start()
    receipt = log.append(Draft(type="request", ref="", at=AT, seen={}))
    wait_for(lambda: receipt.is_durable, "not written")
    log.close()

    assert [r["type"] for r in show(directory.path)] == ["writer-open", "request", "writer-close"]


def test_after_a_restart_of_the_machine_nobody_claims_to_know_the_number(
    directory: EvidenceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(directory.path, Disk())
    life.live()
    life.die()
    monkeypatch.setattr("vorbehalt.evidence.spool.unclean.boot_mark", lambda: "anothers")
    seal_once(directory.path)

    (gap,) = [item for item in gaps(directory) if item["reason"] == "unclean_end"]
    assert (gap["lost"], "visits" in gap) == ("unknown", False)


@pytest.mark.parametrize("data", [b"", bytes(PAGE_BYTES), b"\xff" * PAGE_BYTES, bytes(10)])
def test_what_is_no_page_is_not_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "one.counts").write_bytes(data)
    assert read_counts(tmp_path / "one.counts") is None


def test_a_plan_counts_only_if_the_spool_has_reached_it(tmp_path: Path) -> None:
    counts = Counts()
    counts.adopt(counts.create(tmp_path, WRITER, Disk()))
    counts.plan(Kept(3, 1, 10))
    counts.done()
    counts.plan(Kept(5, 2, 30))
    counts.close(is_settled=False)

    left = read_counts(tmp_path / f"{WRITER}.counts")
    assert left is not None
    assert [left.at(leaves) for leaves in (3, 4, 5)] == [Kept(3, 1, 10), None, Kept(5, 2, 30)]


FORKED = """\
import os, sys, time
from pathlib import Path
from vorbehalt.evidence.directory import open_directory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft

log = EvidenceLog(open_directory(Path(sys.argv[1])), seals=False)
log.start()
receipt = log.append(Draft(type="request", ref="", at=time.time_ns(), seen={}))
while not receipt.is_durable:
    time.sleep(0.01)
if os.fork() == 0:
    receipt = log.append(Draft(type="request", ref="", at=time.time_ns(), seen={}))
    while not receipt.is_durable:
        time.sleep(0.01)
    print(log.writer_id, flush=True)
    time.sleep(60)
print(log.writer_id, flush=True)
time.sleep(60)
"""


def test_a_forked_child_holds_neither_page_nor_lock_of_its_parent(directory: EvidenceDirectory) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(directory.path)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    names = {parent.stdout.readline().decode().strip() for _ in range(2)}
    folder = directory.path / "spool"
    assert {path.name for path in folder.glob("*.counts")} == {f"{name}.counts" for name in names}
    mine = next(name for name in names if name.endswith(f"-{parent.pid}"))
    (child,) = names - {mine}
    try:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
        assert {name: is_abandoned(folder / f"{name}.counts") for name in names} == {mine: True, child: False}
        assert is_abandoned(directory.path / "spool" / f"{mine}.0.spool")
    finally:
        os.kill(int(child.rpartition("-")[2]), signal.SIGKILL)
        parent.communicate(timeout=10)
