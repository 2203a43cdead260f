"""What `notice write` and `notice check` share: options read, everything gathered, what stops listed."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import typer

from vorbehalt.claims.notice.addressees import Book, read_addressees
from vorbehalt.claims.notice.annexes import WORKS, FindWork, catalogue_lines
from vorbehalt.claims.notice.counsel import Counsel, read_counsel
from vorbehalt.claims.notice.folder import Outbox
from vorbehalt.claims.notice.gather import gather
from vorbehalt.claims.notice.kinds import LANGUAGES, RESTS_ON, Kind
from vorbehalt.claims.notice.letter import Workshop, Writing
from vorbehalt.claims.notice.order import ENCLOSED_BYTES, Catalogue, Order
from vorbehalt.claims.notice.sender import sender_of
from vorbehalt.claims.notice.wording import day_of, one_line
from vorbehalt.cli.evidence_records import evidence_of
from vorbehalt.cli.output import moment, note, period, quoted, show_progress
from vorbehalt.cli.works_now import works_now
from vorbehalt.errors import ConfigError, Problem
from vorbehalt.policy.tables import did_you_mean
from vorbehalt.settings import Settings, load
from vorbehalt.works.entry import Work
from vorbehalt.works.index import WorksIndex

MAX_DAYS = 366
KIND = typer.Option(..., "--kind", help=f"Which letter: {', '.join(Kind)}.")
OPERATOR = typer.Option("", "--operator", help="Write to this operator's rows, by name or id.")
ALL = typer.Option(False, "--all", help="Write to every row of the addressees.")
ADDRESSEES = typer.Option(..., "--addressees", exists=True, dir_okay=False, help="Whom to write to (CSV).")
LANGUAGE = typer.Option("", "--lang", help="de, en or fr; default: the language of each row.")
SINCE = typer.Option(None, "--from", help="Count requests from this day or time on (ISO 8601, UTC).")
UNTIL = typer.Option(None, "--to", help="Count up to this day or time, which is not included.")
MONTH = typer.Option("", "--month", help="Count requests of one month, e.g. 2026-10.")
SIZE = typer.Option(None, "--size", min=0, help="Rest on the first so many records of the log only.")
DUE = typer.Option("", "--due", help="The deadline, e.g. 2026-12-15.")
DAYS = typer.Option(None, "--days", min=1, max=MAX_DAYS, help="The deadline in days from today (default 21).")
APPROVED = typer.Option("", "--approved-by", help="Who read and approved it: first and last name.")
LICENCE = typer.Option(False, "--offer-licence", help="Offer a licence (needs reservation.may_license).")
COUNSEL = typer.Option(
    None, "--counsel-text", exists=True, dir_okay=False,
    help="Text of counsel, set apart; its first line is Counsel: NAME.",
)  # fmt: skip
LETTERHEAD = typer.Option(
    None, "--letterhead", exists=True, dir_okay=False, help="Name and address of the sender, line by line."
)
EARLIER = typer.Option("", "--earlier", help="The letter to remind of, by number; default: the last overdue.")
DRAFT = typer.Option(False, "--draft", help="Mark it as a draft; enter nothing, hold nothing.")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as they were given."""

    config: Path
    kind: str
    operator: str
    every: bool
    addressees: Path
    language: str
    since: str | None
    until: str | None
    month: str
    size: int | None
    due: str
    days: int | None
    approved_by: str
    offers_licence: bool
    counsel: Path | None
    letterhead: Path | None
    earlier: str
    is_draft: bool


@dataclass(slots=True)
class Run:
    """Which letters can be written, and what stops the others."""

    settings: Settings
    directory: Path
    indexes: list[WorksIndex]
    asked: int = 0
    ready: list[Writing] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def prepare(asked: Asked) -> Run:
    """Read everything that the letters rest on. Raises ConfigError if no addressee can be read."""
    settings = load(asked.config)
    at = time.time_ns()
    order = _order(asked, day_of(at))
    file = str(asked.addressees)
    book = read_addressees(file, asked.addressees.read_bytes(), order.today)
    if not book.is_usable:
        raise ConfigError(book.problems)
    lines = _selected(asked, settings, book)
    counsel, problems = _counsel(asked)
    order = replace(order, counsel=counsel)
    directory = evidence_of(settings)
    watch = works_now(settings)
    hosts = (settings.default_host, *settings.hosts)
    indexes = list({id(i): i for host in hosts if (i := watch.index_of(host)) is not None}.values())
    run = Run(settings, directory, indexes, len(lines), problems=problems)
    rows = [row for row in book.rows if row.line in lines]
    letterhead = asked.letterhead.read_text("utf-8", "replace") if asked.letterhead else ""
    sender = sender_of(settings, letterhead, offers_licence=order.offers_licence)
    workshop = Workshop()
    shown = show_progress if sys.stderr.isatty() else None
    found = gather(settings, directory, order, sender, rows, _finder(indexes), at=at, progress=shown)
    for text in found.notes:
        note(text)
    run.problems += found.problems
    stops_all = bool(run.problems)
    run.problems += [p for p in book.problems if p.line in lines]
    for row in rows if found.material is not None else ():
        assert found.material is not None
        one = Writing(order, row, found.material, workshop)
        if wrong := one.problems(file):
            run.problems += wrong
        elif not stops_all:
            run.ready.append(one)
    return run


