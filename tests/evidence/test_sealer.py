"""The log takes every durable record once, in order, whatever stops the sealer, and signs no lesser tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence import verify as standalone
from vorbehalt.evidence.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory, open_directory
from vorbehalt.evidence.files import Disk, open_lock, try_lock
from vorbehalt.evidence.frames import frame, scan_frames
from vorbehalt.evidence.losses import Losses
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealer import LogSealer, seal_once
from vorbehalt.evidence.spool import WriterFiles
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.merkle import leaf_hash, root_of
from vorbehalt.evidence.tlog.note import open_checkpoint
from vorbehalt.evidence.tlog.tiles import decode_bundle, tiles_of
from vorbehalt.evidence.unclean import Loss
from vorbehalt.evidence.vault import Keys, Sealer
from vorbehalt.evidence.writer import Writer

AT = 1_795_413_803_799_141_015
Drafts = Callable[..., Draft]


class QuickDisk(Disk):
    """Syncs nothing: a process that ends does not lose the page cache, and these tests end processes only."""

    def sync(self, fd: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass


class Site:
    """Some writers without threads, and what the log of their directory holds."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.writers: dict[str, Writer] = {}

    def write(self, number: int, count: int, *, size: int = 10) -> None:
        name = f"{number:016x}-00000000-1"
        if name not in self.writers:
            files = WriterFiles(self.home, name, QuickDisk())
            self.writers[name] = Writer(files, Sealer(Keys(self.home)), Losses(), lambda: AT, {})
        writer = self.writers[name]
        batch = [Draft(type="request", ref="", at=AT, seen={"path": "x" * size}) for _ in range(count)]
        writer.commit([(draft, None) for draft in batch])

    def close(self, number: int) -> None:
        self.writers.pop(f"{number:016x}-00000000-1").close()

    def kill(self, number: int) -> Path:
        """End a writer as a crash does: its lock goes, its last record is never written."""
        name = f"{number:016x}-00000000-1"
        self.writers.pop(name)._files.close()
        return next(iter((self.home / "spool").glob(f"{name}.*.spool")))

    def sealer(self, disk: Disk | None = None) -> LogSealer:
        return LogSealer(open_directory(self.home), disk)

    def entries(self) -> list[bytes]:
        """All entries, after recomputing root and tiles against the signed checkpoint."""
        at = open_directory(self.home)
        checkpoint = open_checkpoint((at.log / "checkpoint").read_bytes(), at.verifier)
        found: list[bytes] = []
        for name in tiles_of(checkpoint.size):
            assert (at.log / name.path).is_file(), name.path
            if name.level < 0:
                found += decode_bundle((at.log / name.path).read_bytes())
        assert root_of([leaf_hash(entry) for entry in found]) == checkpoint.root
        for path in (at.log / "tile" / "entries").rglob("*"):
            if path.is_file() and path.parent.name.endswith(".p"):
                index = int(path.parent.name.removesuffix(".p"))
                assert decode_bundle(path.read_bytes()) == found[index * 256 : index * 256 + int(path.name)]
        return found

    def numbers(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for entry in self.entries():
            leaf: Any = decode_leaf(entry)
            if leaf["w"].endswith("-00000000-1"):  # not that of the sealer, which says what others have lost
                found.setdefault(leaf["w"], []).append(leaf["s"])
        return found

    def gaps(self) -> list[dict[str, Any]]:
        leaves: list[Any] = [decode_leaf(entry) for entry in self.entries()]
        return [leaf["seen"] for leaf in leaves if leaf["type"] == "gap"]

    def assert_all_once(self, *counts: int) -> None:
        """Every writer's numbers stand in the log once and in order, up to the count expected."""
        assert sorted(self.numbers().items()) == [
            (f"{number:016x}-00000000-1", list(range(count))) for number, count in enumerate(counts, 1)
        ]


@pytest.fixture
def site(directory: EvidenceDirectory) -> Site:
    return Site(directory.path)


def test_an_empty_directory_has_a_signed_checkpoint_of_size_zero(site: Site) -> None:
    assert site.entries() == []
    assert seal_once(site.home).size == 0


def test_leaves_are_the_very_bytes_of_the_spool(site: Site) -> None:
    site.write(1, 3)
    (spool,) = (site.home / "spool").iterdir()
    payloads = scan_frames(spool.read_bytes()).payloads
    result = seal_once(site.home)

    assert (result.size, result.added) == (4, 4)
    assert site.entries() == payloads


def test_sealing_again_adds_nothing_and_writes_nothing(site: Site, disk: Any) -> None:
    site.write(1, 3)
    sealer = site.sealer(disk)
    first = sealer.seal()
    disk.calls.clear()

    assert (sealer.seal().root, sealer.seal().added) == (first.root, 0)
    assert disk.calls == []


def test_a_growing_spool_is_sealed_piece_by_piece_over_the_borders_of_tiles(site: Site) -> None:
    sealer = site.sealer()
    total = 1
    for count in (1, 253, 1, 1, 1, 255, 256, 257):
        site.write(1, count)
        total += count
        assert sealer.seal().size == total
        site.assert_all_once(total)


def test_the_spool_of_a_living_writer_stays_and_that_of_a_dead_one_goes(site: Site) -> None:
    site.write(1, 2)
    site.write(2, 2)
    site.close(2)
    seal_once(site.home)

    assert [path.name for path in (site.home / "spool").iterdir()] == [f"{1:016x}-00000000-1.0.spool"]
    site.assert_all_once(3, 4)


def test_state_forgets_writers_that_are_gone(site: Site) -> None:
    site.write(1, 2)
    site.close(1)
    site.write(2, 2)
    sealer = site.sealer()
    sealer.seal()
    sealer.seal()

    state = (site.home / "run" / "state.json").read_text()
    assert f"{1:016x}" not in state
    assert f"{2:016x}" in state


def test_a_torn_end_is_set_aside_once_its_writer_is_dead(site: Site) -> None:
    site.write(1, 2)
    with next((site.home / "spool").iterdir()).open("ab") as file:
        file.write(frame(b"{}" * 50)[:-3])
    assert seal_once(site.home).set_aside == ()

    name = site.kill(1).name
    result = seal_once(site.home)
    assert result.set_aside == (name.replace(".spool", ".torn"),)
    assert (site.home / "spool" / result.set_aside[0]).read_bytes() == frame(b"{}" * 50)[:-3]
    assert not (site.home / "spool" / name).exists()
    site.assert_all_once(3)


def test_a_damaged_record_before_good_ones_is_an_alarm_and_no_torn_end(site: Site) -> None:
    site.write(1, 1)
    site.write(1, 2)
    path = next((site.home / "spool").iterdir())
    data = bytearray(path.read_bytes())
    ends = scan_frames(bytes(data)).ends
    data[ends[1] + 60] ^= 1
    path.write_bytes(bytes(data))

    alive = seal_once(site.home)
    assert (alive.size, alive.stuck, alive.set_aside) == (2, (path.name,), ())
    site.kill(1)
    dead = seal_once(site.home)
    assert dead.set_aside == (path.name.replace(".spool", ".corrupt"),)
    assert (site.home / "spool" / dead.set_aside[0]).read_bytes() == bytes(data[ends[1] : ends[2]])


def test_behind_a_damaged_record_the_good_ones_are_taken_and_a_gap_names_the_lost_one(site: Site) -> None:
    site.write(1, 4)
    path = site.kill(1)
    data = bytearray(path.read_bytes())
    ends = scan_frames(bytes(data)).ends
    data[ends[1] + 60] ^= 1
    path.write_bytes(bytes(data))

    result = seal_once(site.home)
    damaged = bytes(data[ends[1] : ends[2]])
    assert result.set_aside == (path.name.replace(".spool", ".corrupt"),)
    assert (site.home / "spool" / result.set_aside[0]).read_bytes() == damaged
    assert site.numbers() == {path.name.split(".")[0]: [0, 1, 3, 4]}
    hole, end = site.gaps()
    assert hole == {
        "reason": "corruption",
        "writer": path.name.split(".")[0],
        "first": 2,
        "last": 2,
        "lost": "1",
        "damaged": {"bytes": str(len(damaged)), "sha256": sha256(damaged).hexdigest()},
    }
    assert (end["reason"], end["last"]) == ("unclean_end", "4")
    assert verify(site.home).problems == ()
    assert standalone.Check(site.home, None, None, None).problems == []
    assert not list((site.home / "spool").glob("*.spool"))


def test_a_hole_enters_the_log_only_with_the_record_that_explains_it(site: Site) -> None:
    site.write(1, 3)
    path = site.kill(1)
    data = bytearray(path.read_bytes())
    data[scan_frames(bytes(data)).ends[1] + 60] ^= 1
    path.write_bytes(bytes(data))
    told: list[Loss] = []

    sealer = LogSealer(open_directory(site.home), told=told.append)
    for _ in range(2):
        result = sealer.seal()
        assert (result.size, result.stuck, site.numbers()) == (
            2,
            (path.name,),
            {path.name.split(".")[0]: [0, 1]},
        )
    assert [loss.key for loss in told] == [f"{path.name.split('.')[0]}:2-2"] * 2
    assert verify(site.home).ok is False, "the spool is damaged, and that is an alarm until it is explained"
    assert seal_once(site.home).stuck == ()
    assert verify(site.home).problems == ()


def test_what_a_fault_left_damaged_and_the_next_file_holds_whole_is_no_hole(site: Site) -> None:
    site.write(1, 3)
    path = site.kill(1)
    data = bytearray(path.read_bytes())
    ends = scan_frames(bytes(data)).ends
    path.with_name(path.name.replace(".0.", ".1.")).write_bytes(bytes(data[ends[1] :]))
    data[ends[1] + 60] ^= 1
    path.write_bytes(bytes(data))

    seal_once(site.home)
    site.assert_all_once(4)
    assert [gap["reason"] for gap in site.gaps()] == ["unclean_end"]
    assert verify(site.home).problems == ()


@pytest.mark.parametrize("is_state_lost", [False, True])
def test_a_loss_that_the_log_explains_is_not_told_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_state_lost: bool
) -> None:
    site.write(1, 1)
    path = site.kill(1)

    def stop(self: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    # A crash between the signature and the end of the spool.
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stop)
        with pytest.raises(KeyboardInterrupt):
            seal_once(site.home)
    if is_state_lost:
        (site.home / "run" / "state.json").unlink()
    assert [gap["reason"] for gap in site.gaps()] == ["unclean_end"]
    assert path.exists()
    seal_once(site.home)
    assert not path.exists()
    assert [gap["reason"] for gap in site.gaps()] == ["unclean_end"]


