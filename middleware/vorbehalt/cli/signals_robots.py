"""`signals robots`: what a robots.txt says to a crawler about a path, and by which line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import typer

from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, quoted, say
from vorbehalt.cli.signals_history import answer_at, does_not_hold
from vorbehalt.engine import Engine
from vorbehalt.errors import TamperError
from vorbehalt.facts import host_name
from vorbehalt.reservation.robots.file import MAX_BYTES
from vorbehalt.reservation.robots.said import version_of, what_robots_said
from vorbehalt.settings import Settings, load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits


@dataclass(frozen=True, slots=True)
class _Robots:
    """A robots.txt to be asked, and whose it is."""

    body: bytes
    whose: str
    facts: Mapping[str, object] = field(default_factory=dict)
    """Of a robots.txt of the past: since when, until when, by which record, and what is doubtful."""


def robots(
    token: str = typer.Argument(..., help="The crawler's product token, known in the rules or not."),
    path: str = typer.Argument(..., help="The path with its query, or the URL, as it is asked for."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    file: Path = typer.Option(None, "--file", help="Ask this robots.txt instead of the configuration's."),
    host: str = typer.Option("", "--host", help="The host; default: that of the URL, else the first."),
    at: str = typer.Option(None, "--at", help="Ask the robots.txt of this time, kept in the evidence (UTC)."),
) -> None:
    """Say whether robots.txt allows a path to a crawler, and by which line (RFC 9309)."""
    if not token.strip():
        raise typer.BadParameter("a product token is needed, such as GPTBot", param_hint="TOKEN")
    if not (found := _host_in(path)):
        found = host
    elif host and host_name(_octets(host)) != found:
        raise typer.BadParameter(f"the URL names another host, {quoted(found)}", param_hint="--host")
    if at is not None and file is not None:
        raise typer.BadParameter("a file is asked as it is", param_hint="--at")
    if file is not None:
        asked = _of_file(file)
    else:
        settings = load(config)
        asked = _of_settings(settings, found, token) if at is None else _of_past(settings, found, at)
    answer = what_robots_said(asked.body, (token.strip(),), _octets(path))
    version = version_of(asked.body)
    if as_json:
        shown = {"token": token.strip(), "path": path, **answer.as_json(), "version": version}
        print_json({**shown, **asked.facts})
        return
    verb = "may" if answer.allowed else "may not"
    say(
        f"{printable(token.strip())} {verb} fetch {printable(path)}: {'' if answer.allowed else 'dis'}allowed"
    )
    if answer.line is None:
        say("line: no rule says otherwise")
    else:
        say(f"line {answer.number}: {printable(answer.line)}")
    agent = "none applies" if answer.agent is None else f"User-agent: {printable(answer.agent)}"
    say(f"group: {agent}")
    say(f"version: {version} ({printable(asked.whose)})")
    if asked.facts:
        until = asked.facts["valid_until"] or "now"
        say(f"valid from {asked.facts['valid_from']} until {until}, by record {asked.facts['record']}")


def _host_in(path: str) -> str:
    try:
        return host_name(_octets(urlsplit(path).netloc.rpartition("@")[2])) if "://" in path else ""
    except ValueError:
        raise typer.BadParameter(f"{quoted(path)} is no URL", param_hint="PATH") from None


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _of_file(file: Path) -> _Robots:
    try:
        body = file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(
            f"{quoted(str(file))} cannot be read: {error.strerror}", param_hint="--file"
        ) from None
    if len(body) > MAX_BYTES:
        note(f"{file} is longer than {MAX_BYTES} bytes; readers may stop there (RFC 9309 section 2.5)")
    return _Robots(body, str(file))


_PAST_FACTS = ("at", "valid_from", "valid_until", "record", "observed", "imported", "source", "notes")


def _of_past(settings: Settings, host: str, at: str) -> _Robots:
    try:
        past = answer_at(settings, at, host)
        path = next((where for where in past.version.documents if where.endswith("/robots.txt")), None)
        if path is None:
            note(f"no robots.txt is known of {at}")
            raise typer.Exit(1)
        body = past.body(path)
    except TamperError as error:
        does_not_hold(error)
    facts = past.facts()
    for text in past.notes():
        note(text)
    return _Robots(body, f"{path} of that time", {name: facts[name] for name in _PAST_FACTS})


def _of_settings(settings: Settings, host: str, token: str) -> _Robots:
    plan = Engine(settings, MemoryLimits(), read_robots_files(settings)).plan(host_name(_octets(host)))
    if plan.settings.robots == "app":
        note("this is robots.txt without the site's own rules: they are read from the app while it runs")
    crawler = settings.registry.find(token.strip())
    if crawler is not None and crawler.robots_tokens not in ((), (token.strip(),)):
        obeyed = " or ".join(crawler.robots_tokens)
        note(f"{crawler.token} is known to obey what robots.txt says to {obeyed}")
    terms = plan.settings.terms
    return _Robots(plan.bundle.documents[terms.robots_path].body, f"{terms.robots_path} of {terms.origin}")
