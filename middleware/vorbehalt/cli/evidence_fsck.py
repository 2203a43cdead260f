"""`evidence fsck`: what lies in an evidence directory beside the proof, and what it means."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from vorbehalt.cli.evidence_records import keep, recording
from vorbehalt.cli.operator_actions import become_owner
from vorbehalt.cli.output import JSON, print_json, printable, say
from vorbehalt.evidence.fsck.found import is_clean, sentences
from vorbehalt.evidence.fsck.run import look_at, repair, repair_draft
from vorbehalt.evidence.reading.query import open_log


def fsck(
    directory: Path = typer.Argument(..., exists=True, file_okay=False, help="The evidence directory."),
    mend: bool = typer.Option(
        False, "--repair", help="Do what loses nothing, while nobody seals; recorded if it changes something."
    ),
    as_json: bool = JSON,
) -> None:
    """Say what is left over, waiting or wrong beside the proof; exit 1 if something is to be done."""
    open_log(directory)
    done = []
    if mend:
        become_owner(directory)
        done = repair(directory, time.time_ns())
        if done:
            with recording(directory, "evidence fsck") as evidence:
                keep(evidence, repair_draft(done, time.time_ns()))
    found = look_at(directory, time.time_ns())
    if as_json:
        print_json(
            {
                "ok": is_clean(found),
                "findings": [one.as_json() for one in found],
                "repaired": [{"kind": one.name, "path": one.path} for one in done],
            }
        )
    else:
        for one in done:
            say(printable(f"repaired {one.name}: {one.path}"))
        for line in sentences(found):
            say(printable(line))
        say("nothing is to be done" if is_clean(found) else "something is to be done")
    if not is_clean(found):
        raise typer.Exit(1)
