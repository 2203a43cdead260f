"""`evidence rotate` and `evidence card`, and what `init` and `seal` do with a key that lies elsewhere."""

from __future__ import annotations

import os
import signal
import threading
import time
from enum import StrEnum
from pathlib import Path

import typer

from vorbehalt.cli.output import note, printable, say, utc, write
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.reading.card import make_card
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.sealing.succession import succeed
from vorbehalt.evidence.vault.holds import holds

KEY = typer.Option(None, "--key", help="Where the signing key lies, if not in the directory's keys/log.key.")

_SHEET = """\
SIGNING KEY OF AN EVIDENCE LOG. SECRET: whoever has it can forge the log.

Origin        {origin}
Verifier key  {vkey}
Made          {made}

Signing key, one line:

{skey}

Print this page, lock it away, delete the file. To restore: write the line above
into the key's file with mode 0600, owned by whoever seals, and run
"vorbehalt evidence seal". Without the key the log can be verified for ever, but
cannot grow: see "vorbehalt evidence rotate --why lost".

Kept by       ______________________________   Date  ________________
"""


class Why(StrEnum):
    """Why a log follows another."""

    ROTATION = "rotation"
    LOST = "lost"
    STOLEN = "stolen"


def write_sheet(path: Path, begun: EvidenceDirectory) -> None:
    """Write the signing key down for a safe; never over a file that is there."""
    if begun.signer is None:
        raise EvidenceError("the signing key is not here: the sheet is made by whoever holds it")
    text = _SHEET.format(
        origin=begun.verifier.name, vkey=begun.verifier.vkey, skey=begun.signer.skey, made=utc(time.time_ns())
    )
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(text)


def seal_again_and_again(directory: Path, key: Path | None, every: float) -> None:
    """Seal until SIGTERM or SIGINT, then once more. A trouble is said once, and tried again."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    said, is_last = "", False
    while True:
        try:
            result = seal_once(directory, key=key)
            for name in result.set_aside:
                note(f"set aside: spool/{name} could not be read as records")
            trouble = ", ".join(f"spool/{name} is damaged" for name in result.stuck)
        except (OSError, EvidenceError) as error:
            trouble = str(error)
        if trouble and trouble != said:
            note(printable(trouble))
        said = trouble
        if is_last:
            break
        is_last = over.wait(every)
    if said:
        raise typer.Exit(1)


def rotate(
    old: Path = typer.Argument(..., help="The evidence directory that ends.", exists=True, file_okay=False),
    new: Path = typer.Argument(..., help="The one that follows it; it is made."),
    origin: str = typer.Option(
        ..., "--origin", help="The new log's name: a URL without scheme, e.g. label.example/evidence/2027."
    ),
    why: Why = typer.Option(Why.ROTATION, "--why", help="With lost and stolen, the old key signs nothing."),
    key: Path = typer.Option(None, "--key", help="Where the old signing key lies, if elsewhere."),
    new_key: Path = typer.Option(None, "--new-key", help="Where the new signing key is to lie."),
) -> None:
    """Begin a new log with a new key that says where the old one ended. Prints the new verifier key."""
    begun = succeed(old, new, origin, why=why.value, old_key=key, new_key=new_key)
    note(f"{new} follows {old}. Set evidence.directory and evidence.origin, and restart.")
    note(f"Until then records go on into {old}, which is sealed as before. Keep both; keep this key outside:")
    try:
        held = sorted(hold.matter for hold in holds(old))
    except EvidenceError as error:  # the new log is there all the same
        note(str(error))
    else:
        if held:
            note(f"Holds of {old} do not cover {new}. Set there what is to go on: {', '.join(held)}")
    say(begun.verifier.vkey)


def card(
    directory: Path = typer.Argument(..., help="The evidence directory.", exists=True, file_okay=False),
    custodian: str = typer.Option(..., "--custodian", help="Who answers for the log: name and function."),
    html: Path = typer.Option(None, "--html", help="Write a page to print here; default: text on stdout."),
) -> None:
    """Print one page for counsel or a notary: origin, verifier key, first root, custodian, date."""
    made = make_card(directory, printable(custodian), time.time_ns())
    if html is None:
        write(made.text())
        return
    html.write_text(made.html(), encoding="utf-8")
    note(f"wrote {html}")
