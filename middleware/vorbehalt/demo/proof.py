"""Is the evidence whole? Asked of the packaged auditor and of the stand-alone verify.py beside the log."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.evidence.auditor.audit import Report, verify

_SEAL_SECONDS = 10.0
_VERIFY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """What both verifiers said. `records` are request records, `leaves` everything in the log."""

    records: int
    leaves: int
    holds: bool
    packaged: bool
    stand_alone: bool
    said: str
    """The last line of verify.py."""
    problems: tuple[str, ...]


def sealed(directory: Path) -> Report:
    """Verify, waiting a little until every record is sealed into the log (the sealer works once a second)."""
    end = time.monotonic() + _SEAL_SECONDS
    while True:
        report = verify(directory)
        if report.unsealed == 0 or time.monotonic() > end:
            return report
        time.sleep(0.2)


def prove(directory: Path) -> Proof:
    """Verify an evidence directory twice: by the package, and by a program that needs nothing of ours."""
    report = sealed(directory)
    problems = list(report.problems)
    if report.unsealed:
        problems.append(f"{report.unsealed} records are not sealed yet")
    try:
        done = subprocess.run(  # noqa: S603 our own program on our own directory, no shell
            [sys.executable, "-I", str(directory / "verify.py"), str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERIFY_SECONDS,
            check=False,
        )
        output = done.stdout.decode("utf-8", "replace").strip()
        stand_alone = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        output, stand_alone = str(error), False
    if not stand_alone:
        problems.append(f"verify.py: {output or 'no word'}")
    said = output.splitlines()[-1] if output else ""
    holds = report.ok and not report.unsealed and stand_alone
    return Proof(report.records, report.size, holds, report.ok, stand_alone, said, tuple(problems))
