"""`notice enter`: a letter that somebody wrote without us gets its number, its hold and its place as well."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from vorbehalt.claims.register import OWN, day_of, read_register
from vorbehalt.claims.register_entry import NewLetter, enter
from vorbehalt.claims.register_rules import next_sentence
from vorbehalt.claims.register_text import letter_json
from vorbehalt.cli.evidence_records import evidence_of
from vorbehalt.cli.notice_status import operator_named
from vorbehalt.cli.operator_actions import become_owner
from vorbehalt.cli.output import CONFIG, JSON, print_json, printable, say
from vorbehalt.settings import load


def enter_own(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="The letter as it goes out."),
    operator: str = typer.Option(..., "--operator", help="Whose crawlers it is about, by name or id."),
    approved_by: str = typer.Option(..., "--approved-by", help="The person who approved it, by name."),
    to: str = typer.Option("", "--to", help="The party addressed, e.g. Acme Ireland Ltd."),
    date: str = typer.Option(None, "--date", help="The day that it bears, e.g. 2026-11-23; default: today."),
    due: str = typer.Option(None, "--due", help="Until when an answer is awaited, e.g. 2026-12-15."),
    language: str = typer.Option("en", "--lang", help="Its language: de, en, fr."),
    about: str = typer.Option("", "--about", help="The number of the letter that it reminds of."),
    no_hold: str = typer.Option(None, "--no-hold", help="Set no hold on the operator's records; say why."),
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """Enter a letter of your own. The file is kept with the log for as long as the log."""
    settings = load(config)
    directory = evidence_of(settings)
    now = time.time_ns()
    name = operator_named(settings, operator, read_register(directory).letters)
    day = date or day_of(now)
    new = NewLetter(name, OWN, language, day, due, approved_by, file.read_bytes(), to=to, about=about)
    become_owner(directory)
    letter = enter(directory, new, no_hold, at=now)
    if as_json:
        print_json(letter_json(letter, day_of(now)))
        return
    say(printable(f"Entered as letter {letter.id} to {letter.operator}, sha256 {letter.digest}."))
    say(printable(
        f"The operator's records are held: {letter.hold}." if letter.hold else f"No hold: {letter.no_hold}."
    ))  # fmt: skip
    say(printable(f"Next: {next_sentence(letter, day_of(now))}"))
