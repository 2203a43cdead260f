"""`evidence index` and `evidence ask`: a disposable read model of the log, and questions to it."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

import typer

from vorbehalt.cli.operator_actions import become_owner
from vorbehalt.cli.output import JSON, bar, note, print_json, print_table, printable, say
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.index.index import Indexed, build, default_path
from vorbehalt.evidence.index.index import ask as put
from vorbehalt.evidence.index.questions import READY
from vorbehalt.evidence.reading.query import open_log

DIRECTORY = typer.Argument(..., exists=True, file_okay=False, help="The evidence directory.")
_NAMES = ", ".join(READY)


def index(
    directory: Path = DIRECTORY,
    out: Path = typer.Option(None, "--out", help="Where the index lies; default: run/index.sqlite in it."),
    anew: bool = typer.Option(False, "--rebuild", help="Throw away what is there and begin anew."),
    as_json: bool = JSON,
) -> None:
    """Make or continue an SQLite index of what is sealed. It is no evidence and may be deleted."""
    done = _build(directory, out, anew)
    if as_json:
        print_json(
            {"index": str(done.path), "size": done.size, "added": done.added, "anew": done.why or None}
        )
    else:
        say(printable(f"{done.size} records in {done.path}, {done.added} added"))


def ask(
    directory: Path = DIRECTORY,
    sql: str = typer.Argument(None, help="A SELECT over the table records."),
    question: str = typer.Option(None, "--question", help=f"A question that is ready: {_NAMES}."),
    operator: str = typer.Option("", "--operator", help="With --question: only of this operator."),
    ref: str = typer.Option("", "--ref", help="With --question by-ref: the reference."),
    limit: int = typer.Option(0, "--limit", min=0, help="At most so many rows; 0: all."),
    out: Path = typer.Option(None, "--index", help="Where the index lies; default: run/index.sqlite in it."),
    as_json: bool = JSON,
) -> None:
    """Ask the index, brought up to date before: a SELECT of yours, or a question that is ready."""
    if (sql is None) == (question is None):
        raise typer.BadParameter("give either a SELECT or --question", param_hint="--question")
    if question is not None and question not in READY:
        raise typer.BadParameter(f"{printable(question)} is none of: {_NAMES}", param_hint="--question")
    if (question == "by-ref") != bool(ref):
        raise typer.BadParameter("it belongs to --question by-ref", param_hint="--ref")
    done = _build(directory, out, anew=False)
    values: dict[str, object] = {"operator": operator, "ref": ref} if sql is None else {}
    with put(done.path, sql if sql is not None else READY[question], values) as answer:
        rows = islice(answer.rows, limit or None)
        if as_json:
            for row in rows:
                say(json.dumps(dict(zip(answer.columns, map(_plain, row), strict=True))))
        else:
            print_table(answer.columns, ([_cell(value) for value in row] for row in rows))


def _build(directory: Path, out: Path | None, anew: bool) -> Indexed:
    open_log(directory)
    path = out if out is not None else default_path(directory)
    if (
        path.resolve().is_relative_to(directory.resolve())
        and path.parent.resolve() != directory.resolve() / "run"
    ):
        raise typer.BadParameter("in the evidence directory it may lie in run/ only", param_hint="--out")
    if out is None:
        become_owner(directory)  # whoever runs the site is to read what lies in run/
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise EvidenceError(f"the index cannot be kept in {path.parent}: name another place for it")
    done = build(directory, path, anew=anew, progress=bar("indexed"))
    if done.why:
        note(f"the index was made anew: {done.why}")
    return done


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def _cell(value: object) -> str:
    return "" if value is None else str(_plain(value))
