"""Seven hundred letters in every form in one run: under a minute, under 500 MB, all entered."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from notice_support import make_site, row, write_rows
from vorbehalt.claims.register import read_register
from vorbehalt.evidence.auditor.audit import verify

LETTERS, SECONDS, MEMORY_MIB = 700, 60, 500


@pytest.mark.drill
def test_seven_hundred_letters_are_written_within_a_minute(tmp_path: Path) -> None:
    make_site(tmp_path)
    rows = [
        row(operator=f"Lab {number}", legal_name=f"Lab {number} Ltd", language=("de", "en", "fr")[number % 3])
        for number in range(LETTERS)
    ]
    addressees = write_rows(tmp_path, *rows)
    options = ("--kind", "declaration", "--all", "--addressees", str(addressees), "--out", "letters")
    command = [sys.executable, "-m", "vorbehalt.cli.main", "notice", "write", *options]
    said = tmp_path / "said.txt"
    began = time.monotonic()
    with said.open("wb") as errors:
        process = subprocess.Popen([*command, "--approved-by", "Jane Roe"], cwd=tmp_path, stderr=errors)
        # What this process used, not what other children of the tests did.
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - began
    told = said.read_text("utf-8")
    print(f"{took:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, {used.ru_maxrss / 1024:.0f} MiB")
    assert process.returncode == 0, told[-2000:]
    assert took < SECONDS
    assert used.ru_maxrss / 1024 < MEMORY_MIB
    folders = [path for path in (tmp_path / "letters").iterdir() if path.is_dir()]
    assert {len(list(folder.iterdir())) for folder in folders} == {5}
    assert len(folders) == len(read_register(tmp_path / "evidence").letters) == LETTERS
    assert verify(tmp_path / "evidence").ok
    assert f"{LETTERS} of {LETTERS} letters rendered" in told
