"""`notice status`: what was written to whom, due when, answered how, what next, what came after notice."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from vorbehalt.claims.register import Letter, day_of, read_register
from vorbehalt.claims.register_text import TITLES, letter_json, read_later, row, sentences
from vorbehalt.cli.evidence_records import evidence_of
from vorbehalt.cli.output import CONFIG, JSON, bar, note, print_json, print_table, printable, quoted, say
from vorbehalt.policy.tables import did_you_mean
from vorbehalt.settings import Settings, load


def status(
    config: Path = CONFIG,
    operator: str = typer.Option(None, "--operator", help="Only letters to this operator, by name or id."),
    only_open: bool = typer.Option(
        False, "--open", help="Only letters that are neither closed nor withdrawn."
    ),
    size: int = typer.Option(None, "--size", min=0, help="As of the first so many records of the log."),
    traffic: bool = typer.Option(
        True, "--traffic/--no-traffic", help="Count what came after notice, which reads the whole log."
    ),
    as_json: bool = JSON,
) -> None:
    """Say what was written to whom, when it is due, what came back, what to do next."""
    settings = load(config)
    directory = evidence_of(settings)
    register = read_register(directory, size)
    letters = [one for one in register.letters if one.is_open or not only_open]
    if operator is not None:
        name = operator_named(settings, operator, register.letters)
        letters = [one for one in letters if one.operator == name]
    today = day_of(time.time_ns())
    operators = list(dict.fromkeys(one.operator for one in letters)) if traffic else []
    later = read_later(directory, register, _tokens(settings), operators, bar("counted"))
    if as_json:
        print_json(
            {
                "today": today,
                "size": register.size,
                "letters": [letter_json(one, today) for one in letters],
                "after_notice": [one.as_json() for one in later] if traffic else None,
                "strays": list(register.strays),
            }
        )
        return
    if letters:
        print_table(TITLES, [row(one, today) for one in letters])
    else:
        say("There is no such letter." if register.letters else "No letter was written yet.")
    for one in later:
        say(printable(one.sentence()))
    for text in sentences(register):
        note(text)


def operator_named(settings: Settings, text: str, letters: tuple[Letter, ...]) -> str:
    """Return the name of an operator as records bear it; one that was written to need not be known today."""
    known = {letter.operator.lower(): letter.operator for letter in letters}
    for party in settings.registry.parties.values():
        if party.is_operator:
            known.update({party.id.lower(): party.name, party.name.lower(): party.name})
    if (name := known.get(text.strip().lower())) is None:
        hint = did_you_mean(text, sorted(set(known.values())))
        raise typer.BadParameter(f"no operator has the name {quoted(text)}{hint}", param_hint="--operator")
    return name


def _tokens(settings: Settings) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for crawler in settings.registry.crawlers:
        if crawler.operator is None:
            continue
        found.setdefault(crawler.operator, set()).add(crawler.token)
    return {operator: frozenset(tokens) for operator, tokens in found.items()}
