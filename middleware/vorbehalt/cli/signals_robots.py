"""`signals robots`: what a robots.txt says to a crawler about a path, and by which line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, quoted, say
from vorbehalt.engine import Engine
from vorbehalt.facts import host_name
from vorbehalt.reservation.robots import MAX_BYTES
from vorbehalt.reservation.robots_said import version_of, what_robots_said
from vorbehalt.settings import Settings, load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits


@dataclass(frozen=True, slots=True)
class _Robots:
    """A robots.txt to be asked, and whose it is."""

    body: bytes
    whose: str


def robots(
    token: str = typer.Argument(..., help="The crawler's product token, known in the rules or not."),
    path: str = typer.Argument(..., help="The path with its query, or the URL, as it is asked for."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    file: Path = typer.Option(None, "--file", help="Ask this robots.txt instead of the configuration's."),
    host: str = typer.Option("", "--host", help="The host; default: that of the URL, else the first."),
) -> None:
    """Say whether robots.txt allows a path to a crawler, and by which line (RFC 9309)."""
    if not token.strip():
        raise typer.BadParameter("a product token is needed, such as GPTBot", param_hint="TOKEN")
    if not (found := _host_in(path)):
        found = host
    elif host and host_name(_octets(host)) != found:
        raise typer.BadParameter(f"the URL names another host, {quoted(found)}", param_hint="--host")
    asked = _of_file(file) if file is not None else _of_settings(load(config), found, token)
    answer = what_robots_said(asked.body, (token.strip(),), _octets(path))
    version = version_of(asked.body)
    if as_json:
        print_json({"token": token.strip(), "path": path, **answer.as_json(), "version": version})
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
