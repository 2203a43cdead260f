"""What was acknowledged is on disk; a fault costs nothing that memory can hold, and never goes unsaid."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import Disk, is_abandoned
from vorbehalt.evidence.frames import MAX_FRAME_BYTES, frame, join_frames, scan_frames
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.spool.spool import SPOOL_NAME, WRITER_ID, AppendFile, WriterFiles, new_writer_id
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.vault.vault import Keys, Sealer, read_rows
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.receipts import SpoolReceipt
from vorbehalt.evidence.writing.writer import Writer

AT = 1_795_413_803_799_141_015
WRITER = "0123456789abcdef-00000000-1"
Drafts = Callable[..., Draft]


class Desk:
    """A writer without its thread."""

    def __init__(self, home: Path, disk: Disk) -> None:
        self.home = home
        self.losses = Losses()
        self.files = WriterFiles(home, WRITER, disk)
        sealer = Sealer(Keys(home, disk))
        self.writer = Writer(self.files, sealer, self.losses, lambda: AT, {"version": "0.1.0"})

    def write(self, *drafts: Draft) -> list[SpoolReceipt]:
        receipts = [SpoolReceipt(self.losses, draft.type, draft.at) for draft in drafts]
        self.writer.commit(list(zip(drafts, receipts, strict=True)))
        return receipts

    def spools(self) -> list[Path]:
        return sorted((self.home / "spool").glob("*.spool"))

    def leaves(self) -> list[dict[str, Any]]:
        """The leaves of all spools as a sealer reads them: in order of file, each number once."""
        found: dict[int, bytes] = {}
        for path in self.spools():
            for payload in scan_frames(path.read_bytes()).payloads:
                number: Any = decode_leaf(payload)["s"]
                assert found.setdefault(number, payload) == payload
        return [decode_leaf(found[number]) for number in sorted(found)]


@pytest.fixture
def desk(directory: EvidenceDirectory, disk: Any) -> Desk:
    return Desk(directory.path, disk)


def test_the_first_record_opens_and_the_last_closes_and_all_are_chained(
    desk: Desk, make_draft: Drafts
) -> None:
    desk.write(make_draft(1), make_draft(2))
    desk.write(make_draft(3))
    desk.writer.close()

    leaves = desk.leaves()
    assert [leaf["type"] for leaf in leaves] == ["writer-open", *["request"] * 3, "writer-close"]
    assert [leaf["s"] for leaf in leaves] == [0, 1, 2, 3, 4]
    assert leaves[0]["seen"] == {"version": "0.1.0"}
    assert leaves[-1]["seen"] == {"count": "4"}
    payloads = scan_frames(desk.spools()[0].read_bytes()).payloads
    assert [leaf["p"] for leaf in leaves] == [
        "",
        *[hashlib.sha256(item).hexdigest() for item in payloads[:-1]],
    ]
    assert desk.writer.written == {"writer-open": 1, "request": 3, "writer-close": 1}


def test_a_batch_costs_one_sync_of_the_spool_and_openings_are_durable_first(
    desk: Desk, disk: Any, make_draft: Drafts
) -> None:
    desk.write(make_draft(0))
    disk.calls.clear()
    desk.write(*(make_draft(number) for number in range(50)))

    names = [(call, Path(path).suffix) for call, path in disk.calls]
    assert names == [("write", ".rows"), ("sync", ".rows"), ("write", ".spool"), ("sync", ".spool")]


def test_every_row_of_the_vault_belongs_to_a_leaf(desk: Desk, make_draft: Drafts) -> None:
    desk.write(make_draft(1), make_draft(2, address=""), make_draft(3))

    (path,) = (desk.home / "vault" / "2026-11-23").iterdir()
    assert [row.sequence for row in read_rows(path)] == [1, 3]
    assert [leaf["s"] for leaf in desk.leaves() if "private" in leaf] == [1, 3]


def test_records_around_midnight_go_to_the_vault_of_their_day(desk: Desk, make_draft: Drafts) -> None:
    day = 86_400 * 10**9
    desk.write(*(make_draft(number, at=AT + number * day) for number in range(5)))
    desk.write(make_draft(9, at=AT))

    assert sorted(path.name for path in (desk.home / "vault").iterdir()) == [
        f"2026-11-{n}" for n in range(23, 28)
    ]
    assert len(desk.leaves()) == 7


def test_short_writes_are_carried_on(desk: Desk, disk: Any, make_draft: Drafts) -> None:
    disk.short = 7
    (receipt,) = desk.write(make_draft(1))

    assert receipt.is_durable
    assert [leaf["s"] for leaf in desk.leaves()] == [0, 1]


@pytest.mark.parametrize(
    ("call", "name"), [("sync", ".spool"), ("write", ".spool"), ("sync", ".rows"), ("write", ".rows")]
)
def test_a_failed_write_or_sync_is_final_for_the_file_and_costs_no_record(
    desk: Desk, disk: Any, make_draft: Drafts, call: str, name: str
) -> None:
    desk.write(make_draft(1))
    disk.fail(call, name)
    disk.calls.clear()
    (receipt,) = desk.write(make_draft(2))

    assert receipt.is_durable
    assert len([path for found, path in disk.calls if found == "sync" and path.endswith(".0.spool")]) <= 1
    leaves = desk.leaves()
    assert [leaf["type"] for leaf in leaves] == ["writer-open", "request", "request", "gap"]
    assert leaves[-1]["seen"] == {
        "reason": "spool_fault",
        "cause": "disk_error",
        "lost": "0",
        "late": "0",
        "first_at": str(AT),
        "last_at": str(AT),
    }
    assert [SPOOL_NAME.fullmatch(path.name)[2] for path in desk.spools()] == ["0", "1"]  # type: ignore[index]
    assert desk.losses.totals() == {}


def test_a_full_disk_refuses_nobody_and_the_records_follow_when_there_is_room(
    desk: Desk, disk: Any, make_draft: Drafts
) -> None:
    desk.write(make_draft(1))
    disk.fail("write", "/spool/", times=100, code=errno.ENOSPC)
    receipts = desk.write(make_draft(2), make_draft(3))
    receipts += desk.write(make_draft(4))

    assert not any(receipt.is_durable for receipt in receipts)
    assert desk.writer.fault.startswith("evidence cannot be written: No space left")
    assert desk.losses.totals() == {"late": 3}

    disk.heal()
    (later,) = desk.write(make_draft(5))
    assert later.is_durable
    assert all(receipt.is_durable for receipt in receipts)
    assert desk.writer.fault == ""
    leaves = desk.leaves()
    assert [leaf["s"] for leaf in leaves] == list(range(len(leaves)))
    assert [leaf["ref"] for leaf in leaves if leaf["type"] == "request"] == [
        f"ref-{n}" for n in (1, 2, 3, 4, 5)
    ]
    gaps = [leaf["seen"] for leaf in leaves if leaf["type"] == "gap"]
    assert {gap["reason"]: gap["late"] for gap in gaps}["disk_full"] == "3"


def test_beyond_what_memory_may_hold_records_are_lost_and_counted_exactly(
    desk: Desk, disk: Any, make_draft: Drafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.writing.writer.MAX_KEPT_RECORDS", 5)
    disk.fail("create", ".spool", times=1000, code=errno.ENOSPC)
    for number in range(10):
        desk.write(make_draft(number))
    lost = desk.losses.totals()["disk_full"]

    disk.heal()
    desk.write(make_draft(99))
    leaves = desk.leaves()
    kept = [leaf for leaf in leaves if leaf["type"] == "request"]
    assert lost == 10 - (len(kept) - 1)
    assert lost > 0
    fault, gap = [leaf["seen"] for leaf in leaves if leaf["type"] == "gap"]
    assert (gap["reason"], gap["lost"], gap["by"]) == ("disk_full", str(lost), {"request": str(lost)})
    assert (fault["reason"], fault["cause"], fault["lost"]) == ("spool_fault", "disk_full", "0")
    assert [leaf["s"] for leaf in leaves] == list(range(len(leaves)))


def test_new_spools_that_fail_leave_no_litter(desk: Desk, disk: Any, make_draft: Drafts) -> None:
    disk.fail("sync", ".spool", times=1000, code=errno.EIO)
    for number in range(5):
        desk.write(make_draft(number))
    disk.heal()
    desk.write(make_draft(9))

    assert len(desk.spools()) == 1
    assert len(list((desk.home / "spool").iterdir())) == 1


def test_a_key_that_cannot_be_made_costs_the_record_and_is_said(
    desk: Desk, disk: Any, make_draft: Drafts
) -> None:
    disk.fail("create", "/keys/")
    (receipt,) = desk.write(make_draft(1))

    assert not receipt.is_durable
    assert desk.losses.totals() == {"disk_error": 1}


def test_a_record_that_cannot_be_a_leaf_is_counted_and_hurts_no_other(desk: Desk, make_draft: Drafts) -> None:
    first, second = desk.write(make_draft(1, at=-5), make_draft(2))

    assert (first.is_durable, second.is_durable) == (False, True)
    assert [leaf["type"] for leaf in desk.leaves()] == ["writer-open", "request", "gap"]
    assert desk.leaves()[-1]["seen"]["reason"] == "malformed"


def test_a_living_writer_holds_a_lock_at_every_moment(desk: Desk, disk: Any, make_draft: Drafts) -> None:
    desk.write(make_draft(1))
    (first,) = desk.spools()
    assert not is_abandoned(first)

    disk.fail("create", ".spool", times=100)
    disk.fail("sync", ".0.spool")
    desk.write(make_draft(2))
    assert not is_abandoned(first)

    disk.heal()
    desk.write(make_draft(3))
    assert [is_abandoned(path) for path in desk.spools()] == [True, False]

    desk.writer.close()
    assert all(is_abandoned(path) for path in desk.spools())


def test_a_spool_never_has_its_name_without_its_lock(tmp_path: Path) -> None:
    seen: list[bool] = []

    class Watching(Disk):
        def sync_directory(self, path: Path) -> None:
            seen.append(is_abandoned(tmp_path / "a.spool"))
            super().sync_directory(path)

    file = AppendFile.create(tmp_path / "a.spool", Watching(), lock=True)
    file.close()
    assert seen == [False]


def test_a_locked_draft_is_no_spool(tmp_path: Path) -> None:
    class Locking(Disk):
        def create(self, path: Path, mode: int) -> int:
            fd = super().create(path, mode)
            self.other = os.open(path, os.O_RDONLY)
            fcntl.flock(self.other, fcntl.LOCK_EX)
            return fd

    disk = Locking()
    with pytest.raises(OSError, match="locked by another"):
        AppendFile.create(tmp_path / "a.spool", disk, lock=True)
    os.close(disk.other)
    assert list(tmp_path.iterdir()) == []


def test_writer_ids_differ_and_name_no_host() -> None:
    ids = {new_writer_id(os.urandom(8), 4711) for _ in range(100)}

    assert len(ids) == 100
    assert all(WRITER_ID.fullmatch(name) and name.endswith("-4711") for name in ids)
    assert os.uname().nodename not in next(iter(ids))


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.integers(0, 5000))
def test_a_torn_end_is_found_and_what_is_before_it_stays(payloads: list[bytes], cut: int) -> None:
    data = join_frames(payloads)
    scan = scan_frames(data[: min(cut, len(data))])

    assert payloads[: len(scan.payloads)] == scan.payloads
    assert scan.end == sum(8 + len(payload) for payload in scan.payloads)
    assert scan.is_whole == (min(cut, len(data)) == scan.end)
    assert not scan.is_corrupt


def test_a_bad_frame_before_good_ones_is_no_torn_write() -> None:
    data = bytearray(join_frames([b'{"v":1}' * 20, b'{"v":1}' * 30, b'{"v":1}' * 40]))
    data[200] ^= 1
    assert (scan_frames(bytes(data)).is_corrupt, len(scan_frames(bytes(data)).payloads)) == (True, 1)

    data[200] ^= 1
    data[148] ^= 1  # the length of the second frame
    assert (scan_frames(bytes(data)).is_corrupt, len(scan_frames(bytes(data)).payloads)) == (True, 1)
    assert not scan_frames(bytes(data[:-1])).payloads[1:]


def test_an_absurd_length_is_a_bad_frame() -> None:
    assert scan_frames(frame(b"x" * (MAX_FRAME_BYTES + 1))).payloads == []
    assert scan_frames(bytes(64)).payloads == []
