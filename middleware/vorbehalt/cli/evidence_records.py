"""What commands on an evidence directory share: who acts and why, and a record of it that is durable."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from vorbehalt.cli.operator_actions import become_owner, checked_reason
from vorbehalt.cli.output import note
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.evidence.recording import keep_all
from vorbehalt.evidence.recording import recording as writing
from vorbehalt.settings import Settings

WHO = typer.Option(None, "--who", help="Who does it, for the record; default: the login name.")
WHY = typer.Option("", "--why", help="Why, one line that stands in the record.")


def acting(who: str | None, why: str) -> tuple[str, str]:
    """Return who acts and why; raises typer.BadParameter if no reason is given."""
    reason = checked_reason(why.strip())
    if not reason:
        raise typer.BadParameter("say why: it stands in the record", param_hint="--why")
    return checked_reason(who.strip()) if who else login_name(), reason


def login_name() -> str:
    """Return who runs the command, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def recording(directory: Path, task: str) -> Iterator[Evidence]:
    """Open the log of a directory as a writer beside others, as its owner; sealed when left, where it can be.

    Raises EvidenceError if there is no log.
    """
    open_log(directory)
    become_owner(directory)
    with writing(directory, task) as evidence:
        yield evidence


def keep(evidence: Evidence, draft: Draft) -> None:
    """Append one record and wait until it is durable. Raises EvidenceError."""
    keep_all(evidence, (draft,))


def evidence_of(settings: Settings) -> Path:
    """Return the evidence directory of a configuration; ends with exit status 1 where there is no log."""
    directory = Path(settings.evidence.directory)
    if settings.evidence.is_kept_nowhere or not (directory / "log" / "checkpoint").is_file():
        note(f"there is no evidence log in {settings.evidence.directory}")
        raise typer.Exit(1)
    return directory
