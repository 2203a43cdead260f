"""`notice`: letters to operators, and what became of them. Nothing is ever sent from here."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path

import typer

from vorbehalt.claims.register import ANSWERED, CLOSED, DELIVERED, REMINDED, SENT, WITHDRAWN, day_of
from vorbehalt.claims.register_entry import take_step
from vorbehalt.claims.register_rules import NewStep, next_sentence
from vorbehalt.claims.register_text import letter_json
from vorbehalt.cli.evidence_records import WHO, evidence_of, login_name
from vorbehalt.cli.notice_enter import enter_own
from vorbehalt.cli.notice_status import status
from vorbehalt.cli.notice_write import addressees, check, write
from vorbehalt.cli.operator_actions import become_owner, checked_reason
from vorbehalt.cli.output import CONFIG, JSON, print_json, printable, say
from vorbehalt.evidence.vault import holds
from vorbehalt.settings import load

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Letters to operators: what was written to whom, when it is due, what came back.",
)
app.command("enter")(enter_own)
app.command("status")(status)
app.command("write")(write)
app.command("check")(check)
app.command("addressees")(addressees)

_ID = typer.Argument(..., metavar="ID", help="The letter's number, e.g. 2026-0007.")
_ON = typer.Option(None, "--on", help="The day (UTC) on which it happened, e.g. 2026-11-23; default: today.")
_KEEP = typer.Option(
    False, "--keep", help="Keep the file with the log, for as long as the log; else only its SHA-256."
)


@app.command("sent")
def sent(
    id: str = _ID,
    on: str = _ON,
    channel: str = typer.Option(..., "--channel", help="How, e.g. registered post RR123456785DE."),
    proof: Path = typer.Option(None, "--proof", exists=True, dir_okay=False, help="A proof of dispatch."),
    keep: bool = _KEEP,
    config: Path = CONFIG,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Enter that a letter went out. What its operator does later is marked as after notice."""
    _take(config, id, SENT, on, channel, proof, keep=keep, who=who, as_json=as_json)


@app.command("delivered")
def delivered(
    id: str = _ID,
    on: str = _ON,
    text: str = typer.Option("", "--text", help="How that is known, in one line."),
    proof: Path = typer.Option(None, "--proof", exists=True, dir_okay=False, help="A proof of delivery."),
    keep: bool = _KEEP,
    config: Path = CONFIG,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Enter that a letter arrived."""
    _take(config, id, DELIVERED, on, text, proof, keep=keep, who=who, as_json=as_json)


@app.command("answered")
def answered(
    id: str = _ID,
    on: str = _ON,
    text: str = typer.Option(..., "--text", help="What the answer says, in one line."),
    file: Path = typer.Option(None, "--file", exists=True, dir_okay=False, help="The answer itself."),
    keep: bool = _KEEP,
    config: Path = CONFIG,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Enter that an answer came."""
    _take(config, id, ANSWERED, on, text, file, keep=keep, who=who, as_json=as_json)


@app.command("remind")
def remind(
    id: str = _ID,
    on: str = _ON,
    due: str = typer.Option("", "--due", help="The new deadline, e.g. 2026-12-15."),
    text: str = typer.Option("", "--text", help="How, in one line, e.g. by letter 2026-0012."),
    config: Path = CONFIG,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Enter that its operator was reminded of a letter, and until when an answer is awaited now."""
    _take(config, id, REMINDED, on, text, None, due=due, who=who, as_json=as_json)


@app.command("close")
def close(
    id: str = _ID,
    on: str = _ON,
    text: str = typer.Option(..., "--text", help="How the matter ended, in one line."),
    config: Path = CONFIG,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Enter that a letter is settled. Its hold stays until `evidence hold --end`."""
    _take(config, id, CLOSED, on, text, None, who=who, as_json=as_json)


@app.command("withdraw")
def withdraw(
    id: str = _ID,
    on: str = _ON,
    reason: str = typer.Option(..., "--reason", help="Why, in one line."),
    config: Path = CONFIG,
    who: str = WHO,
    as_json: bool = JSON,
) -> None:
    """Enter that a letter was withdrawn: it gives no notice any more. Its hold stays."""
    _take(config, id, WITHDRAWN, on, reason, None, who=who, as_json=as_json)


def _take(
    config: Path,
    id: str,
    name: str,
    on: str | None,
    text: str,
    file: Path | None,
    *,
    who: str | None,
    as_json: bool,
    keep: bool = False,
    due: str = "",
) -> None:
    if keep and file is None:
        raise typer.BadParameter("there is no file to keep", param_hint="--keep")
    if not text and name in (SENT, ANSWERED, CLOSED, WITHDRAWN):
        raise typer.BadParameter("say it in one line: it stands in the record")
    directory = evidence_of(load(config))
    body = file.read_bytes() if file is not None else None
    now = time.time_ns()
    step = NewStep(
        name,
        on or day_of(now),
        text,
        sha256(body).hexdigest() if body is not None else "",
        due,
        checked_reason(who.strip()) if who else login_name(),
    )
    become_owner(directory)
    letter = take_step(directory, id, step, at=now, keep=body if keep else None)
    today = day_of(now)
    if as_json:
        print_json(letter_json(letter, today))
        return
    say(printable(f"Letter {letter.id} to {letter.operator}: {name}, entered for {step.date}."))
    say(printable(f"Next: {next_sentence(letter, today)}"))
    if name == SENT and letter.about:
        say(printable(f"It reminds of {letter.about}: vorbehalt notice remind {letter.about} enters that."))
    if not letter.is_open and any(hold.matter == letter.hold for hold in holds.holds(directory)):
        say(printable(
            f"{letter.hold} still holds the operator's records: vorbehalt evidence hold DIR"
            f" --matter {letter.hold} --end releases it."
        ))  # fmt: skip
