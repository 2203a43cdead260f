"""`serve` and `demo`: the commands that stay up."""

from __future__ import annotations

from pathlib import Path

import typer

from vorbehalt.cli.config import CONFIG, JSON
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
        raise typer.BadParameter(
            f"serve needs an extra: pip install 'vorbehalt[sidecar]' ({error.name})"
        ) from None
    settings = load(config)
    run(config, settings, upstream=upstream, listen=listen, metrics_listen=metrics_listen, workers=workers)


def demo(
    once: bool = typer.Option(
        False, "--once", help="End when the clients have been and the evidence is verified."
    ),
    as_json: bool = JSON,
) -> None:
    """Watch real clients meet a bundled content site: who came, what they were told, what happened, what is proven."""
    try:
        from vorbehalt.demo.run import run
    except ImportError as error:
        raise typer.BadParameter(
            f"demo needs an extra: pip install 'vorbehalt[sidecar]' ({error.name})"
        ) from None
    raise typer.Exit(run(once=once, as_json=as_json, directory=Path.cwd()))
