"""`identify` and `replay`: our knowledge turned on User-Agents and old logs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import typer

from vorbehalt.cli.config import CONFIG, JSON
from vorbehalt.cli.output import note, print_json, printable
from vorbehalt.engine import Engine
from vorbehalt.identify.identity import kind_of
from vorbehalt.identify.tokens import TokenIndex
from vorbehalt.replay import About, LogError, Progress, render_html
from vorbehalt.replay import replay as run_replay
from vorbehalt.settings import Settings, load, load_rules
from vorbehalt.stores.memory import MemoryLimits


def identify(
    file: str = typer.Argument("-", help="A file with one User-Agent a line; - for standard input."),
    as_json: bool = JSON,
) -> None:
    """Say for each User-Agent who it says it is: one line in, one result out."""
    index = TokenIndex(load_rules(None)[1])
    stream = sys.stdin.buffer if file == "-" else Path(file).open("rb")
    with stream:
        for line in stream:
            user_agent = line.rstrip(b"\r\n")
            claim = index.claim(user_agent)
            crawler = claim.crawler if claim else None
            text = user_agent.decode("utf-8", "replace")
            if as_json:
                typer.echo(
                    json.dumps(
                        {
                            "user_agent": text,
                            "token": crawler.token if crawler else None,
                            "operator": crawler.operator if crawler else None,
                            "purpose": crawler.purpose.value if crawler else None,
                            "kind": kind_of(claim),
                        },
                        ensure_ascii=False,
                    )
                )
            elif crawler is None:
                typer.echo(f"other\t-\t-\t-\t{printable(text)}")
            else:
                fields = (kind_of(claim), crawler.token, crawler.operator or "-", crawler.purpose.value)
                typer.echo("\t".join(fields) + f"\t{printable(text)}")


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
    engine = Engine(settings, MemoryLimits())
    progress: Progress | None = None if as_json and not sys.stderr.isatty() else Progress(sys.stderr)
    try:
        result = run_replay(
            logs, engine.judge, trusted_proxies=settings.network.trusted_proxies, progress=progress
        )
    except LogError as error:
        raise typer.BadParameter(str(error), param_hint="LOG") from None
    if html is not None:
        html.write_text(render_html(result, _about(settings)), "utf-8")
        note(f"wrote {html}")
    if as_json:
        print_json(result.as_json())
        return
    for line in result.summary():
        typer.echo(line)


def _about(settings: Settings) -> About:
    host = settings.default_host
    return About(
        site=host.terms.origin,
        preset=host.preset,
        rules_version=settings.registry.version,
        generated=datetime.now(UTC).strftime("%Y-%m-%d"),
    )
