"""Crashes, lost states and changed logs: the sealer loses and doubles nothing and signs no lie."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealer_support import QuickDisk, Site
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.sealing.sealer import seal_once


@pytest.fixture
def site(directory: EvidenceDirectory) -> Site:
    return Site(directory.path)


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
