"""`notice write`, `check`, `addressees`: letters rendered into a folder and entered. Nothing is ever sent."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import typer

from vorbehalt.claims.notice.addressees import EXAMPLE
from vorbehalt.claims.notice.folder import Outbox, folder_name, outbox
from vorbehalt.claims.notice.letter import Writing
from vorbehalt.claims.register import Letter
from vorbehalt.claims.register_entry import NewLetter, enter_all
from vorbehalt.cli.notice_order import (
    ADDRESSEES,
    ALL,
    APPROVED,
    COUNSEL,
    DAYS,
    DRAFT,
    DUE,
    EARLIER,
    KIND,
    LANGUAGE,
    LETTERHEAD,
    LICENCE,
    MONTH,
    OPERATOR,
    SINCE,
    SIZE,
    UNTIL,
    Asked,
    Run,
    prepare,
    with_catalogue,
)
from vorbehalt.cli.operator_actions import checked_reason
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, problem_json, say
from vorbehalt.cli.own_files import as_owner, as_started

_NOT_SENT = "Nothing was sent. Read each letter, send it yourself, then enter that: vorbehalt notice sent ID"


def addressees(
    example: bool = typer.Option(False, "--example", help="Print a file to begin with, with comments."),
) -> None:
    """Print a template of the file that says whom letters go to."""
    if not example:
        raise typer.BadParameter("use --example to print a template", param_hint="--example")
    sys.stdout.write(EXAMPLE)


def check(
    config: Path = CONFIG,
    kind: str = KIND,
    operator: str = OPERATOR,
    every: bool = ALL,
    addressees: Path = ADDRESSEES,
    lang: str = LANGUAGE,
    since: str = SINCE,
    until: str = UNTIL,
    month: str = MONTH,
    size: int = SIZE,
    due: str = DUE,
    days: int = DAYS,
    approved_by: str = APPROVED,
    offer_licence: bool = LICENCE,
    counsel_text: Path = COUNSEL,
    letterhead: Path = LETTERHEAD,
    earlier: str = EARLIER,
    draft: bool = DRAFT,
    as_json: bool = JSON,
) -> None:
    """List all that would stop each letter, at once, with its place; write nothing."""
    run = prepare(
        Asked(
            config, kind, operator, every or not operator, addressees, lang, since, until, month, size, due,
            days, approved_by, offer_licence, counsel_text, letterhead, earlier, draft,
        )
    )  # fmt: skip
    if as_json:
        print_json({"letters": len(run.ready), "errors": [*map(problem_json, run.problems)], "warnings": []})
    else:
        for problem in run.problems:
            say(printable(str(problem)))
        say(f"{len(run.ready)} of {run.asked} letters could be written; nothing is ever sent from here")
    if run.problems:
        raise typer.Exit(1)


def write(
    config: Path = CONFIG,
    kind: str = KIND,
    operator: str = OPERATOR,
    every: bool = ALL,
    addressees: Path = ADDRESSEES,
    lang: str = LANGUAGE,
    since: str = SINCE,
    until: str = UNTIL,
    month: str = MONTH,
    size: int = SIZE,
    due: str = DUE,
    days: int = DAYS,
    approved_by: str = APPROVED,
    offer_licence: bool = LICENCE,
    counsel_text: Path = COUNSEL,
    letterhead: Path = LETTERHEAD,
    earlier: str = EARLIER,
    no_hold: str = typer.Option(None, "--no-hold", help="Do not hold the operator's records, and why."),
    out: Path = typer.Option(..., "--out", file_okay=False, help="The folder to write into."),
    draft: bool = DRAFT,
    as_json: bool = JSON,
) -> None:
    """Write letters as text, HTML, PDF and e-mail draft, and enter them. Nothing is ever sent."""
    if no_hold is not None and not checked_reason(no_hold.strip()):
        raise typer.BadParameter("say why no hold is wanted: it stands in the record", param_hint="--no-hold")
    run = prepare(
        Asked(
            config, kind, operator, every, addressees, lang, since, until, month, size, due, days,
            approved_by, offer_licence, counsel_text, letterhead, earlier, draft,
        )
    )  # fmt: skip
    written: list[Written] = []
    if run.ready:
        with outbox(out) as box:
            for rest in box.left:
                note(
                    f"{rest} is of a run that was killed: what notice status does not name was never entered"
                )
            letters = with_catalogue(run, box)
            written = _drafts(letters, box) if draft else _entered(run, letters, box, no_hold)
            box.deliver()
    _told(written, run, out, is_draft=draft, as_json=as_json)
    if run.problems:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Written:
    """A letter and its folder; `letter` is what the register says, None of a draft."""

    writing: Writing
    folder: str
    letter: Letter | None = None

    def as_json(self) -> dict[str, object]:
        letter, writing = self.letter, self.writing
        return {
            "id": None if letter is None else letter.id,
            "operator": writing.operator,
            "to": writing.to.legal_name,
            "line": writing.to.line,
            "kind": writing.order.kind.value,
            "language": writing.language,
            "due": None if letter is None else letter.due,
            "digest": None if letter is None else letter.digest,
            "hold": None if letter is None else letter.hold or None,
            "email": writing.to.email or None,
            "folder": self.folder,
        }


def _drafts(letters: list[Writing], box: Outbox) -> list[Written]:
    made = []
    for count, one in enumerate(letters, 1):
        folder = folder_name(f"draft-{one.to.line}", one.to.legal_name, one.order.kind)
        box.put(folder, one.render("").files)
        made.append(Written(one, folder))
        _count("rendered", count, len(letters))
    return made


def _entered(run: Run, letters: list[Writing], box: Outbox, no_hold: str | None) -> list[Written]:
    """Enter all letters under their numbers; each is rendered and written before any is entered."""
    folders: list[str] = []

    def text_of(one: Writing, number: str) -> bytes:
        # Templates, libraries and results may lie where the owner of the evidence can neither read nor write.
        with as_started():
            rendered = one.render(number)
            folders.append(folder_name(number, one.to.legal_name, one.order.kind))
            box.put(folders[-1], rendered.files)
        _count("rendered", len(folders), len(letters))
        return rendered.text

    new = [
        NewLetter(
            operator=one.operator,
            kind=one.order.kind.value,
            language=one.language,
            date=one.order.today.isoformat(),
            due=one.deadline,
            approved_by=one.order.approved_by,
            text=lambda number, one=one: text_of(one, number),  # type: ignore[misc]
            to=one.to.legal_name,
            about=one.about,
        )
        for one in letters
    ]
    with as_owner(run.directory):
        entered = enter_all(run.directory, new, no_hold, at=time.time_ns())
    return [Written(*three) for three in zip(letters, folders, entered, strict=True)]


def _told(written: list[Written], run: Run, out: Path, *, is_draft: bool, as_json: bool) -> None:
    problems = run.problems
    if as_json:
        print_json(
            {"written": [one.as_json() for one in written], "errors": [*map(problem_json, problems)],
             "sent": False}
        )  # fmt: skip
    else:
        for one in written:
            number = "draft" if one.letter is None else one.letter.id
            say(printable(f"{number}  {one.writing.to.legal_name}  {out / one.folder}"))
    for problem in problems:
        note(str(problem))
    if problems:
        note(f"{len(written)} letters were written; {run.asked - len(written)} could not be")
    if written:
        note("Drafts: nothing was entered, held or sent." if is_draft else _NOT_SENT)


def _count(what: str, done: int, total: int) -> None:
    if total > 1 and (done == total or done % 25 == 0):
        print(f"{done} of {total} letters {what}", file=sys.stderr, flush=True)
