"""Worker processes: no signal is lost on one that has only begun, none outlives its supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
from vorbehalt.edge.workers import supervise

def work():
    os.write(1, b"begun\\n")
    gate = os.open(sys.argv[1], os.O_RDONLY)  # opens when the test opens its end
    os.read(gate, 1)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"reloaded\\n"))
    os.write(1, b"ready\\n")
    while not ended:
        signal.pause()
    os.write(1, b"ended\\n")

supervise(work, 1)
os.write(1, b"all ended\\n")
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def begin(gate: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(gate)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_reload_while_a_worker_begins_does_not_kill_it(gate: Path) -> None:
    with begin(gate) as process:
        assert line(process) == "begun"
        process.send_signal(signal.SIGHUP)
        with gate.open("wb") as opened:
            opened.write(b"x")
        assert line(process) == "ready"
        process.send_signal(signal.SIGHUP)
        assert line(process) == "reloaded"
        process.send_signal(signal.SIGTERM)
        # The first reload may have reached it late, when it could already take it.
        rest = [text for text in (line(process) for _ in range(3)) if text != "reloaded"]
        assert rest[:2] == ["ended", "all ended"]
        assert process.wait(20) == 0


def test_an_end_while_a_worker_begins_ends_all(gate: Path) -> None:
    with begin(gate) as process:
        assert line(process) == "begun"
        process.send_signal(signal.SIGTERM)
        # It has no handler yet, so that it ends at once, and nobody starts another.
        assert line(process) == "all ended"
        assert process.wait(20) == 0
