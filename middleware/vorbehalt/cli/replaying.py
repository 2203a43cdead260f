"""`replay`: old access logs through the policy of a configuration."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import typer

from vorbehalt.cli.conduct import engine_for_logs
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, say
from vorbehalt.engine import violates_robots
from vorbehalt.replay import About, LogError, Progress, enforced, observes, render_html
from vorbehalt.replay import replay as run_replay
from vorbehalt.settings import Settings, load


def replay(
    logs: list[str] = typer.Argument(
        ...,
        help="Log files (Apache/nginx combined, Caddy JSON, Traefik; plain or gzip); - for standard input.",
    ),
    config: Path = CONFIG,
    as_json: bool = JSON,
    html: Path = typer.Option(None, "--html", help="Write a report for people to this file."),
) -> None:
    """Run old access logs through the policy: what would have happened."""
    settings = load(config)
    pretends = observes(settings)
    if pretends:
        note("the site observes; what follows is what would have happened if it had enforced")
        settings = enforced(settings)
    engine, conduct = engine_for_logs(settings)
    if any(host.robots == "app" for host in (settings.default_host, *settings.hosts)):
        note("robots.txt is asked without the site's own rules: they are read from the app while it runs")
    progress = Progress(sys.stderr) if sys.stderr.isatty() or not as_json else None
    try:
        result = run_replay(
            logs,
            engine.judge,
            trusted_proxies=settings.network.trusted_proxies,
            progress=progress,
            answered=conduct.answered,
            disallows=lambda visit, verdict: violates_robots(engine.plan(visit.host), visit, verdict),
        )
    except LogError as error:
        raise typer.BadParameter(printable(str(error)), param_hint="LOG") from None
    if html is not None:
        html.write_text(render_html(result, _about(settings, pretends)), "utf-8")
        note(f"wrote {html}")
    if as_json:
        print_json(result.as_json())
        return
    for line in result.summary():
        say(line)


def _about(settings: Settings, pretends: bool) -> About:
    host = settings.default_host
    return About(
        site=host.terms.origin,
        preset=host.preset,
        rules_version=settings.registry.version,
        generated=datetime.now(UTC).strftime("%Y-%m-%d"),
        enforced_for_replay=pretends,
    )
