"""`check`: what a configuration means, without serving anything."""

from __future__ import annotations

from pathlib import Path

import typer

from vorbehalt.cli.lists import lists_now
from vorbehalt.cli.output import (
    CONFIG,
    JSON,
    moment,
    print_json,
    printable,
    problem_json,
    say,
)
from vorbehalt.cli.works_now import catalogue_problems
from vorbehalt.engine import Engine
from vorbehalt.errors import ConfigError, Problem
from vorbehalt.evidence.anchor.overdue import overdue_sentence
from vorbehalt.evidence.sealing.housekeeping import full_sentence, size_of
from vorbehalt.settings import Settings, describe, load, read_robots_files
from vorbehalt.stores.counter_files import living
from vorbehalt.stores.memory import MemoryLimits


def check(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Validate a configuration, print the policy it means, warn."""
    try:
        settings = load(config)
        warnings = [
            *settings.warnings,
            *robots_conflicts(settings),
            *lonely_workers(settings),
            *unanchored(settings, moment(None)),
            *crowded(settings),
        ]
        _, wrong, remarks = catalogue_problems(settings)
        if wrong:
            raise ConfigError(wrong)
        warnings += remarks
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"errors": [problem_json(problem) for problem in error.problems], "warnings": []})
        raise typer.Exit(2) from None
    if as_json:
        print_json({"errors": [], "warnings": [problem_json(problem) for problem in warnings]})
        return
    for line in describe(settings):
        say(printable(line))
    for sentence in list_ages(settings, moment(None)):
        say(f"note: {sentence}")
    for warning in warnings:
        say(f"warning: {printable(str(warning))}")
    say(f"{printable(str(config))}: fine")


def robots_conflicts(settings: Settings) -> list[Problem]:
    """Say what in the robots.txt files of the configuration contradicts the terms or cannot be used."""
    engine = Engine(settings, MemoryLimits(), read_robots_files(settings), ranges={})
    return [
        Problem(plan.settings.robots.removeprefix("file:"), 0, "site.robots", "V123", sentence)
        for plan in engine.plans()
        for sentence in plan.bundle.conflicts
    ]


def lonely_workers(settings: Settings) -> list[Problem]:
    """Say if several processes of this configuration run now and share no limits."""
    state = settings.state
    if state.redis is not None or state.directory is None:
        return []
    workers = living(state.directory / "metrics")
    if workers < 2:
        return []
    sentence = (
        f"{workers} workers run without Redis: each counts limits for itself, so that a quota is up to"
        f" {workers} times as large; set state.redis"
    )
    return [Problem(settings.source, 0, "state.redis", "V125", sentence)]


def unanchored(settings: Settings, at: int) -> list[Problem]:
    """Say if nobody outside has vouched for the log for a week; `at` is nanoseconds UTC."""
    if settings.evidence.is_kept_nowhere:
        return []
    sentence = overdue_sentence(Path(settings.evidence.directory), at)
    return [Problem(settings.source, 0, "evidence.anchors", "V126", sentence)] if sentence else []


def crowded(settings: Settings) -> list[Problem]:
    """Say if the evidence directory takes nearly all that it may."""
    kept = settings.evidence
    if kept.is_kept_nowhere or not kept.max_bytes:
        return []
    sentence = full_sentence(size_of(Path(kept.directory)), kept.max_bytes)
    return [Problem(settings.source, 0, "evidence.max_bytes", "V127", sentence)] if sentence else []


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
