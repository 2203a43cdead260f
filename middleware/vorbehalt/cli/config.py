"""`check` and `signals`: what a configuration means, without serving anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import typer

from vorbehalt.cli.lists import lists_now
from vorbehalt.cli.output import (
    CONFIG,
    JSON,
    moment,
    note,
    print_json,
    printable,
    printable_lines,
    problem_json,
    say,
)
from vorbehalt.engine import Engine
from vorbehalt.errors import ConfigError
from vorbehalt.facts import host_name, normal_path
from vorbehalt.reservation.bundle import Document
from vorbehalt.settings import Settings, describe, load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits


def check(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Validate a configuration, print the policy it means, warn."""
    try:
        settings = load(config)
        read_robots_files(settings)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"errors": [problem_json(problem) for problem in error.problems], "warnings": []})
        raise typer.Exit(2) from None
    if as_json:
        print_json({"errors": [], "warnings": [problem_json(problem) for problem in settings.warnings]})
        return
    for line in describe(settings):
        say(printable(line))
    for sentence in list_ages(settings, moment(None)):
        say(f"note: {sentence}")
    for warning in settings.warnings:
        say(f"warning: {printable(str(warning))}")
    say(f"{printable(str(config))}: fine")


def list_ages(settings: Settings, at: int) -> list[str]:
    """Say how old the address lists are at a time (nanoseconds UTC), and what that switches off."""
    lists = lists_now(settings).values()
    if not lists:
        return ["no address lists: a claim can be neither verified nor contradicted"]
    network = settings.network
    hours = sorted(max(0.0, (at - ranges.fetched_at) / 3.6e12) for ranges in lists)
    contradict = sum(age <= network.ranges_miss_max_age_hours for age in hours)
    verify = sum(age <= 24 * network.ranges_hit_max_age_days for age in hours)
    young, old = (f"{age / 24:.0f}" for age in (hours[0], hours[-1]))
    age = f"{old} days old" if young == old else f"{young} to {old} days old"
    counts = f"of {len(hours)} lists {verify} can verify a claim, {contradict} can contradict one"
    return [f"{'' if contradict else 'impostor detection is inactive: '}lists are {age}; {counts}"]


def signals(
    path: str = typer.Argument("/", help="The path whose headers are shown."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    host: str = typer.Option("", "--host", help="The host; default: the first."),
    write: Path = typer.Option(
        None, "--write", help="Write the documents as static files below this folder."
    ),
) -> None:
    """Show what machines are told for a path: headers and documents, or write them as static files."""
    settings = load(config)
    engine = Engine(settings, MemoryLimits(), read_robots_files(settings))
    plan = engine.plan(host_name(host.encode("utf-8", "surrogateescape")))
    normal = normal_path(unquote(path.partition("?")[0].partition("#")[0]))
    section = plan.headers(plan.sections.find(normal))
    headers = [[key.decode("latin-1"), value.decode("latin-1")] for key, value in section.headers]
    documents = {
        where: {"media_type": document.media_type, "body": document.body.decode("utf-8", "replace")}
        for where, document in plan.bundle.documents.items()
    }
    if plan.settings.robots == "app":
        note("robots.txt is shown without the site's own rules: they are read from the app while it runs")
    if write is not None:
        _write_documents(write, plan.bundle.documents)
    if as_json:
        print_json({"path": path, "headers": headers, "documents": documents, "digest": plan.bundle.digest})
        return
    say(f"headers of {printable(path)}:")
    for key, value in headers:
        say(f"  {key}: {printable(value)}")
    for where, document in plan.bundle.documents.items():
        body = printable_lines(document.body.decode("utf-8", "replace").rstrip())
        say(f"\n{where} ({document.media_type}):\n{body}")
    say(f"\ndigest of the whole set: {plan.bundle.digest}")


def _write_documents(folder: Path, documents: Mapping[str, Document]) -> None:
    for where, document in documents.items():
        target = folder / where.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(document.body)
        note(f"wrote {target}")
