"""`evidence export`: the records that answer a question, in a folder that somebody else can check."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path

import typer

from vorbehalt.cli.evidence_records import keep, recording
from vorbehalt.cli.output import JSON, bar, note, period, print_json, printable, say
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.export import Exported, Question
from vorbehalt.evidence.bundle.export import export as write_export
from vorbehalt.evidence.bundle.pin import pin


def export(
    directory: Path = typer.Argument(..., exists=True, file_okay=False, help="The evidence directory."),
    out: Path = typer.Option(..., "--out", help="The folder to make; it must be new or empty."),
    operator: str = typer.Option("", "--operator", help="Only records of claims to be this operator's."),
    kinds: list[str] = typer.Option([], "--type", help="Only records of this type; may be repeated."),
    since: str = typer.Option(None, "--from", help="Only records of this time (UTC) or later."),
    until: str = typer.Option(None, "--to", help="Only records before this time (UTC)."),
    beside: list[str] = typer.Option(
        [], "--with", help="Also all records of this type, e.g. anchor or gap; may be repeated."
    ),
    size: int = typer.Option(
        None, "--size", min=0, help="Of the first so many records; default: all sealed."
    ),
    key: Path = typer.Option(None, "--key", help="The signing key, for --size, if it lies elsewhere."),
    table: bool = typer.Option(False, "--csv", help="Also write records.csv for spreadsheets."),
    record: bool = typer.Option(True, "--record/--no-record", help="Keep a record of the export."),
    as_json: bool = JSON,
) -> None:
    """Write records with all that proves them into a folder. The same question gives the same bytes."""
    question = Question(
        operator,
        tuple(kinds),
        *period(since, until),
        tuple(beside),
    )
    if record and not os.access(directory / "spool", os.W_OK | os.X_OK):
        raise EvidenceError(
            f"no record of the export can be kept in {directory}: give --no-record, as for a copy of the log"
        )
    if out.resolve().is_relative_to(directory.resolve()):
        raise typer.BadParameter("the folder must not lie in the evidence directory", param_hint="--out")
    pinned = pin(directory, size, key=key)
    done = write_export(pinned, question, out, table=table, progress=bar("exported"))
    if record:
        with recording(directory, "evidence export") as evidence:
            keep(evidence, done.draft(time.time_ns()))
    _print(done, out, as_json)


def _print(done: Exported, out: Path, as_json: bool) -> None:
    found = done.enclosed
    if as_json:
        print_json(
            {
                "directory": str(out),
                "query": done.question.as_json(),
                "size": done.size,
                "root": base64.b64encode(done.root).decode("ascii"),
                "records": found.records,
                "objects": found.objects,
                "anchors": found.anchors,
                "manifest": done.digest,
            }
        )
        return
    say(printable(f"{found.records} of {done.size} records in {out}, {found.objects} objects, "
                  f"{found.anchors} files of anchors"))  # fmt: skip
    say(f"SHA-256 of manifest.sha256: {done.digest}")
    note(f"The same question with --size {done.size} gives the same bytes")
