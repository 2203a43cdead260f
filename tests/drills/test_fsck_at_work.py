"""fsck calls nothing broken while four workers write, one seals, and some are killed; nor afterwards."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from killing_support import kill_under_load
from vorbehalt.evidence.fsck.found import GRACE_SECONDS, Finding, Look
from vorbehalt.evidence.fsck.log_files import sealer_state
from vorbehalt.evidence.fsck.run import look_at
from vorbehalt.evidence.sealing.sealer import seal_once


@pytest.mark.timeout(120)
def test_nothing_at_work_is_called_broken(tmp_path: Path) -> None:
    directory = tmp_path / "vorbehalt-evidence"
    over = threading.Event()
    found: list[Finding] = []
    looks = 0

    def look() -> None:
        nonlocal looks
        while not over.wait(0.02):
            if (directory / "log" / "vkey").exists():
                found.extend(look_at(directory, time.time_ns()))
                later = Look(directory, time.time_ns() + GRACE_SECONDS * 10**9)
                found.extend(sealer_state(later))
                looks += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        crowd = kill_under_load("uvicorn", tmp_path, kills=8, every=0.5)
    finally:
        over.set()
        thread.join()
    seal_once(directory)
    later = look_at(directory, time.time_ns() + GRACE_SECONDS * 10**9)

    assert found == []
    assert looks > 20
    assert len(crowd.kills) >= 8
    assert {one.name for one in later} <= {"torn", "object-unnamed"}
