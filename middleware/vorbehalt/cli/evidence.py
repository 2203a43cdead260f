"""`evidence`: begin a log, look into it, prove one record, seal, verify everything offline."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from vorbehalt.cli.config import JSON
from vorbehalt.cli.output import note, print_json, printable
from vorbehalt.evidence import audit, query, sealer
from vorbehalt.evidence.log import init as init_directory

app = typer.Typer(no_args_is_help=True, help="The evidence log: begin, look, prove, seal, verify.")

DIRECTORY = typer.Argument(..., help="The evidence directory.")


@app.command("init")
def init(
    directory: Path = DIRECTORY,
    origin: str = typer.Option(
        ..., "--origin", help="The log's name: a URL without scheme, e.g. label.example/evidence."
    ),
) -> None:
    """Begin an evidence log: make its directory and keys, print the verifier key to keep elsewhere."""
    vkey = init_directory(directory, origin)
    note(f"The log {origin} begins in {directory}. Keep this verifier key outside (a letter, your website):")
    typer.echo(vkey)


@app.command("show")
def show(
    directory: Path = DIRECTORY,
    kind: str = typer.Option(None, "--type", help="Only records of this type."),
    token: str = typer.Option(None, "--crawler", help="Only records of this product token."),
    limit: int = typer.Option(0, "--limit", min=0, help="At most so many, the newest; 0: all."),
    as_json: bool = JSON,
) -> None:
    """Print sealed records, one a line with its index."""
    for record in query.show(directory, kind=kind, token=token, limit=limit):
        typer.echo(json.dumps(record) if as_json else printable(query.one_line(record)))


@app.command("prove")
def prove(
    directory: Path = DIRECTORY,
    index: int = typer.Argument(..., min=0, help="The record's index."),
    output: Path = typer.Option(None, "-o", "--output", help="Write the proof here; default: stdout."),
) -> None:
    """Print the proof that one record is in the log (C2SP tlog-proof)."""
    proof = query.prove(directory, index)
    if output is None:
        sys.stdout.buffer.write(proof)
    else:
        output.write_bytes(proof)
        note(f"wrote {output}")


@app.command("seal")
def seal(directory: Path = DIRECTORY, as_json: bool = JSON) -> None:
    """Take all durable records into the log and sign a checkpoint."""
    result = sealer.seal_once(directory)
    if as_json:
        print_json({"size": result.size, "root": result.root, "added": result.added})
    else:
        typer.echo(f"{result.added} records added, {result.size} in the log, root {result.root}")


@app.command("verify")
def verify(
    directory: Path = DIRECTORY,
    against: Path = typer.Option(
        None, "--against", help="An older checkpoint that the log must still contain."
    ),
    vkey: str = typer.Option(None, "--vkey", help="The verifier key, from outside this directory."),
    as_json: bool = JSON,
) -> None:
    """Recompute everything offline; exit 1 and name what does not hold."""
    if not directory.is_dir():
        raise typer.BadParameter(f"no such directory: {directory}", param_hint="DIRECTORY")
    older = against.read_bytes() if against is not None else None
    bar = _bar() if not as_json and sys.stderr.isatty() else None
    report = audit.verify(directory, against=older, vkey=vkey, progress=bar)
    if as_json:
        print_json(report.as_json())
    else:
        for line in report.sentences():
            typer.echo(printable(line))
    if not report.ok:
        raise typer.Exit(1)


def _bar() -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        end = "\n" if done >= total else ""
        print(f"\r{done} of {total} records checked", end=end, file=sys.stderr, flush=True)

    return show
