"""`report`: the owner's month on one printed page, from the evidence log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import typer

from vorbehalt.claims.register import read_register
from vorbehalt.claims.report.counting import MonthsTally, count_months
from vorbehalt.claims.report.estimate import estimate_sheet
from vorbehalt.claims.report.figures import figures_of
from vorbehalt.claims.report.html import as_html
from vorbehalt.claims.report.languages import WORDS
from vorbehalt.claims.report.mail import as_mail
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.pdf import as_pdf
from vorbehalt.claims.report.report import Proof, Report, as_json
from vorbehalt.claims.report.sheet import Sheet, sheet_of
from vorbehalt.claims.report.strangers import shown
from vorbehalt.claims.report.table import as_csv
from vorbehalt.claims.report.text import as_text
from vorbehalt.claims.report.visitors import Watched, ask_prometheus
from vorbehalt.claims.report.words import Words
from vorbehalt.cli.output import CONFIG, JSON, bar, moment, note, quoted, write_bytes
from vorbehalt.cli.works_now import catalogue_size, titles_of, work_of, works_now
from vorbehalt.edge.works_watch import WorksWatch
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.settings import Settings, load

_FORMS = (".html", ".pdf", ".eml", ".csv", ".json", ".txt")


def report(
    config: Path = CONFIG,
    month: str = typer.Option(None, "--month", help="Which month, like 2026-10; default: the last one over."),
    language: str = typer.Option(None, "--lang", help="de, en or fr; default: the site's first of these."),
    output: Path = typer.Option(
        None, "-o", "--output", help="Write to this file: .html, .pdf, .eml, .csv, .json or .txt."
    ),
    eml: bool = typer.Option(False, "--eml", help="Make a message that waits to be sent, beside -o FILE."),
    as_table: bool = typer.Option(False, "--csv", help="The figures as CSV."),
    for_machines: bool = JSON,
    size: int = typer.Option(None, "--size", min=0, help="Count the first so many records of the log only."),
    prometheus: str = typer.Option(None, "--prometheus", help="A Prometheus that counted visitors sent."),
) -> None:
    """Say what AI crawlers asked for and were delivered in a month, compared with the month before."""
    if eml + as_table + for_machines > 1:
        raise typer.BadParameter("give one of --eml, --csv and --json", param_hint="--eml")
    form = _form(output, ".csv" if as_table else ".json" if for_machines else "")
    now = moment(None)
    asked = _month(month, now)
    settings = load(config)
    words = _words(language, settings)
    directory = _evidence(settings)
    watch = works_now(settings)
    made = _made(settings, directory, watch, asked, now, size, prometheus)
    if form == ".eml" or (eml and output is None):
        _put(output, as_mail(made, words))
    elif form == ".json":
        _put(output, json.dumps(as_json(made), indent=2).encode("ascii") + b"\n")
    elif form == ".csv":
        _put(output, "".join(as_csv(made)).encode("utf-8"))
    elif form in (".html", ".pdf"):
        _put(output, _drawn(sheet_of(made, words), form))
    else:
        text = "".join(f"{shown(line)}\n" for line in as_text(sheet_of(made, words)))
        _put(output, text.encode("utf-8", "backslashreplace"))
    if eml and output is not None and form != ".eml":
        _put(output.with_suffix(".eml"), as_mail(made, words))
    if settings.value.is_set:
        _estimate(made, words, settings, watch, output, form)
    if not made.proof.holds:
        note("the evidence does not verify: see `vorbehalt evidence verify`")
        raise typer.Exit(1)


def _made(
    settings: Settings,
    directory: Path,
    watch: WorksWatch,
    month: Month,
    now: int,
    size: int | None,
    prometheus: str | None,
) -> Report:
    audit = verify(directory, progress=bar("verified"))
    proof = Proof(audit.assurance, audit.problems)
    try:
        register = read_register(directory, size)
        tally = MonthsTally(
            month,
            tokens={c.token: c.operator for c in settings.registry.crawlers if c.operator is not None},
            is_reserved=_is_reserved(settings),
            first_notice=register.first_notice,
        )
        counted = count_months(directory, tally, size, bar("counted"))
    except EvidenceError as error:
        if proof.holds:
            raise
        _cannot_count(proof, error)
    figures = figures_of(tally)
    sent, before = _visitors(prometheus, month, now), _visitors(prometheus, month.before, now)
    return Report(
        site=settings.default_host.terms.origin,
        now=now,
        size=counted,
        proof=proof,
        this=figures[month],
        before=figures[month.before],
        pruned=tally.missing,
        elsewhere=tally.elsewhere,
        catalogue=catalogue_size(watch, settings),
        letters=register.letters,
        visitors=None if sent is None else sent.visitors,
        visitors_before=None if before is None else before.visitors,
        visitors_are_whole=sent is None or sent.is_whole,
        title=titles_of(watch, settings),
    )


def _visitors(prometheus: str | None, month: Month, now: int) -> Watched | None:
    if prometheus is None:
        return None
    watched = ask_prometheus(prometheus, month, now)
    if watched is None:
        note(f"Prometheus has no figures of {month}: visitors sent are not recorded")
    elif not watched.is_whole:
        note(f"Prometheus has no figures of the first day of {month}: visitors sent are a lower bound")
    return watched


def _estimate(
    made: Report, words: Words, settings: Settings, watch: WorksWatch, output: Path | None, form: str
) -> None:
    if output is None or form not in (".html", ".pdf"):
        note("the internal estimate ([value]) is written only beside a report with -o FILE.html or FILE.pdf")
        return
    sheet = estimate_sheet(made, words, settings.value, work_of(watch, settings))
    _put(output.with_name(f"{output.stem}-internal{form}"), _drawn(sheet, form))


def _drawn(sheet: Sheet, form: str) -> bytes:
    return as_pdf(sheet) if form == ".pdf" else as_html(sheet).encode("utf-8", "backslashreplace")


def _put(output: Path | None, body: bytes) -> None:
    if output is None:
        write_bytes(body)
        return
    # Whole or as it was: a disk that fills must not leave half a report in the place of the last one.
    place = output.resolve()
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.writing")
    try:
        draft.write_bytes(body)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    note(f"wrote {output}")


def _form(output: Path | None, wanted: str) -> str:
    """Return in which form to write, by option and by the end of the name."""
    ending = output.suffix.lower() if output is not None else ""
    if output is not None and ending not in _FORMS:
        raise typer.BadParameter(
            f"{quoted(output.name)} ends in none of {', '.join(_FORMS)}", param_hint="-o"
        )
    if wanted and ending not in ("", wanted):
        raise typer.BadParameter(f"a name that ends in {ending} is not for {wanted}", param_hint="-o")
    return wanted or ending


def _month(text: str | None, now: int) -> Month:
    if text is None:
        return Month.at(now).before
    try:
        return Month.of(text)
    except ValueError as error:
        raise typer.BadParameter(f"{quoted(text)} is {error}", param_hint="--month") from None


def _words(language: str | None, settings: Settings) -> Words:
    if language is None:
        known = (code for code in settings.default_host.terms.languages if code in WORDS)
        return WORDS[next(known, "en")]
    if language not in WORDS:
        raise typer.BadParameter(f"{quoted(language)} is none of {', '.join(WORDS)}", param_hint="--lang")
    return WORDS[language]


def _is_reserved(settings: Settings) -> Callable[[str, str], bool]:
    """Return what says whether today's configuration reserves anything at a host in a section."""
    by_name = {name: host for host in settings.hosts for name in host.names}

    def is_reserved(host: str, section: str) -> bool:
        terms = by_name.get(host, settings.default_host).terms
        uses = next((one.uses for one in terms.sections if one.name == section), terms.uses)
        return not uses.is_open

    return is_reserved


def _evidence(settings: Settings) -> Path:
    directory = Path(settings.evidence.directory)
    if settings.evidence.is_kept_nowhere or not (directory / "log" / "checkpoint").is_file():
        note(f"there is no evidence log in {settings.evidence.directory}")
        raise typer.Exit(1)
    return directory


def _cannot_count(proof: Proof, error: EvidenceError) -> NoReturn:
    note("the evidence does not verify:")
    for problem in proof.problems:
        note(f"  {problem}")
    note(f"and cannot be counted: {error}")
    raise typer.Exit(1) from None
