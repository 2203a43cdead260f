"""`pause`: enforcement off for a while, in every running process within a second."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from vorbehalt.cli.operator_actions import change, checked_reason, file_of, until
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, quoted, say, utc
from vorbehalt.policy.overrides import Pause
from vorbehalt.settings import Settings, load
from vorbehalt.stores.overrides_file import read


def pause(
    config: Path = CONFIG,
    duration: str = typer.Option(None, "--for", help='How long, e.g. "30min" or "2h".'),
    rule: str = typer.Option("", "--rule", help="Only this rule of the policy."),
    reason: str = typer.Option("", "--reason", help="One line that stands in the evidence."),
    end: bool = typer.Option(False, "--end", help="End the pause, or with --rule the one of that rule."),
    show: bool = typer.Option(False, "--list", help="Say what is paused."),
    as_json: bool = JSON,
) -> None:
    """Enforce nothing for a while: signals, records and counts go on, nobody is refused or limited."""
    if (end and (show or duration or reason)) or (show and (duration or rule or reason)):
        raise typer.BadParameter("--end takes only --rule, --list takes nothing", param_hint="--end, --list")
    settings = load(config)
    now = time.time_ns()
    if show:
        _print(read(file_of(settings)).pauses_at(now), as_json)
        return
    if end:
        before = read(file_of(settings)).pauses_at(now)
        after = change(
            settings, lambda old: old.without(pause=lambda one: not rule or one.rule == rule)
        ).pauses_at(now)
        if before == after:
            note("nothing was paused" if not rule else f"the rule {quoted(rule)} was not paused")
        _print(after, as_json)
        return
    if rule:
        _known_rule(settings, rule)
    wanted = Pause(now, until(duration, now) if duration else None, rule, checked_reason(reason))
    after = change(settings, lambda old: old.paused(wanted)).pauses_at(now)
    if wanted.until is None:
        note("no end was given (--for): it lasts until vorbehalt pause --end")
    _print(after, as_json)
    if not as_json:
        say("Every running process follows within a second; what is asked for is recorded as before.")


def _known_rule(settings: Settings, rule: str) -> None:
    names = {one.name for host in (settings.default_host, *settings.hosts) for one in host.rules}
    if rule not in names:
        raise typer.BadParameter(
            f"no rule is called {quoted(rule)}; there are {', '.join(map(printable, sorted(names)))}",
            param_hint="--rule",
        )


def _print(pauses: tuple[Pause, ...], as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "rule": one.rule or None,
                "since": utc(one.since),
                "until": None if one.until is None else utc(one.until),
                "reason": one.reason,
            }
            for one in pauses
        ]
        print_json({"pauses": rows})
        return
    for one in pauses:
        what = f"the rule {one.rule} is not enforced" if one.rule else "nothing is enforced"
        end = "until the pause is ended" if one.until is None else f"until {utc(one.until)}"
        say(printable(f"paused: {what} {end}" + (f" ({one.reason})" if one.reason else "")))
    if not pauses:
        say("Nothing is paused.")
