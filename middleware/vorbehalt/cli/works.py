"""`works`: check the catalogue, make one from pages or sitemaps, and what an operator was delivered."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import typer

from vorbehalt.claims import ledger_text
from vorbehalt.claims.ledger import Query, read_ledger
from vorbehalt.claims.ledger_text import percent
from vorbehalt.claims.register import read_register
from vorbehalt.claims.unmapped import read_unmapped
from vorbehalt.cli.evidence_records import evidence_of
from vorbehalt.cli.output import (
    CONFIG,
    JSON,
    bar,
    note,
    period,
    print_json,
    printable,
    problem_json,
    quoted,
    say,
    write,
)
from vorbehalt.cli.works_now import catalogue_problems, catalogue_size, has_work, titles_of, works_now
from vorbehalt.evidence.bundle.spreadsheet import harmless
from vorbehalt.policy.tables import did_you_mean
from vorbehalt.settings import Settings, load
from vorbehalt.works.entry import Entry, Notes
from vorbehalt.works.pattern import UrlPattern
from vorbehalt.works.reading import kind_of, read_entries

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Works: the catalogue, and what was delivered of it."
)
_MAX_PAGES = 100_000


@app.command("check")
def check(
    config: Path = CONFIG,
    top: int = typer.Option(20, "--top", min=0, help="How many paths without a work to list."),
    as_json: bool = JSON,
) -> None:
    """Count the works of the catalogue, and list the paths of the evidence at which none is found."""
    settings = load(config)
    watch, errors, warnings = catalogue_problems(settings)
    if errors:
        if as_json:
            print_json({"errors": [*map(problem_json, errors)], "warnings": [*map(problem_json, warnings)]})
        else:
            for problem in errors:
                say(printable(str(problem)))
        raise typer.Exit(2)
    hosts = [
        (host.terms.origin, index.counts)
        for host in (settings.default_host, *settings.hosts)
        if (index := watch.index_of(host)) is not None
    ]
    evidence = settings.evidence
    directory = Path(evidence.directory)
    seen = None
    if not evidence.is_kept_nowhere and (directory / "log" / "checkpoint").is_file():
        seen = read_unmapped(directory, has_work(watch, settings), top)
    if as_json:
        print_json(
            {
                "errors": [],
                "warnings": [*map(problem_json, warnings)],
                "catalogues": [
                    {"origin": origin, "rows": c.rows, "works": c.works, "paths": c.places,
                     "patterns": c.patterns, "unplaced_rows": c.unplaced}
                    for origin, c in hosts
                ],
                "requests": None if seen is None else seen.as_json(),
            }
        )  # fmt: skip
        return
    for origin, c in hosts:
        say(
            f"{printable(origin)}: {c.works} works in {c.rows} rows,"
            f" at {c.places} paths and {c.patterns} patterns"
            + (f"; {c.unplaced} rows lie at no path" if c.unplaced else "")
        )
    if not hosts:
        say("there is no catalogue; records name works by patterns and the callback only")
    for problem in warnings:
        say(f"warning: {printable(str(problem))}")
    if seen is not None:
        share = percent(seen.mapped, seen.requests)
        say(f"{seen.requests} recorded requests: {seen.mapped} lie at a path with a work now ({share} %)")
        for host, path, count in seen.top:
            say(f"no work: {count} requests of {printable(host + path)}")
        if seen.forgotten:
            say(f"{seen.forgotten} requests of other paths without a work")


@app.command("scan")
def scan(
    places: list[Path] = typer.Argument(..., help="HTML pages, sitemaps or catalogues, or a folder of them."),
    pattern: list[str] = typer.Option(
        [], "--pattern", help="What in a sitemap is a work, e.g. /songs/{id}; repeatable."
    ),
) -> None:
    """Print a catalogue in CSV of what pages say of themselves (JSON-LD) or a sitemap lists.

    A page in a folder is found at its path below that folder, unless it names a canonical URL of its own.
    """
    try:
        patterns = tuple(map(UrlPattern.of, pattern))
    except ValueError as error:
        raise typer.BadParameter(f"a pattern {error}", param_hint="--pattern") from None
    flawed = found = 0
    write("url,id,title,contributors,kind,right\r\n")
    for path, address in _files(places):
        notes = Notes()
        with path.open("rb") as file:
            for entry in read_entries(path.name, file, patterns, notes, address=address):
                found += 1
                write(_row(entry))
        for flaw in (*notes.flaws, *notes.remarks):
            note(f"{path}:{flaw.line}: {flaw.message}")
        flawed += notes.flawed
    note(f"{found} works; say for each in which right you hold it before you rely on it")
    if flawed:
        raise typer.Exit(1)


def _files(places: list[Path]) -> Iterator[tuple[Path, str]]:
    for place in places:
        if place.is_dir():
            pages = sorted(path for path in place.rglob("*.htm*") if path.is_file())
            if len(pages) > _MAX_PAGES:
                note(f"{place}: only the first {_MAX_PAGES} pages are read")
            for path in pages[:_MAX_PAGES]:
                below = f"/{path.relative_to(place).as_posix()}"
                yield path, below.removesuffix("index.html") if below.endswith("/index.html") else below
        elif not place.is_file() or not kind_of(place.name):
            raise typer.BadParameter(f"{quoted(str(place))} is no page, sitemap, catalogue or folder")
        else:
            yield place, f"/{place.name}"


def _row(entry: Entry) -> str:
    work = entry.work
    people = "; ".join(f"{p.name} [{p.isni}]" if p.isni else p.name for p in work.contributors)
    urls = [f"https://{p.host}{p.path}" if p.host else p.path for p in entry.places]
    out = StringIO()
    cells = ("\n".join(urls), "; ".join(work.ids), work.title, people, work.kind)
    right = work.rights[0].right if work.rights else ""
    csv.writer(out).writerow([*(harmless(cell) if "\n" not in cell else cell for cell in cells), right])
    return out.getvalue()


@app.command("ledger")
def ledger(
    config: Path = CONFIG,
    operator: str = typer.Option(..., "--operator", help="The operator, by name or id."),
    since: str = typer.Option(None, "--from", help="From this day or time on (ISO 8601, UTC)."),
    until: str = typer.Option(None, "--to", help="Up to this day or time, which is not included."),
    size: int = typer.Option(None, "--size", min=0, help="Count the first so many records of the log only."),
    as_json: bool = JSON,
    as_table: bool = typer.Option(False, "--csv", help="Print CSV, by day and by work."),
) -> None:
    """Count what an operator requested, was refused and was delivered, by work, day and standing."""
    if as_json and as_table:
        raise typer.BadParameter("give either --json or --csv", param_hint="--csv")
    settings = load(config)
    directory = evidence_of(settings)
    name, tokens = _operator(settings, operator)
    query = Query(
        name,
        *period(since, until),
        tokens,
        size,
    )
    counted = read_ledger(directory, query, bar("counted"))
    watch = works_now(settings)
    title = titles_of(watch, settings)
    catalogue = catalogue_size(watch, settings)
    notice = read_register(directory, counted.size).first_letter(name)
    if as_json:
        print_json(ledger_text.as_json(counted, catalogue, title, notice))
    elif as_table:
        for line in ledger_text.as_csv(counted, title, notice):
            write(line)
    else:
        for line in ledger_text.sentences(counted, catalogue, notice):
            say(printable(line))


def _operator(settings: Settings, text: str) -> tuple[str, frozenset[str]]:
    """Return the name of an operator as records bear it, and its product tokens."""
    registry = settings.registry
    parties = [party for party in registry.parties.values() if party.is_operator]
    for party in parties:
        if text.strip().lower() in (party.name.lower(), party.id.lower()):
            tokens = (c.token for c in registry.crawlers if c.operator == party.name)
            return party.name, frozenset(tokens)
    hint = did_you_mean(text, sorted({party.name for party in parties}))
    raise typer.BadParameter(f"no operator has the name {quoted(text)}{hint}", param_hint="--operator")
