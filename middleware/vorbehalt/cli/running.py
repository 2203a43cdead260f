"""`serve` and `demo`: the commands that stay up."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import typer

from vorbehalt.cli.config import list_ages
from vorbehalt.cli.output import CONFIG, JSON, flush, moment, note
from vorbehalt.settings import load


def serve(
    config: Path = CONFIG,
    upstream: str = typer.Option(None, "--upstream", help="The site behind us, e.g. http://127.0.0.1:8000."),
    listen: str = typer.Option(None, "--listen", help="ADDRESS:PORT or unix:/path."),
    metrics_listen: str = typer.Option(None, "--metrics-listen", help="ADDRESS:PORT for /metrics."),
    workers: int = typer.Option(
        1, "--workers", min=1, help="Processes; without Redis limits apply per worker."
    ),
) -> None:
    """Run the sidecar: a reverse proxy if there is an upstream, forward auth always."""
    try:
        from vorbehalt.edge.serve import serve as run
    except ImportError as error:
        _needs_extra("serve", error)
    settings = load(config)
    for sentence in list_ages(settings, moment(None)):
        note(sentence)
    for warning in settings.warnings:
        note(f"warning: {warning}")
    if workers > 1 and not settings.state.redis:
        note(
            f"warning: {workers} workers without Redis: each counts limits for itself, so that a quota is"
            f" up to {workers} times as large; set state.redis (docs/redis.md)"
        )
    run(config, settings, upstream=upstream, listen=listen, metrics_listen=metrics_listen, workers=workers)


def demo(
    once: bool = typer.Option(
        False, "--once", help="End when the clients have been and the evidence is verified."
    ),
    as_json: bool = JSON,
) -> None:
    """Watch real clients meet a bundled content site: who came, what happened, what is proven."""
    try:
        from vorbehalt.demo.run import run
    except ImportError as error:
        _needs_extra("demo", error)
    code = run(once=once, as_json=as_json, directory=Path.cwd())
    flush()
    raise typer.Exit(code)


def _needs_extra(command: str, error: ImportError) -> NoReturn:
    if (error.name or "").partition(".")[0] == "vorbehalt":
        raise error
    note(f"vorbehalt: {command} needs an extra: pip install 'vorbehalt[sidecar]'   (missing: {error.name})")
    raise typer.Exit(2)