def with_catalogue(run: Run, box: Outbox) -> list[Writing]:
    """Write the list of all works beside the letters that speak of it; return the letters with it."""
    if not run.indexes or run.ready[0].order.kind in RESTS_ON:
        return run.ready
    path = box.path(WORKS)
    digest, size = sha256(), 0
    ids = sorted({id for index in run.indexes for id in index.ids()})
    with path.open("wb") as file:
        for line in catalogue_lines(ids, _finder(run.indexes)):
            data = line.encode("utf-8", "replace")
            digest.update(data)
            size += file.write(data)
    # Runs with different catalogues may share a folder: each letter names its list by the digest.
    path = path.rename(box.path(f"annex-works-{digest.hexdigest()[:12]}.csv"))
    body = path.read_bytes() if size <= ENCLOSED_BYTES else None
    listed = Catalogue(len(ids), digest.hexdigest(), body)
    return [replace(one, material=replace(one.material, catalogue=listed)) for one in run.ready]


def _order(asked: Asked, today: date) -> Order:
    try:
        kind = Kind(asked.kind)
    except ValueError:
        hint = did_you_mean(asked.kind, list(Kind))
        raise typer.BadParameter(
            f"there is no kind {quoted(asked.kind)}{hint}", param_hint="--kind"
        ) from None
    if asked.language and asked.language not in LANGUAGES:
        raise typer.BadParameter(f"letters are written in {', '.join(LANGUAGES)}", param_hint="--lang")
    if asked.every == bool(asked.operator):
        raise typer.BadParameter("give either --operator or --all", param_hint="--operator")
    since, until = _period(asked)
    return Order(
        kind=kind,
        today=today,
        due=_due(asked, today),
        approved_by=one_line(asked.approved_by),
        language=asked.language,
        since=since,
        until=until,
        size=asked.size,
        offers_licence=asked.offers_licence,
        is_draft=asked.is_draft,
        earlier=asked.earlier,
    )


def _due(asked: Asked, today: date) -> date:
    if asked.due and asked.days is not None:
        raise typer.BadParameter("give either --due or --days", param_hint="--due")
    if not asked.due:
        return today + timedelta(days=21 if asked.days is None else asked.days)
    try:
        due = date.fromisoformat(asked.due)
    except ValueError:
        message = f"{quoted(asked.due)} is no day; write it like 2026-12-15"
        raise typer.BadParameter(message, param_hint="--due") from None
    if not today < due <= today + timedelta(days=MAX_DAYS):
        message = f"the deadline must lie in the future, within {MAX_DAYS} days"
        raise typer.BadParameter(message, param_hint="--due")
    return due


def _period(asked: Asked) -> tuple[int | None, int | None]:
    if asked.month:
        if asked.since or asked.until:
            raise typer.BadParameter("give either --month or --from and --to", param_hint="--month")
        try:
            first = date.fromisoformat(f"{asked.month}-01")
        except ValueError:
            message = f"{quoted(asked.month)} is no month; write it like 2026-10"
            raise typer.BadParameter(message, param_hint="--month") from None
        after = (first + timedelta(days=31)).replace(day=1)
        return moment(first.isoformat(), "--month"), moment(after.isoformat(), "--month")
    return period(asked.since or None, asked.until or None)


def _selected(asked: Asked, settings: Settings, book: Book) -> set[int]:
    """Return the lines to write to; those that were cut too short to name anybody belong to all."""
    wrong = {problem.line for problem in book.problems}
    if not asked.operator:
        return {*book.names, *wrong}
    named = {_name(settings, asked.operator)}
    lines = {line for line, name in book.names.items() if _name(settings, name) in named}
    if not lines:
        hint = did_you_mean(asked.operator, sorted({*book.names.values()}))
        message = f"no row of {asked.addressees} is for {quoted(asked.operator)}{hint}"
        raise typer.BadParameter(message, param_hint="--operator")
    return lines


def _name(settings: Settings, text: str) -> str:
    """Return an operator's name as records bear it, in small letters; what the rules do not know as it is."""
    for party in settings.registry.parties.values():
        if party.is_operator and text.strip().lower() in (party.name.lower(), party.id.lower()):
            return party.name.lower()
    return text.strip().lower()


def _counsel(asked: Asked) -> tuple[Counsel | None, list[Problem]]:
    if asked.counsel is None:
        return None, []
    return read_counsel(str(asked.counsel), asked.counsel.read_bytes())


def _finder(indexes: list[WorksIndex]) -> FindWork:
    def find(id: str) -> Work | None:
        return next((work for index in indexes if (work := index.work(id)) is not None), None)

    return find
