"""What the sealer does with torn and damaged spools: nothing is doubled, what is lost is explained."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sealer_support import AT, Site
from vorbehalt.evidence import verify as standalone
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory, open_directory
from vorbehalt.evidence.files import try_lock
from vorbehalt.evidence.frames import frame, scan_frames
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import LogSealer, seal_once
from vorbehalt.evidence.spool.spool import WriterFiles
from vorbehalt.evidence.spool.unclean import Loss
from vorbehalt.evidence.vault.vault import Keys, Sealer
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.writer import Writer

Drafts = Callable[..., Draft]


@pytest.fixture
def site(directory: EvidenceDirectory) -> Site:
    return Site(directory.path)


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


def test_a_damaged_record_at_the_start_of_a_round_does_not_stop_the_sealer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.spool.intake._ROUND_BYTES", 20_000)
    site.write(1, 200, size=500)
    path = site.kill(1)
    data = bytearray(path.read_bytes())
    data[scan_frames(bytes(data)).ends[9] + 30] ^= 1
    path.write_bytes(bytes(data))

    result = seal_once(site.home)
    assert site.numbers() == {path.name.split(".")[0]: [*range(10), *range(11, 201)]}
    assert result.set_aside == (path.name.replace(".spool", ".corrupt"),)
