"""`dossier`: what the log says of one operator, with all that proves it, in a folder for others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import typer

from vorbehalt.claims.dossier.check import TAKEN, check_dossier
from vorbehalt.claims.dossier.declared import parties_of, tokens_of
from vorbehalt.claims.dossier.disclosures import read_disclosures
from vorbehalt.claims.dossier.folder import Pages
from vorbehalt.claims.dossier.make import Asked, Made, make_dossier
from vorbehalt.claims.dossier.words import LANGUAGES
from vorbehalt.claims.ledger import Query
from vorbehalt.cli.evidence_records import keep, recording
from vorbehalt.cli.output import CONFIG, JSON, note, period, print_json, printable, quoted, say, show_progress
from vorbehalt.cli.works_now import works_now
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.export import export_draft
from vorbehalt.evidence.bundle.pin import pin
from vorbehalt.identify.registry import Party
from vorbehalt.policy.tables import did_you_mean
from vorbehalt.settings import Settings, load
from vorbehalt.works.entry import Work
from vorbehalt.works.index import WorksIndex

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="What the log says of one operator, with all that proves it, in a folder for others.",
)
_SHOWN_EVERY_SECONDS = 0.5
_MOST_SHOWN = 20


@app.callback()
def dossier(
    context: typer.Context,
    config: Path = CONFIG,
    operator: str = typer.Option("", "--operator", help="The operator, by name or id."),
    out: Path = typer.Option(None, "--out", help="The folder to make; new, empty, or the same dossier."),
    since: str = typer.Option(None, "--from", help="From this day or time on (ISO 8601, UTC)."),
    until: str = typer.Option(None, "--to", help="Up to this day or time, which is not included."),
    size: int = typer.Option(
        None, "--size", min=1, help="Of the first so many records; default: all sealed."
    ),
    disclosures: Path = typer.Option(
        None, "--disclosures", exists=True, dir_okay=False, help="CSV of what the operator says it crawled."
    ),
    custodian: str = typer.Option("", "--custodian", help="Who keeps the evidence, for the custody sheet."),
    lang: str = typer.Option("en", "--lang", help="Language of the dossier: en or de."),
    key: Path = typer.Option(None, "--key", help="The signing key, for --size, if it lies elsewhere."),
    record: bool = typer.Option(True, "--record/--no-record", help="Keep a record that it was made."),
    as_json: bool = JSON,
) -> None:
    """Write the dossier of one operator; exit 1 if the evidence does not verify, and the dossier says so."""
    if context.invoked_subcommand is not None:
        return
    for option, value in (("--operator", operator), ("--out", out)):
        if not value:
            raise typer.BadParameter("is needed", param_hint=option)
    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{quoted(lang)} is none of {', '.join(LANGUAGES)}", param_hint="--lang")
    for option, text in (("--custodian", custodian), ("--disclosures", disclosures and disclosures.name)):
        if text and not text.isprintable():
            raise typer.BadParameter("holds control characters", param_hint=option)
    settings = load(config)
    party = _party(settings, operator)
    directory = _evidence(settings)
    if out.resolve().is_relative_to(directory.resolve()):
        raise typer.BadParameter("the folder must not lie in the evidence directory", param_hint="--out")
    if record and not os.access(directory / "spool", os.W_OK | os.X_OK):
        raise EvidenceError(
            f"no record can be kept in {directory}: give --no-record, as for a copy of the log"
        )
    find, catalogue = _catalogue(settings)
    rows, digest = read_disclosures(disclosures) if disclosures is not None else ((), "")
    query = Query(
        party.name,
        *period(since, until),
        tokens_of(settings, party),
        size,
    )
    asked = Asked(
        query=query,
        language=lang,
        parties=parties_of(settings, party),
        catalogue=catalogue,
        work=find,
        custodian=" ".join(custodian.split()),
        disclosures=rows,
        disclosures_file=(disclosures.name, digest) if disclosures is not None else ("", ""),
    )
    made = make_dossier(pin(directory, size, key=key), asked, out, pages=_pages(), progress=_progress())
    if record:
        _record(directory, made)
    _print(made, out, as_json)
    if not made.contents.verification.ok:
        raise typer.Exit(1)


@app.command("check")
def check(
    folder: Path = typer.Argument(..., exists=True, file_okay=False, help="The folder of a dossier."),
    as_json: bool = JSON,
) -> None:
    """Compute every figure again from the enclosed records; exit 1 and name what differs."""
    found = check_dossier(folder)
    if as_json:
        print_json({
            "ok": found.ok, "records": found.records, "figures": found.figures,
            "differences": list(found.differences), "evidence_verified": found.verifies,
            "taken_as_given": list(TAKEN),
        })  # fmt: skip
    else:
        say(f"{found.records} records, {found.figures} figures computed again")
        for line in found.differences:
            say(f"differs: {printable(line)}")
        say(f"taken as given: {', '.join(TAKEN)}")
        if not found.verifies:
            say("the dossier itself says that its evidence does not verify")
        say("fails" if found.differences else "holds")
        note("Signature, tree, objects and time stamps: python3 -I -S verify.py DIR --vkey KEY")
    if not found.ok:
        raise typer.Exit(1)


def _record(directory: Path, made: Made) -> None:
    contents = made.contents
    question = asdict(contents.question)
    enclosed = contents.summary.records_enclosed
    with recording(directory, "dossier") as evidence:
        draft = export_draft("dossier", question, contents.pin.size, enclosed, made.digest, time.time_ns())
        keep(evidence, draft)


def _print(made: Made, out: Path, as_json: bool) -> None:
    contents = made.contents
    summary, problems = contents.summary, contents.verification.problems
    if as_json:
        print_json({
            "directory": str(out), "question": asdict(contents.question), "root": contents.pin.root,
            "verifies": contents.verification.ok, "problems": list(problems),
            "assurance": summary.assurance, "records": summary.records_enclosed, "files": made.files,
            "attributed": asdict(summary.attributed), "described": asdict(summary.described),
            "impostors": asdict(summary.impostors), "works_delivered": summary.works_delivered,
            "gaps": summary.gaps, "manifest": made.digest,
        })  # fmt: skip
        return
    for sentence in summary.sentences:
        say(printable(sentence.sentence))
    for problem in problems[:_MOST_SHOWN]:
        say(f"does not verify: {printable(problem)}")
    if len(problems) > _MOST_SHOWN:
        say(f"and {len(problems) - _MOST_SHOWN} more: contents.json lists them")
    say(printable(f"{summary.records_enclosed} of {contents.pin.size} records in {out}"))
    say(f"SHA-256 of manifest.sha256: {made.digest}")
    note(f"The same question with --size {contents.pin.size} gives the same bytes")


def _party(settings: Settings, text: str) -> Party:
    parties = [party for party in settings.registry.parties.values() if party.is_operator]
    for party in parties:
        if text.strip().lower() in (party.name.lower(), party.id.lower()):
            return party
    hint = did_you_mean(text, sorted({party.name for party in parties}))
    raise typer.BadParameter(f"no operator has the name {quoted(text)}{hint}", param_hint="--operator")


def _evidence(settings: Settings) -> Path:
    directory = Path(settings.evidence.directory)
    if settings.evidence.is_kept_nowhere or not (directory / "log" / "checkpoint").is_file():
        note(f"there is no evidence log in {settings.evidence.directory}")
        raise typer.Exit(1)
    return directory


def _catalogue(settings: Settings) -> tuple[Callable[[str], Work | None], int | None]:
    """Return what finds a work in any catalogue, and how many works there are; None without a catalogue."""
    watch = works_now(settings)
    hosts = (settings.default_host, *settings.hosts)
    indexes: list[WorksIndex] = []
    for host in hosts:
        index = watch.index_of(host)
        if index is not None and index not in indexes:
            indexes.append(index)

    def find(id: str) -> Work | None:
        return next((work for index in indexes if (work := index.work(id)) is not None), None)

    if not indexes:
        return find, None
    if len(indexes) == 1:
        return find, indexes[0].counts.works
    return find, len({id for index in indexes for id in index.ids()})


def _pages() -> Pages:
    """Return what makes the pages for people; raises EvidenceError at once if the extra is missing."""
    from vorbehalt.claims.dossier.page import needs, pages

    needs()
    return pages


def _progress() -> Callable[[str, int, int], None]:
    """Show on stderr how far it is: in place on a terminal, else a line at the end of each step."""
    last = 0.0

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        if not sys.stderr.isatty():
            if done >= total:
                note(f"{total} records {what}")
            return
        if done >= total or time.monotonic() - last > _SHOWN_EVERY_SECONDS:
            last = time.monotonic()
            show_progress(what, done, total)

    return show
