"""How results are printed: JSON for machines, short plain text for people, times in one form."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import typer

from vorbehalt.errors import Problem

CONFIG = typer.Option(Path("vorbehalt.toml"), "-c", "--config", help="The configuration file.")
JSON = typer.Option(False, "--json", help="Print JSON for machines.")


_LAST_DAY = (date.max - date(1970, 1, 1)).days
_FRACTION = re.compile(r"(.+\d\d:?\d\d:?\d\d)[.,](\d{1,9})((?:\D.*)?)")


def write(text: str) -> None:
    """Write to stdout. Once nobody reads on (`| head`), the command ends quietly."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        _nobody_reads()


def write_bytes(data: bytes) -> None:
    """Write bytes to stdout as they are, behind what was written before."""
    flush()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _nobody_reads()


def flush() -> None:
    """Write out what is buffered."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _nobody_reads()


def say(text: str = "") -> None:
    """Print one line of a result. What comes from outside passes through `printable` first."""
    write(f"{text}\n")


def print_json(value: object) -> None:
    """Print one JSON document on stdout, in ASCII: whatever it holds, no terminal can be tricked by it."""
    say(json.dumps(value, indent=2))


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows for people: a table on a terminal, else one tab-separated line a row without titles."""
    safe = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in safe:
            say("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in safe:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def printable(text: str) -> str:
    """Make text from outside safe for a terminal: control and bidirectional characters become escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str) -> str:
    """Return text from outside in quotation marks, safe for a terminal."""
    return f'"{printable(text)}"'


def printable_lines(text: str) -> str:
    """Make a document safe for a terminal; line ends and tabs stay."""
    return "\n".join(
        "\t".join(printable(part) for part in line.split("\t"))
        for line in text.replace("\r\n", "\n").split("\n")
    )


def problem_json(problem: Problem) -> dict[str, object]:
    """Return the public form of a problem."""
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "id": problem.id,
        "message": problem.message,
    }


def moment(text: str | None, hint: str = "--at") -> int:
    """Return nanoseconds UTC of an ISO 8601 date or time (UTC if no zone is given); now if None.

    `hint` is the option that it was given with.

    Raises typer.BadParameter.
    """
    fraction = None
    if text is None:
        value = datetime.now(UTC)
    else:
        # datetime knows microseconds; the instant at which a version begins must be askable.
        fraction = _FRACTION.fullmatch(text)
        whole = fraction[1] + fraction[3] if fraction else text
        try:
            value = datetime.fromisoformat(whole)
        except ValueError:
            raise typer.BadParameter(
                f"{quoted(text)} is no time; write it like 2026-11-22 or 2026-11-22T12:00:00Z",
                param_hint=hint,
            ) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    exact = int(fraction[2].ljust(9, "0")) if fraction else 1000 * since.microseconds
    if not 0 <= since.days <= _LAST_DAY:
        raise typer.BadParameter(
            f"{quoted(text or '')} lies before 1970 or after 9999 (UTC)", param_hint=hint
        )
    return (since.days * 86400 + since.seconds) * 10**9 + exact


def period(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Return the bounds of `--from` and `--to` (nanoseconds UTC); None where nothing was said.

    Raises typer.BadParameter, also if nothing can lie between them: no figure may come of a slip.
    """
    begins = None if since is None else moment(since, "--from")
    ends = None if until is None else moment(until, "--to")
    if begins is not None and ends is not None and begins >= ends:
        raise typer.BadParameter("the period ends before it begins", param_hint="--to")
    return begins, ends


def utc_exact(at: int) -> str:
    """Return nanoseconds UTC as RFC 3339 text that loses nothing; whole seconds where it is one."""
    fraction = at % 10**9
    return utc(at) if not fraction else f"{utc(at)[:-1]}.{fraction:09d}".rstrip("0") + "Z"


def utc(at: int) -> str:
    """Return nanoseconds UTC as RFC 3339 text in whole seconds."""
    return datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def note(text: str) -> None:
    """Say something on stderr that is not the result."""
    print(printable(text), file=sys.stderr)


def _nobody_reads() -> NoReturn:
    # The interpreter flushes once more at its end; that must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def show_progress(what: str, done: int, total: int) -> None:
    """Show in one line of stderr how many records were read, counted or checked."""
    end = "\n" if done >= total else ""
    print(f"\r{done} of {total} records {what}", end=end, file=sys.stderr, flush=True)


def bar(what: str, *, wanted: bool | None = None) -> Callable[[int, int], None] | None:
    """Return a function that shows how far something is; None unless `wanted`, by default on a terminal."""
    shown = sys.stderr.isatty() if wanted is None else wanted
    return partial(show_progress, what) if shown else None
