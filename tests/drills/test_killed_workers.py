"""200 workers killed at random under load: no answer without its record, every end explained (check 5)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from killing_support import Crowd, kill_under_load, statuses
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.sealing.sealer import seal_once


def seal_when_free(directory: Path) -> None:
    """The last worker of a server that was stopped may still be sealing."""
    deadline = time.monotonic() + 20
    while True:
        try:
            seal_once(directory)
        except EvidenceError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def assert_all_is_there(crowd: Crowd, directory: Path) -> dict[str, int]:
    """Every answer has its record, every writer its end; both verifiers agree. Returns what was counted."""
    seal_when_free(directory)
    assert set(statuses(crowd)) == {200, 403}
    records: list[dict[str, Any]] = list(show(directory))
    recorded = [record["seen"]["path"] for record in records if record["type"] == "request"]
    assert set(crowd.answered) - set(recorded) == set()
    assert len(recorded) == len(set(recorded)), "a record stands twice"

    last = {record["w"]: record for record in records}
    ends = [record["seen"] for record in records if record["seen"].get("reason") == "unclean_end"]
    explained = {end["writer"]: end for end in ends}
    assert len(ends) == len(explained), "an end was told twice"
    for writer, record in last.items():
        assert (record["type"] == "writer-close") != (writer in explained), writer
        if writer in explained:
            assert explained[writer]["last"] == str(record["s"])
    assert {int(writer.rpartition("-")[2]) for writer in explained} <= set(crowd.kills)
    lost = [int(end["lost"]) for end in ends]

    report = verify(directory)
    assert (report.problems, report.unsealed) == ((), 0)
    checked = subprocess.run(
        [sys.executable, directory / "verify.py", directory], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert not list((directory / "spool").glob("*.spool"))
    assert not list((directory / "spool").glob("*.counts"))
    return {
        "killed": len(crowd.kills),
        "answered": len(crowd.answered),
        "unanswered": crowd.unanswered,
        "ends told": len(ends),
        "records lost": sum(lost),
    }


@pytest.mark.timeout(60)
def test_workers_forked_after_the_start_are_writers_of_their_own_and_a_killed_one_is_explained(
    tmp_path: Path,
) -> None:
    crowd = kill_under_load("gunicorn", tmp_path, kills=2, every=0.5)
    directory = tmp_path / "vorbehalt-evidence"

    counted = assert_all_is_there(crowd, directory)
    writers = {record["w"] for record in show(directory) if record["type"] == "writer-open"}
    assert len(writers) >= 4
    assert counted["ends told"] <= 2


@pytest.mark.drill
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("server", "kills"), [("uvicorn", 90), ("gunicorn", 80), ("granian", 30)])
def test_no_answer_is_missing_however_many_workers_are_killed(
    tmp_path: Path, server: str, kills: int
) -> None:
    crowd = kill_under_load(server, tmp_path, kills=kills, every=0.6)
    counted = assert_all_is_there(crowd, tmp_path / "vorbehalt-evidence")
    print(f"\n{server}: " + ", ".join(f"{number} {what}" for what, number in counted.items()))
    assert counted["killed"] >= kills
