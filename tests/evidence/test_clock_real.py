"""A clock that is set while a log is written leaves a record; the order of records stays that of the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.reading.query import show

LIBRARY = next(
    (path for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")),
    Path("/usr/lib/faketime/libfaketime.so.1"),
)
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from vorbehalt.evidence.log import EvidenceLog, prepare
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.retention import DEFAULTS, Keeping, parse_period
import time

home, when = Path(sys.argv[1]), Path(sys.argv[2])
periods = {name: parse_period(text) for name, text in DEFAULTS.items()}
log = EvidenceLog(prepare(home, "label.example/evidence"), keeping=Keeping(periods), seals=False)
log.start()
for number, offset in enumerate(("+0", "-3600", "+86400")):
    when.write_text(offset + "\\n")
    log._house.step()
    receipt = log.append(Draft("request", f"VB-{number}", time.time_ns(), {}, {"address": b"203.0.113.7"}))
    assert asyncio.run(receipt.durable(20.0))
log.close()
"""


@pytest.mark.real("faketime")
def test_a_clock_set_back_and_forward_leaves_records_and_the_order_stays(tmp_path: Path) -> None:
    when, home = tmp_path / "when", tmp_path / "evidence"
    when.write_text("+0\n")
    environment = {
        **os.environ,
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(when),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, home, when],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    sealed = subprocess.run(
        [sys.executable, "-m", "vorbehalt.cli.main", "evidence", "seal", home, "--json"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    records = list(show(home))
    steps = [leaf["seen"] for leaf in records if leaf["type"] == "clock"]
    assert json.loads(sealed.stdout)["size"] == len(records)
    assert [step["event"] for step in steps if step["event"] != "state"] == ["step-back", "step-forward"]  # type: ignore[index]
    moved = [int(step["by"]) // 10**9 for step in steps if step["event"] != "state"]  # type: ignore[index]
    assert [abs(seconds - wanted) < 30 for seconds, wanted in zip(moved, (3600, 90000), strict=True)] == [
        True, True,
    ]  # fmt: skip
    requests = [leaf for leaf in records if leaf["type"] == "request"]
    assert [leaf["ref"] for leaf in requests] == ["VB-0", "VB-1", "VB-2"]
    times = [int(str(leaf["at"])) for leaf in requests]
    assert times[1] < times[0] < times[2]
    assert verify(home).problems == ()