@pytest.mark.parametrize(
    "payload",
    [b"not json", b'{"v":1,"v":1}', b'{"v":1,"type":"request","w":"other","s":1,"p":"","at":"1","ref":""}'],
)
def test_what_is_no_leaf_of_its_writer_never_enters_the_log(site: Site, payload: bytes) -> None:
    site.write(1, 2)
    path = site.kill(1)
    with path.open("ab") as file:
        file.write(frame(payload))

    assert seal_once(site.home).set_aside == (path.name.replace(".spool", ".corrupt"),)
    site.assert_all_once(3)


def test_records_rewritten_after_a_fault_are_sealed_once(site: Site, disk: Any, make_draft: Drafts) -> None:
    files = WriterFiles(site.home, f"{1:016x}-00000000-1", disk)
    writer = Writer(files, Sealer(Keys(site.home)), Losses(), lambda: AT, {})
    sealer = site.sealer()
    writer.commit([(make_draft(1), None)])
    disk.fail("sync", ".spool")
    disk.fail("create", ".spool")
    writer.commit([(make_draft(2), None)])
    # The frames of the failed batch are in the page cache: the sealer may well see them.
    assert sealer.seal().size == 3
    disk.heal()
    writer.commit([(make_draft(3), None)])
    sealer.seal()
    sealer.seal()
    writer.close()
    sealer.seal()

    numbers = site.numbers()[files.writer]
    assert numbers == list(range(len(numbers)))
    assert list((site.home / "spool").iterdir()) == []


