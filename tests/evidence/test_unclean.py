"""A writer that ended without closing is named in a gap record by whoever writes next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from process_support import wait_for
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.frames import frame, join_frames
from vorbehalt.evidence.leaf.record import build_leaf
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.receipt import Draft, RecordType
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.spool.unclean import UncleanEnd, unclean_end

WRITER = "0000000000000001-00000000-1"
KILLED = """\
import sys, time
from pathlib import Path
from vorbehalt.evidence.directory import open_directory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft

log = EvidenceLog(open_directory(Path(sys.argv[1])))
log.start()
receipt = log.append(Draft(type="request", ref="VB-1", at=time.time_ns(), seen={"path": "/"}))
while not receipt.is_durable:
    time.sleep(0.01)
print(log.writer_id, flush=True)
time.sleep(60)
"""
Make = Callable[..., EvidenceLog]


def leaf(number: int, kind: RecordType = "request", path: str = "/") -> bytes:
    draft = Draft(type=kind, ref="", at=7 + number, seen={"path": path})
    return build_leaf(
        draft, writer=WRITER, sequence=number, previous="0" * 64 if number else "", private={}, vault_key=""
    )


def gaps(directory: EvidenceDirectory) -> list[Any]:
    return [record["seen"] for record in show(directory.path, Filters(type="gap"))]


def test_the_next_start_after_a_kill_records_a_gap(directory: EvidenceDirectory, make_log: Make) -> None:
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(directory.path)], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    writer = killed.stdout.readline().decode().strip()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=10)

    log = make_log()
    log.start()
    wait_for(lambda: bool(gaps(directory)), "nothing says that the writer before did not close")
    log.close()

    (gap,) = gaps(directory)
    (last,) = show(directory.path, Filters(writer=writer, type="request"))
    assert (gap["reason"], gap["writer"], gap["lost"]) == ("unclean_end", writer, "0")
    assert (gap["last"], gap["last_at"]) == (str(last["s"]), last["at"])
    assert not list((directory.path / "spool").glob("*.spool"))
    report = audit.verify(directory.path)
    assert (report.ok, report.gaps) == (True, 1)


def test_a_start_after_a_clean_end_records_none(directory: EvidenceDirectory, make_log: Make) -> None:
    for _ in range(2):
        log = make_log()
        log.start()
        log.close()

    assert gaps(directory) == []


def test_what_nobody_can_record_now_stays_for_the_next(directory: EvidenceDirectory, make_log: Make) -> None:
    spool = directory.path / "spool" / f"{WRITER}.0.spool"
    spool.write_bytes(join_frames([leaf(0, "writer-open"), leaf(1)]))
    log = make_log()
    log._explain(UncleanEnd(WRITER, 1, "8"))
    assert log.lost() == {}, "it has not begun to write"
    log.start()
    wait_for(lambda: bool(gaps(directory)), "no gap")
    log.close()
    log._explain(UncleanEnd("another", 1, "8"))

    assert [(gap["last"], gap["lost"]) for gap in gaps(directory)] == [("1", "unknown")]
    assert not spool.exists()


def test_sealing_by_hand_says_how_a_dead_writer_ended(directory: EvidenceDirectory) -> None:
    spool = directory.path / "spool" / f"{WRITER}.0.spool"
    spool.write_bytes(join_frames([leaf(0, "writer-open")]))

    assert (seal_once(directory.path).added, spool.exists()) == (4, False)
    assert [(gap["writer"], gap["last"]) for gap in gaps(directory)] == [(WRITER, "0")]
    assert (seal_once(directory.path).added, audit.verify(directory.path).problems) == (0, ())


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (join_frames([leaf(0), leaf(1)]), UncleanEnd(WRITER, 1, "8")),
        (join_frames([leaf(0), leaf(1, "writer-close")]), None),
        (join_frames([leaf(0), leaf(1)]) + frame(leaf(2, "writer-close"))[:-1], UncleanEnd(WRITER, 1, "8")),
        (join_frames([leaf(0, path='{"v": {"v":')]), UncleanEnd(WRITER, 0, "7")),
        (join_frames([leaf(number, path="x" * 9000) for number in range(20)]), UncleanEnd(WRITER, 19, "26")),
        (b"", None),
        (b'{"v":1', None),
    ],
)
def test_the_last_whole_record_tells_how_a_writer_ended(
    data: bytes, last: UncleanEnd | None, tmp_path: Any
) -> None:
    spool = tmp_path / "one.spool"
    spool.write_bytes(data)

    assert unclean_end(spool, WRITER, tmp_path / "none") == last
