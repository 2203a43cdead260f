"""`signals import`: brings in what machines were told before us, marked for what it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from vorbehalt import __version__
from vorbehalt.cli.output import (
    CONFIG,
    JSON,
    moment,
    note,
    print_json,
    printable,
    quoted,
    say,
    utc_exact,
)
from vorbehalt.cli.past_answer import not_contemporaneous
from vorbehalt.cli.signals_history import open_log_directory
from vorbehalt.evidence.history.history import Imported
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.reading.scan import is_all_sealed
from vorbehalt.facts import host_name
from vorbehalt.imports.files import read_file
from vorbehalt.imports.found import HEADERS, Found, documents_of, served_path
from vorbehalt.imports.git import read_git
from vorbehalt.imports.keeping import Statement, imports_of, keep, known_imports
from vorbehalt.imports.warc import read_warc
from vorbehalt.settings import Settings, load
from vorbehalt.settings.model import HostSettings

_MAX_TEXT = 1_000
_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d(?::?\d\d)*)$")
_FILE_NAMES = "robots.txt, tdmrep.json, ai.txt, license.xml"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be read, checked."""

    entry: HostSettings
    host: str
    names: frozenset[str]
    since: int | None
    until: int | None
    now: int
    served_as: str | None


def import_(
    config: Path = CONFIG,
    git: Path = typer.Option(None, "--git", help="A git repository: every commit that changed the file."),
    path: list[str] = typer.Option(
        [], "--path", help="The file in the repository; may be repeated. Default: robots.txt."
    ),
    warc: list[Path] = typer.Option([], "--warc", help="A web archive (WARC); may be repeated."),
    file: Path = typer.Option(None, "--file", help="A single file; needs --from."),
    served_as: str = typer.Option(
        None, "--as", help="The path it was served at. Default: guessed by the name of the file."
    ),
    host: str = typer.Option("", "--host", help="The host it was served for; default: the first."),
    since: str = typer.Option(None, "--from", help="Since when it was served, or only what is not older."),
    until: str = typer.Option(None, "--until", help="Until when (that instant is not in it)."),
    source: str = typer.Option(..., "--source", help="Where it comes from, in words that a court can check."),
    custodian: str = typer.Option("", "--custodian", help="Who had it in keeping."),
    as_json: bool = JSON,
) -> None:
    """Bring in signals from before us: out of a git repository, web archives, or a single file.

    It is marked: not contemporaneous. Importing the same twice adds nothing.
    """
    if sum((git is not None, bool(warc), file is not None)) != 1:
        raise typer.BadParameter("exactly one kind of source is needed", param_hint="--git, --warc, --file")
    if path and git is None:
        raise typer.BadParameter("it names a file in a git repository", param_hint="--path")
    for hint, text in (("--source", source), ("--custodian", custodian)):
        if len(text) > _MAX_TEXT or (hint == "--source" and not text.strip()):
            raise typer.BadParameter(f"one to {_MAX_TEXT} characters are needed", param_hint=hint)
    settings = load(config)
    directory = open_log_directory(settings)
    wanted = _wanted(settings, host, since, until, served_as)
    notes: list[str] = []
    found, how = _read(wanted, git, path, warc, file, notes.append)
    for text in notes:
        note(text)
    if not found:
        note("nothing was found that could be imported")
        if as_json:
            print_json({"imported": 0, "already": 0, "versions": [], "notes": notes})
        raise typer.Exit(1)
    statement = Statement(wanted.entry.names, wanted.host, how, source, custodian, imported_at=wanted.now)
    records = imports_of(found, statement)
    known = known_imports(directory)
    is_new = [record.key not in known for record in records]
    if any(is_new):
        _keep(settings, found, records, is_new)
    if not is_all_sealed(directory):
        note("not sealed yet: another process of this directory seals it, or: vorbehalt evidence seal")
    _tell(records, is_new, notes, as_json)


def _read(
    wanted: _Wanted,
    git: Path | None,
    paths: list[str],
    warc: list[Path],
    file: Path | None,
    say_so: Callable[[str], None],
) -> tuple[list[Found], str]:
    bounds = {"since": wanted.since, "until": wanted.until}
    if git is not None:
        files = [(_inside(name), _served(name, wanted)) for name in paths or ["robots.txt"]]
        if wanted.served_as is not None and len(files) > 1:
            raise typer.BadParameter("it fits one --path only", param_hint="--as")
        return read_git(git, files, now=wanted.now, note=say_so, **bounds), "git"
    if warc:
        if wanted.served_as is not None:
            raise typer.BadParameter("an archive says itself what was served where", param_hint="--as")
        documents = documents_of(wanted.entry.terms)
        return read_warc(warc, wanted.names, documents, now=wanted.now, note=say_so, **bounds), "warc"
    assert file is not None
    if wanted.since is None:
        raise typer.BadParameter("a file does not say since when it was served", param_hint="--from")
    return read_file(file, _served(file.name, wanted), wanted.since, wanted.until), "file"