def test_a_later_spool_waits_for_all_of_the_earlier_one(site: Site, disk: Any, make_draft: Drafts) -> None:
    files = WriterFiles(site.home, f"{1:016x}-00000000-1", disk)
    writer = Writer(files, Sealer(Keys(site.home)), Losses(), lambda: AT, {})
    for number in range(12):
        disk.fail("sync", ".spool")
        writer.commit([(make_draft(number), None)])
    assert len(list((site.home / "spool").iterdir())) == 12
    writer.close()
    seal_once(site.home)

    numbers = site.numbers()[files.writer]
    assert numbers == list(range(len(numbers)))


class Crash(BaseException):
    """The process ends here."""


class CrashingDisk(QuickDisk):
    """Ends the process at the n-th call; a write then is half done."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def _step(self) -> bool:
        self.left -= 1
        return self.left < 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self._step():
            super().write(fd, bytes(data[: len(data) // 2]))
            raise Crash
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        if self._step():
            raise Crash
        super().sync(fd)

    def create(self, path: Path, mode: int) -> int:
        if self._step():
            raise Crash
        return super().create(path, mode)

    def sync_directory(self, path: Path) -> None:
        if self._step():
            raise Crash
        super().sync_directory(path)


def crashes(site: Site, tmp_path: Path, *, every: int = 1) -> Iterator[Site]:
    """Yield the site after a crash at every (n-th) step of one sealing over the border of a tile."""
    site.write(1, 150)
    site.write(2, 90)
    seal_once(site.home)
    site.write(1, 5)
    site.write(2, 30)
    site.kill(2)
    for calls in range(0, 1000, every):
        home = tmp_path / f"crash-{calls}"
        shutil.copytree(site.home, home)
        at = Site(home)
        try:
            at.sealer(CrashingDisk(calls)).seal()
        except Crash:
            yield at
        else:
            assert calls > 25
            return
        finally:
            shutil.rmtree(home)
    pytest.fail("the sealing never came to its end")


def test_a_crash_at_any_step_loses_and_doubles_nothing(site: Site, tmp_path: Path) -> None:
    for at in crashes(site, tmp_path):
        at.sealer(QuickDisk()).seal()
        at.assert_all_once(156, 121)


def test_a_crash_at_any_step_with_the_state_lost_loses_and_doubles_nothing(
    site: Site, tmp_path: Path
) -> None:
    for at in crashes(site, tmp_path):
        (at.home / "run" / "state.json").unlink()
        at.sealer(QuickDisk()).seal()
        at.assert_all_once(156, 121)


def test_what_is_written_between_crash_and_restart_comes_after(site: Site, tmp_path: Path) -> None:
    for at in crashes(site, tmp_path, every=3):
        # A copy is unlocked: the writer 1 counts as dead, a third one comes first by name.
        at.write(3, 7)
        at.sealer(QuickDisk()).seal()
        at.assert_all_once(156, 121, 8)


def test_two_crashes_in_a_row_lose_and_double_nothing(site: Site, tmp_path: Path) -> None:
    for number, at in enumerate(crashes(site, tmp_path, every=2)):
        try:
            at.sealer(CrashingDisk(number)).seal()
        except Crash:
            at.sealer(QuickDisk()).seal()
        at.assert_all_once(156, 121)


def test_a_fault_in_the_same_process_is_recovered_from(site: Site, disk: Any) -> None:
    sealer = site.sealer(disk)
    site.write(1, 300)
    for name in ("entries/000", "tile/0/001.p", "state.json", "log/checkpoint"):
        disk.fail("replace", name)
        with pytest.raises(OSError, match="Input/output"):
            sealer.seal()
        site.write(1, 3)
    sealer.seal()
    site.assert_all_once(313)


def test_a_lost_state_is_rebuilt_from_the_log(site: Site) -> None:
    site.write(1, 300)
    seal_once(site.home)
    (site.home / "run" / "state.json").write_text("{")
    site.write(1, 3)

    assert seal_once(site.home).added == 3
    site.assert_all_once(304)


def test_a_state_from_a_backup_is_not_believed(site: Site) -> None:
    site.write(1, 10)
    seal_once(site.home)
    old = (site.home / "run" / "state.json").read_bytes()
    site.write(1, 10)
    seal_once(site.home)
    (site.home / "run" / "state.json").write_bytes(old)
    site.write(1, 10)

    assert seal_once(site.home).added == 10
    site.assert_all_once(31)


def test_a_later_spool_is_not_read_past_a_damaged_earlier_one(site: Site) -> None:
    site.write(1, 1)
    site.write(1, 1)
    first = site.kill(1)
    data = first.read_bytes()
    ends = scan_frames(data).ends
    damaged = bytearray(data)
    damaged[ends[0] + 30] ^= 1
    first.write_bytes(bytes(damaged))
    later = first.with_name(first.name.replace(".0.", ".1."))
    later.write_bytes(data[ends[1] :])
    fds = [os.open(path, os.O_RDONLY) for path in (first, later)]
    assert all(map(try_lock, fds))

    assert seal_once(site.home).size == 1
    for fd in fds:
        os.close(fd)


def test_a_cut_log_is_never_signed(site: Site) -> None:
    site.write(1, 10)
    seal_once(site.home)
    saved = shutil.copytree(site.home / "log", site.home.parent / "old")
    site.write(1, 10)
    seal_once(site.home)
    shutil.rmtree(site.home / "log")
    shutil.copytree(saved, site.home / "log")
    before = (site.home / "log" / "checkpoint").read_bytes()

    with pytest.raises(TamperError, match="the log was cut: 21 leaves were sealed, 11 are left"):
        seal_once(site.home)
    assert (site.home / "log" / "checkpoint").read_bytes() == before


@pytest.mark.parametrize("name", ["tile/entries/000.p/11", "tile/0/000.p/11"])
def test_a_changed_tree_is_never_signed(site: Site, name: str) -> None:
    site.write(1, 10)
    seal_once(site.home)
    path = site.home / "log" / name
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))
    site.write(1, 1)
    before = (site.home / "log" / "checkpoint").read_bytes()

    with pytest.raises(TamperError):
        seal_once(site.home)
    assert (site.home / "log" / "checkpoint").read_bytes() == before


def test_a_changed_state_of_the_same_size_is_no_reason_to_sign(site: Site) -> None:
    site.write(1, 10)
    seal_once(site.home)
    path = site.home / "run" / "state.json"
    text = path.read_text()
    at = text.index('"root": "') + 9
    path.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])

    with pytest.raises(TamperError, match="knows another root"):
        seal_once(site.home)


def test_entries_planted_behind_the_checkpoint_are_not_taken_twice(site: Site) -> None:
    site.write(1, 10)
    seal_once(site.home)
    bundle = site.home / "log" / "tile" / "entries" / "000.p" / "11"
    doubled = bundle.read_bytes() + bundle.read_bytes()[: bundle.stat().st_size // 11]
    first = int.from_bytes(doubled[:2], "big") + 2
    (bundle.parent / "12").write_bytes(bundle.read_bytes() + bundle.read_bytes()[:first])

    with pytest.raises(TamperError, match="already has"):
        seal_once(site.home)


def test_a_missing_checkpoint_is_not_made_up(site: Site) -> None:
    site.write(1, 1)
    (site.home / "log" / "checkpoint").unlink()

    with pytest.raises(EvidenceError, match="checkpoint cannot be read"):
        seal_once(site.home)


def test_without_the_signing_key_nothing_is_sealed(site: Site) -> None:
    (site.home / "keys" / "log.key").unlink()

    with pytest.raises(EvidenceError, match="signing key"):
        seal_once(site.home)


def test_only_one_sealer_at_a_time(site: Site) -> None:
    fd = open_lock(site.home / "run" / "sealer.lock")
    assert try_lock(fd)

    with pytest.raises(EvidenceError, match="another process is sealing"):
        seal_once(site.home)
    os.close(fd)
    assert seal_once(site.home).size == 0


def test_more_than_one_round_is_sealed_in_one_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vorbehalt.evidence.intake._ROUND_BYTES", 20_000)
    site.write(1, 200, size=500)
    site.write(2, 200, size=500)
    site.close(2)

    assert seal_once(site.home).added == 201 + 202
    site.assert_all_once(201, 202)


def test_a_damaged_record_at_the_start_of_a_round_does_not_stop_the_sealer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.intake._ROUND_BYTES", 20_000)
    site.write(1, 200, size=500)
    path = site.kill(1)
    data = bytearray(path.read_bytes())
    data[scan_frames(bytes(data)).ends[9] + 30] ^= 1
    path.write_bytes(bytes(data))

    result = seal_once(site.home)
    assert site.numbers() == {path.name.split(".")[0]: [*range(10), *range(11, 201)]}
    assert result.set_aside == (path.name.replace(".spool", ".corrupt"),)
