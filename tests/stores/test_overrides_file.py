"""The file of pauses and spares: whole or not there, nothing lost between two writers."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from vorbehalt.errors import StoreError
from vorbehalt.policy.overrides import NOTHING, Overrides, Pause
from vorbehalt.stores.overrides_file import change, read, stamp_of

WRITER = """
import sys
from pathlib import Path
from vorbehalt.policy.overrides import Pause
from vorbehalt.stores.overrides_file import change
for number in range(25):
    change(Path(sys.argv[1]), lambda old: old.paused(Pause(1, rule=f"{sys.argv[2]}-{number}")))
"""


def _instead(wanted: Overrides, _: Overrides) -> Overrides:
    return wanted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "overrides.json"


def test_no_file_is_nothing(path: Path) -> None:
    assert read(path) is NOTHING
    assert stamp_of(path) is None
    path.parent.parent.joinpath("state").write_text("a file where the directory should be")
    assert read(path) is NOTHING
    assert stamp_of(path) is None


def test_every_change_has_another_stamp(path: Path) -> None:
    stamps = set()
    for number in range(20):
        wanted = Overrides((Pause(number),))
        change(path, partial(_instead, wanted))
        stamps.add(stamp_of(path))

    assert len(stamps) == 20


def test_two_writers_lose_nothing_of_each_other(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in ("a", "b")]
    while any(writer.poll() is None for writer in writers):
        read(path)  # never half a file

    assert [writer.returncode for writer in writers] == [0, 0]
    assert {one.rule for one in read(path).pauses} == {f"{w}-{n}" for w in "ab" for n in range(25)}
    assert sorted(each.name for each in path.parent.iterdir()) == ["overrides.json", "overrides.lock"]


def test_what_cannot_be_changed_stays_and_leaves_no_draft(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(path, lambda _: Overrides((Pause(1),)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        change(path, lambda _: NOTHING)

    assert read(path).pauses == (Pause(1),)
    assert sorted(each.name for each in path.parent.iterdir()) == ["overrides.json", "overrides.lock"]


def test_a_damaged_file_is_named_and_not_replaced(path: Path) -> None:
    change(path, lambda _: NOTHING)
    path.write_bytes(b"{}")

    damaged = r"overrides\.json is damaged: .*move it away"
    with pytest.raises(StoreError, match=damaged):
        read(path)
    with pytest.raises(StoreError, match=damaged):
        change(path, lambda old: old)
    assert path.read_bytes() == b"{}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(path: Path) -> None:
    change(path, lambda _: NOTHING)
    path.chmod(0)

    with pytest.raises(StoreError, match="cannot be read"):
        read(path)
