"""A dossier from a million records, fifty thousand of them the operator's: in a minute, in little memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dossier_support import SECRET, large_log, site

RECORDS, OWN = 1_000_000, 50_000
SECONDS, MEMORY_MIB = 60, 500


@pytest.mark.drill
@pytest.mark.real("openssl")
def test_a_million_records_make_a_dossier_in_a_minute_and_500_mib(tmp_path: Path) -> None:
    site(tmp_path)
    large_log(tmp_path / "evidence", RECORDS, OWN)
    program = [sys.executable, "-m", "vorbehalt.cli.main", "dossier"]
    start = time.monotonic()
    made = subprocess.run(
        [*program, "--operator", "OpenAI", "--out", "out", "--no-record"],
        cwd=tmp_path, check=True, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    seconds = time.monotonic() - start
    # The largest of all children so far: nothing else of this test is larger.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, {used.ru_maxrss / 1024:.0f} MiB")
    assert made.stderr.splitlines()[:3] == [
        f"{RECORDS} records checked", f"{RECORDS} records read", f"{OWN} records counted",
    ]  # fmt: skip
    summary = json.loads((tmp_path / "out" / "contents.json").read_bytes())["summary"]
    assert summary["verifies"] is True
    assert summary["records_enclosed"] == OWN
    assert summary["attributed"]["requested"] == sum(
        b'"type":"request"' in line for line in (tmp_path / "out" / "records.jsonl").read_bytes().splitlines()
    )
    hits = subprocess.run(["grep", "-rl", SECRET, "out"], cwd=tmp_path, capture_output=True, check=False)
    assert hits.stdout == b""
    alone = subprocess.run(
        [sys.executable, "-I", "-S", "out/verify.py", "out"], cwd=tmp_path, check=False, capture_output=True,
        env={"PATH": os.environ["PATH"]}, timeout=600,
    )  # fmt: skip
    assert alone.returncode == 0, alone.stdout
    assert subprocess.run([*program, "check", "out"], cwd=tmp_path, check=False, timeout=600).returncode == 0
    assert used.ru_maxrss / 1024 < MEMORY_MIB
    assert seconds < SECONDS
