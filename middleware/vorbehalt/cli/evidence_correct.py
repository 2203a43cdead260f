"""`evidence correct`: something in a record was wrong. The record stays; another one says so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import typer

from vorbehalt.cli.evidence_records import WHO, WHY, acting, keep, recording
from vorbehalt.cli.output import say
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.pruned import first_readable, must_be_readable
from vorbehalt.evidence.reading.query import Filters, open_log, show
from vorbehalt.evidence.reading.scan import scan_log
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.tlog.leaf import seen_of

CORRECTION: Final = "correction"


def correct(
    directory: Path = typer.Argument(..., exists=True, file_okay=False, help="The evidence directory."),
    index: int = typer.Argument(..., min=0, help="Index of the record that is wrong."),
    who: str = WHO,
    why: str = WHY,
) -> None:
    """Say of a record that it is wrong, and what is right (--why). Nothing is ever changed in place."""
    actor, reason = acting(who, why)
    must_be_readable(index, first_readable(directory, open_log(directory)[1].size))
    wrong = next(show(directory, Filters(start=index)), None)
    if wrong is None:
        raise EvidenceError(f"there is no record {index} in the log")
    seen: dict[str, object] = {
        "of": index,
        "writer": wrong["w"],
        "number": wrong["s"],
        "type": wrong["type"],
        "who": actor,
        "says": reason,
    }
    with recording(directory, "evidence correct") as evidence:
        keep(evidence, Draft(type=CORRECTION, ref=str(wrong["ref"]), at=time.time_ns(), seen=seen))
    say(f"Record {index} stays as it is; another one says what is wrong with it.")


def corrections(directory: Path) -> dict[int, str]:
    """Return what is said of corrected records: index -> sentence."""
    found = {}
    for index, leaf in scan_log(directory, (CORRECTION,)).found:
        seen = seen_of(leaf)
        if isinstance(of := seen.get("of"), int):
            found[of] = f"corrected by {index}: {seen.get('says')}"
    return found