def _wanted(
    settings: Settings, host: str, since: str | None, until: str | None, served_as: str | None
) -> _Wanted:
    entry, name, names = _entry(settings, host)
    now = moment(None)
    start, end = _date(since, "--from"), _date(until, "--until")
    if start is not None and start > now:
        raise typer.BadParameter("this time is in the future", param_hint="--from")
    if end is not None and end > now:
        raise typer.BadParameter(
            "this time is in the future: leave it out if it is not over", param_hint="--until"
        )
    if start is not None and end is not None and start >= end:
        raise typer.BadParameter("--from must be before --until", param_hint="--from")
    if served_as is not None and (
        not served_as.startswith("/") or not served_as.isprintable() or " " in served_as
    ):
        raise typer.BadParameter("a path such as /robots.txt is needed", param_hint="--as")
    return _Wanted(entry, name, names, start, end, now, served_as)


def _date(text: str | None, hint: str) -> int | None:
    if text is None:
        return None
    found = moment(text, hint)
    if found < 0:
        raise typer.BadParameter("a time before 1970 cannot be meant", param_hint=hint)
    if not _ZONE.search(text[len("2026-11-22") :]):
        note(f"{hint} {text} has no time zone: taken as {utc_exact(found)} (UTC)")
    return found


def _entry(settings: Settings, host: str) -> tuple[HostSettings, str, frozenset[str]]:
    """Return the entry of a host, the name to be shown, and all its names."""
    default = settings.default_host
    names = dict.fromkeys((*settings.site_hosts, urlsplit(default.terms.origin).hostname or ""))
    if not host:
        return default, next(iter(names)), frozenset(names)
    wanted = host_name(host.encode("utf-8", "surrogateescape"))
    for entry in settings.hosts:
        if wanted in entry.names:
            return entry, wanted, frozenset(entry.names)
    if wanted not in names:
        known = ", ".join(sorted({*names, *(name for entry in settings.hosts for name in entry.names)}))
        raise typer.BadParameter(
            f"{quoted(host)} is no host of this configuration: {printable(known)}", param_hint="--host"
        )
    return default, wanted, frozenset(names)


def _inside(name: str) -> str:
    """Return a path inside a repository, from the folder that was named."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in name:
        raise typer.BadParameter("a path inside the repository is needed", param_hint="--path")
    return "/".join(parts)


def _served(name: str, wanted: _Wanted) -> str:
    found = wanted.served_as or served_path(name, wanted.entry.terms)
    if found is None:
        raise typer.BadParameter(
            f"it cannot be guessed where {quoted(name)} was served (known names: {_FILE_NAMES}, ...)",
            param_hint="--as",
        )
    return found


def _keep(settings: Settings, found: list[Found], records: list[Imported], is_new: list[bool]) -> None:
    opening: dict[str, object] = {"software": f"vorbehalt {__version__}", "task": "signals import"}
    evidence = open_evidence(settings.evidence.directory, settings.evidence.origin, opening)
    chosen = [pair for pair, new in zip(zip(found, records, strict=True), is_new, strict=True) if new]
    with closing(evidence):
        keep(evidence, [item.body for item, _ in chosen], [record for _, record in chosen])


def _tell(records: list[Imported], is_new: list[bool], notes: list[str], as_json: bool) -> None:
    count = sum(is_new)
    if as_json:
        versions = [
            {
                "document": record.document or None,
                "valid_from": utc_exact(record.valid_from),
                "valid_until": None if record.valid_until is None else utc_exact(record.valid_until),
                "sha256": record.digest,
                "media_type": record.media_type,
                "detail": dict(record.detail),
                "new": new,
            }
            for record, new in zip(records, is_new, strict=True)
        ]
        print_json(
            {
                "imported": count,
                "already": len(records) - count,
                "host": records[0].host,
                "how": records[0].how,
                "source": records[0].source,
                "custodian": records[0].custodian,
                "imported_at": utc_exact(records[0].imported_at),
                "mark": not_contemporaneous(records[0]),
                "versions": versions,
                "notes": notes,
            }
        )
        return
    for record, new in zip(records, is_new, strict=True):
        what = "headers of captured pages" if record.document == HEADERS else record.document
        end = "now" if record.valid_until is None else utc_exact(record.valid_until)
        parts = [utc_exact(record.valid_from), end, record.digest[:16], what, "new" if new else "known"]
        say(printable("  ".join(parts)))
    say(f"{count} versions imported, {len(records) - count} were there already")
    say(printable(not_contemporaneous(records[0])))
