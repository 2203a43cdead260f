"""`signals --at` and `signals history`: what machines were told on a day of the past, and what proves it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import typer

from vorbehalt.cli.output import (
    CONFIG,
    JSON,
    moment,
    note,
    print_json,
    printable,
    say,
    utc_exact,
)
from vorbehalt.cli.past_answer import PastAnswer, not_contemporaneous
from vorbehalt.errors import TamperError
from vorbehalt.evidence.history.history import History, Version, read_history
from vorbehalt.facts import host_name
from vorbehalt.settings import Settings, load

HOST = typer.Option("", "--host", help="The host; default: the first.")


def show_at(config: Path, at: str, path: str, host: str, document: str | None, as_json: bool) -> None:
    """Print what machines were told for a path at a time, or one document's exact bytes."""
    try:
        answer = answer_at(load(config), at, host)
        if document is not None:
            answer.write(document)
        elif as_json:
            print_json(answer.as_json(path))
        else:
            answer.print(path)
    except TamperError as error:
        does_not_hold(error)


def answer_at(settings: Settings, at: str, host: str) -> PastAnswer:
    """Find what a host told machines at a time; ends the command where nothing is known. TamperError."""
    instant = moment(at)
    if instant > moment(None):
        raise typer.BadParameter("this time is in the future", param_hint="--at")
    past = _open(settings, host)
    version, versions = past.at(instant, _name(host), _named(settings))
    if version is None:
        _unknown(instant, versions)
    return PastAnswer(past, version, instant)


def history(config: Path = CONFIG, host: str = HOST, as_json: bool = JSON) -> None:
    """List the versions of what machines were told: from, until, digest, cause, what changed, source."""
    settings = load(config)
    past, name = _open(settings, host), _name(host)
    try:
        versions = past.versions(name, _named(settings))
        rows = [
            _row(past, versions[number - 1] if number else None, version)
            for number, version in enumerate(versions)
        ]
    except TamperError as error:
        does_not_hold(error)
    if as_json:
        print_json({"versions": rows, "sealed": past.size, "all_sealed": past.is_all_sealed})
    else:
        for version, row in zip(versions, rows, strict=True):
            say(printable(_line(version, row)))
    if not versions:
        note("nothing is known: no set of signals is recorded, and nothing was imported")
        raise typer.Exit(1)


def open_log_directory(settings: Settings) -> Path:
    """Return the directory of the evidence; ends the command where nothing is kept."""
    directory = settings.evidence.directory
    if directory in ("off", "memory:"):
        raise typer.BadParameter(
            f'evidence.directory is "{directory}": there is no log that keeps a history', param_hint="-c"
        )
    return Path(directory)


def _open(settings: Settings, host: str) -> History:
    directory = open_log_directory(settings)
    if not (directory / "log" / "vkey").is_file():
        note(f"nothing is known: there is no evidence in {directory} yet")
        raise typer.Exit(1)
    past = read_history(directory)
    if not past.is_all_sealed:
        note(
            "the newest records are not sealed yet: this rests on the"
            f" {past.size} sealed ones (vorbehalt evidence seal, or wait a second while it runs)"
        )
    if past.older:
        note(f"{past.older} records of an older form name no whole set; vorbehalt evidence show prints them")
    return past


def _name(host: str) -> str:
    return host_name(host.encode("utf-8", "surrogateescape"))


def _named(settings: Settings) -> frozenset[str]:
    """The names that have an entry of their own in the configuration of today."""
    return frozenset(name for entry in settings.hosts for name in entry.names)


def _unknown(instant: int, versions: list[Version]) -> NoReturn:
    text = f"nothing is known of {utc_exact(instant)}"
    if versions:
        later = [version for version in versions if version.span.start > instant]
        first = later[0] if later else versions[-1]
        span = first.span
        if later:
            text += f": the first known version{'' if first is versions[0] else ' after it'} is of"
            text += f" {utc_exact(span.start)}"
        else:
            text += f": the last known version ended {utc_exact(span.end or 0)}"
        if first.is_imported:
            text += f" ({not_contemporaneous(first.imports[0])})"
    own = next((version for version in versions if not version.is_imported), None)
    brought = [item for version in versions for item in version.imports]
    if own is not None and versions[0] is not own:
        text += f"; our own records begin {utc_exact(own.span.start)}"
    if not brought:
        text += "; nothing was imported from before (vorbehalt signals import)"
    print(printable(text), file=sys.stderr)
    raise typer.Exit(1)


def does_not_hold(error: TamperError) -> NoReturn:
    """End the command: what the answer rests on was changed or is gone."""
    print(f"the history does not hold: {printable(str(error))}", file=sys.stderr)
    raise typer.Exit(1) from None


def _row(past: History, before: Version | None, version: Version) -> dict[str, object]:
    own, previous = version.own, before.own if before is not None else None
    changes = past.changes(before, version)
    config_changed = own is not None and previous is not None and own.config != previous.config
    rules = [str(record.versions.get("rules", "")) for record in (previous, own) if record is not None]
    return {
        "valid_from": utc_exact(version.span.start),
        "valid_until": None if version.span.end is None else utc_exact(version.span.end),
        "digest": version.digest,
        "record": version.record,
        "cause": "imported" if own is None else own.cause,
        "config": None if own is None else own.config,
        "config_changed": config_changed,
        "rules": rules[-1] if own is not None else None,
        "rules_changed": len(rules) == 2 and rules[0] != rules[1],
        "changed": changes,
        "imported": version.is_imported,
        "source": None if own else "; ".join(dict.fromkeys(item.source for item in version.imports)),
        "notes": list(dict.fromkeys(not_contemporaneous(item) for item in version.imports)),
    }


def _line(version: Version, row: Mapping[str, object]) -> str:
    parts = [
        str(row["valid_from"]), str(row["valid_until"] or "now"), version.digest[:16],
        f"record {row['record']}", str(row["cause"]), _changed(row["changed"]),
    ]  # fmt: skip
    if row["config_changed"]:
        parts.append(f"configuration {str(row['config'])[:16]}")
    if row["rules_changed"]:
        parts.append(f"rules {row['rules']}")
    notes = row["notes"]
    return "  ".join([*parts, *(notes if isinstance(notes, list) else ())])


def _changed(changes: object) -> str:
    if not isinstance(changes, Mapping):
        return "first known version"
    parts = [str(path) for path in changes["documents"]]
    parts += [f"headers of {name}" for name in changes["headers"]]
    parts += [
        f"{change['term']}: {_value(change['from'])} -> {_value(change['to'])}" for change in changes["terms"]
    ]
    if changes["more_terms"]:
        parts.append(f"{changes['more_terms']} more terms")
    return "changed: " + ", ".join(parts) if parts else "the same as before"


def _value(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)
