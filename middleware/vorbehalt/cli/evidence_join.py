"""`evidence join`: what a proxy's access log says it sent, beside the records of forward auth."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import typer

from vorbehalt import __version__
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, say
from vorbehalt.evidence.log import open_evidence
from vorbehalt.imports.joining import completions, join_log, keep_completions, waiting_requests
from vorbehalt.settings import load

_NO_BUDGET = 1 << 40


def join(
    config: Path = CONFIG,
    log: Path = typer.Option(
        ..., "--log", exists=True, dir_okay=False, readable=True, help="The proxy's access log."
    ),
    as_json: bool = JSON,
) -> None:
    """Add what a proxy's access log says was sent to the records of the requests it asked about.

    Lines are found by the reference that the sidecar gave, or by the proxy's own request id. What was added
    once is not added again.
    """
    settings = load(config).evidence
    directory = Path(settings.directory)
    if settings.directory in ("off", "memory:") or not (directory / "log" / "vkey").is_file():
        note(f"there is no evidence log in {settings.directory}")
        raise typer.Exit(1)
    joined = join_log(log, waiting_requests(directory))
    drafts = list(completions(joined, time.time_ns()))
    if drafts:
        opening: dict[str, object] = {"software": f"vorbehalt {__version__}", "task": "evidence join"}
        evidence = open_evidence(
            settings.directory,
            settings.origin,
            opening,
            clients_per_minute=_NO_BUDGET,
            operators_per_minute=_NO_BUDGET,
        )
        with closing(evidence):
            keep_completions(evidence, drafts)
    delivered = sum(bool(draft.seen["delivered"]) for draft in drafts)
    if as_json:
        counts = {
            "joined": len(drafts),
            "delivered": delivered,
            "bytes": sum(draft.amount for draft in drafts),
            "already": joined.already,
            "unmatched": joined.unmatched,
            "unnamed": joined.unnamed,
            "unreadable": joined.unreadable,
            "sha256": joined.digest,
        }
        print_json(counts)
        return
    say(printable(f"{log}: {joined.lines} lines, SHA-256 {joined.digest}"))
    say(f"{len(drafts)} requests joined, of which {delivered} were delivered whole")
    say(f"{joined.already} were joined before, {joined.unmatched} lines belong to no record of ours")
    if joined.unnamed:
        say(f"{joined.unnamed} lines are of requests that leave no record")
    if joined.unreadable:
        say(f"{joined.unreadable} lines cannot be read")
