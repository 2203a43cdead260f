"""Check 8: a real file system without room, and one without inodes."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from process_support import wait_for
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.spool.ballast import Ballast

ORIGIN = "example.org/evidence"
AT = 1_795_413_803_799_141_015


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a small file system in memory."""
    mounts: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"small{len(mounts)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
        )
        if done.returncode:
            if os.environ.get("CI"):
                pytest.fail("a small file system cannot be mounted, and CI must try a full disk")
            pytest.skip("a file system can be mounted by root only")
        mounts.append(folder)
        return folder

    yield mount
    for folder in mounts:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65536, 512):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass


def append(log: EvidenceLog, count: int, start: int = 0) -> list[Any]:
    return [
        log.append(Draft(type="request", ref=f"r{number}", at=AT, seen={"path": "x" * 500}))
        for number in range(start, start + count)
    ]


def references(directory: Path) -> list[str]:
    return [str(record["ref"]) for record in show(directory) if record["type"] == "request"]


def gaps(directory: Path) -> list[Any]:
    return [record["seen"] for record in show(directory) if record["type"] == "gap"]


def test_a_full_disk_lets_every_answer_go_and_says_what_happened_once_there_is_room(
    small: Callable[[str], Path],
) -> None:
    folder = small("size=2m")
    at = prepare(folder / "evidence", ORIGIN)
    log = EvidenceLog(at, clients_per_minute=10**6)
    log.start()
    (first,) = append(log, 1)
    wait_for(lambda: first.is_durable, "not written")
    wait_for(lambda: (at.run / "ballast" / "0").exists(), "no room is kept back")

    fill(folder / "filler")
    receipts = append(log, 200, 1)
    wait_for(lambda: not any(receipt.is_pending for receipt in receipts), "an answer waits for a full disk")
    assert not any(receipt.is_durable for receipt in receipts[-100:])
    assert not (at.run / "ballast").exists()
    assert any("No space left" in reason for reason in log.health()["reasons"])  # type: ignore[attr-defined]

    (folder / "filler").unlink()
    (last,) = append(log, 1, 201)
    wait_for(lambda: last.is_durable, "the disk is back, and nothing is written")
    log.close()

    assert references(at.path) == [f"r{number}" for number in range(202)]
    told = gaps(at.path)
    assert {gap["reason"] for gap in told} == {"spool_fault", "disk_full"}
    assert sum(int(gap["late"]) for gap in told) == log.lost()["late"]
    assert sum(int(gap["lost"]) for gap in told) == 0
    assert audit.verify(at.path).problems == ()


def test_with_room_kept_back_a_full_disk_is_said_at_once_and_costs_nothing(
    small: Callable[[str], Path],
) -> None:
    folder = small("size=8m")
    at = prepare(folder / "evidence", ORIGIN)
    log = EvidenceLog(at, clients_per_minute=10**6)
    log.start()
    wait_for(lambda: (at.run / "ballast" / "0").exists(), "no room is kept back")

    fill(folder / "filler")
    (receipt,) = append(log, 1)
    # The spool's last page may have held it; the next ones cannot be held.
    more = append(log, 20, 1)
    wait_for(lambda: all(it.is_durable for it in (receipt, *more)), "the room kept back is not used")
    log.close()

    assert references(at.path) == [f"r{number}" for number in range(21)]
    assert [(gap["reason"], gap["cause"], gap["lost"], gap["late"]) for gap in gaps(at.path)] == [
        ("spool_fault", "disk_full", "0", "0")
    ]
    assert audit.verify(at.path).problems == ()


def test_without_inodes_a_writer_goes_on_and_a_new_one_waits(small: Callable[[str], Path]) -> None:
    folder = small("size=8m,nr_inodes=200")
    at = prepare(folder / "evidence", ORIGIN)
    log = EvidenceLog(at, clients_per_minute=10**6)
    log.start()
    (first,) = append(log, 1)
    wait_for(lambda: first.is_durable and (at.run / "ballast" / "0").exists(), "not written")

    taken = 0
    with contextlib.suppress(OSError):
        for taken in range(1000):
            (folder / str(taken)).touch()
    (second,) = append(log, 1, 1)
    wait_for(lambda: second.is_durable, "an open spool needs no inode")
    # Whoever seals gives the inodes up that were kept back; they are taken, too.
    wait_for(lambda: not (at.run / "ballast").exists(), "the inodes kept back are not given up")
    with contextlib.suppress(OSError):
        for taken in range(1000, 2000):
            (folder / str(taken)).touch()
    other = EvidenceLog(at, clients_per_minute=10**6)
    other.start()
    (third,) = append(other, 1, 2)
    wait_for(lambda: not third.is_pending, "an answer waits for inodes")
    assert not third.is_durable

    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    (fourth,) = append(other, 1, 3)
    wait_for(lambda: fourth.is_durable and third.is_durable, "there are inodes, and nothing is written")
    other.close()
    log.close()

    assert sorted(references(at.path)) == ["r0", "r1", "r2", "r3"]
    assert audit.verify(at.path).problems == ()


def test_room_is_kept_back_once_by_several_and_never_more_than_a_hundredth(
    small: Callable[[str], Path],
) -> None:
    folder = small("size=10m")
    kept = [Ballast(folder / "ballast", Disk()) for _ in range(8)]
    threads = [threading.Thread(target=ballast.take) for ballast in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (folder / "ballast" / "0").stat().st_blocks * 512 <= 10 * 2**20 // 100 + 4096
    assert len(list((folder / "ballast").iterdir())) == 16
    assert kept[0].take()
    assert kept[1].drop()
    assert not kept[0].drop()
    assert not (folder / "ballast").exists()


def test_where_there_is_no_room_to_keep_back_none_is_kept(small: Callable[[str], Path], disk: Any) -> None:
    assert not Ballast(small("size=300k") / "ballast", Disk()).take()
    assert not Ballast(small("size=8m,nr_inodes=60") / "ballast", Disk()).take()
    folder = small("size=8m")
    disk.fail("create", "ballast/0", code=errno.ENOSPC)
    assert not Ballast(folder / "ballast", disk).take()
    assert not (folder / "ballast").exists()
