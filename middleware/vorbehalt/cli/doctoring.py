"""`doctor`: finds the usual mistakes of a set-up, and says what to do about each."""

from __future__ import annotations

import importlib.util
import os
import resource
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from vorbehalt import __version__
from vorbehalt.cli.doctor import clock, knowledge, live, places, proof, sharing, visitors
from vorbehalt.cli.doctor.found import Check, error, ok, warning
from vorbehalt.cli.lists import lists_now
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, quoted, say
from vorbehalt.errors import ConfigError
from vorbehalt.probe.asking import normal_url
from vorbehalt.settings import Settings, load

_MARKS = {"ok": "ok", "warning": "WARNING", "error": "ERROR"}
_PACKAGES = ("uvicorn", "starlette", "cryptography")
_MOUNTS = Path("/proc/self/mountinfo")


def doctor(
    config: Path = CONFIG,
    url: str = typer.Option(None, "--url", help="Ask the live site, too, e.g. https://label.example."),
    as_json: bool = JSON,
) -> None:
    """Look for the usual mistakes: addresses, headers, caches, clock, lists, disks. Changes nothing."""
    if url is not None:
        try:
            normal_url(url)
        except ValueError as failure:
            raise typer.BadParameter(f"{quoted(url)}: {failure}", param_hint="--url") from None
    try:
        settings = load(config)
    except ConfigError as failure:
        if not as_json:
            raise
        _print_json([error("configuration", str(one), "correct this line") for one in failure.problems])
        raise typer.Exit(2) from None
    checks = [*of_settings(settings, time.time_ns())]
    if url is not None:
        checks += live.look(url, settings, f"Vorbehalt-Doctor/{__version__} (+{normal_url(url)})")
    elif not as_json:
        note("headers, caches and documents are seen from outside only: give --url")
    if as_json:
        _print_json(checks)
    else:
        _print(checks)
    raise typer.Exit(1 if any(check.severity == "error" for check in checks) else 0)


def of_settings(settings: Settings, now: int) -> Iterator[Check]:
    """Make all checks of one configuration on this machine; `now` is nanoseconds UTC."""
    if not settings.warnings:
        yield ok("configuration", "the configuration is valid")
    for problem in settings.warnings:
        yield warning("configuration", str(problem), "see vorbehalt check and docs/configuration.md")
    evidence = None if settings.evidence.is_kept_nowhere else Path(settings.evidence.directory)
    yield from _of_places(settings, evidence)
    found = None if evidence is None else proof.look(evidence, now)
    if evidence is not None:
        yield from proof.check_proof(found)
    tail = () if found is None else found.tail
    last = max((int(str(record["at"])) for record in tail), default=None)
    yield from clock.check_clock(clock.is_synchronised(), now, last)
    yield from visitors.check_visitors(tail, settings.digest, bool(settings.network.trusted_proxies))
    ages = [(now - ranges.fetched_at) / 3.6e12 for ranges in lists_now(settings).values()]
    yield knowledge.check_lists(ages, settings.network)
    installed = frozenset(name for name in knowledge.needed_modules() if importlib.util.find_spec(name))
    yield from knowledge.check_extras(settings.network, installed)
    yield from knowledge.check_sharing(settings.state.directory is not None)
    yield from sharing.check_redis(settings.state)
    yield knowledge.check_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield ok("versions", _versions())


def _of_places(settings: Settings, evidence: Path | None) -> Iterator[Check]:
    try:
        mounts = places.read_mounts(_MOUNTS.read_text("utf-8", "replace"))
    except OSError:
        mounts = []  # not Linux: the kind of file system stays unknown
    in_container = places.is_container()
    if evidence is None:
        yield warning(
            "evidence-filesystem",
            f"evidence.directory is {settings.evidence.directory!r}: nothing outlives the process",
            "set it to a directory on a disk, if you want to prove anything later",
        )
    else:
        place = places.look("evidence.directory", evidence, mounts)
        yield from places.check_place(place, is_evidence=True, in_container=in_container)
    state = settings.state.directory
    if state is not None and (evidence is None or not state.is_relative_to(evidence)):
        place = places.look("state.directory", state, mounts)
        yield from places.check_place(place, is_evidence=False, in_container=in_container)


def _versions() -> str:
    found = [f"vorbehalt {__version__}", f"Python {sys.version.split()[0]}", f"{os.uname().sysname}"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def _print(checks: list[Check]) -> None:
    for check in checks:
        say(printable(f"{_MARKS[check.severity]} {check.id}: {check.message}"))
        if check.remedy:
            say(printable(f"    {check.remedy}"))
    errors, warnings = (sum(check.severity == kind for check in checks) for kind in ("error", "warning"))
    say(f"{len(checks)} checks: {errors} errors, {warnings} warnings")


def _print_json(checks: list[Check]) -> None:
    is_fine = not any(check.severity == "error" for check in checks)
    print_json({"ok": is_fine, "checks": [check.as_json() for check in checks]})
