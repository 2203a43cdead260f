"""`rules refresh`: fetch the operators' address lists now, and say what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import typer

from vorbehalt.cli.output import CONFIG, JSON, note, print_json, print_table, printable, utc
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.lookups.fetch import Fetcher, require_extra
from vorbehalt.lookups.ranges import Refreshed, list_sources
from vorbehalt.lookups.ranges import refresh as refresh_lists
from vorbehalt.settings import Settings, load

_TITLES = ("list", "outcome", "prefixes", "fetched", "reason")


def refresh(
    config: Path = CONFIG,
    names: list[str] = typer.Option(None, "--list", help="Only this list; may be given several times."),
    accept: bool = typer.Option(
        False, "--accept", help="Take the lists named by --list although they shrank: you looked at them."
    ),
    as_json: bool = JSON,
) -> None:
    """Fetch the published address lists now. Exit 1 if one failed or was held back; the old one stays."""
    settings = load(config)
    directory = settings.ranges_directory
    if directory is None:
        raise typer.BadParameter(
            "there is no place to keep the lists: set state.directory", param_hint=str(config)
        )
    if accept and not names:
        raise typer.BadParameter("name the lists that you looked at with --list", param_hint="--accept")
    sources = list_sources(settings.rules_documents)
    if unknown := sorted(set(names or ()) - sources.keys()):
        raise typer.BadParameter(f"no list is named {printable(', '.join(unknown))}", param_hint="--list")
    require_extra()
    results = asyncio.run(_run(settings, directory, names or None, accept, len(names or sources)))
    if as_json:
        rows = [_as_json(result) for result in results]
        print_json({"directory": str(directory), "lists": rows})
    else:
        print_table(_TITLES, [_row(result) for result in results])
    if not all(result.is_fine for result in results):
        raise typer.Exit(1)


def fetcher() -> Fetcher:
    """Return what fetches; a test puts its own in place."""
    return Fetcher()


async def _run(
    settings: Settings, directory: Path, names: list[str] | None, accept: bool, count: int
) -> list[Refreshed]:
    done = 0

    def progress(result: Refreshed) -> None:
        nonlocal done
        done += 1
        why = f": {result.reason}" if result.reason else ""
        note(f"{done}/{count} {result.list} {result.outcome}{why}")

    return await refresh_lists(
        settings.rules_documents,
        directory,
        fetch=fetcher().get,
        keep=_keep(settings),
        only=names,
        accept=accept,
        on_result=progress,
    )


def _keep(settings: Settings) -> Callable[[bytes], str] | None:
    """Where the bytes are kept as fetched: among the evidence, if there is some; else beside the lists."""
    evidence = Path(settings.evidence.directory)
    # Nothing is begun here: a log has keys, and those are made by whoever keeps the evidence.
    return ObjectStore(evidence).put if (evidence / "log").is_dir() and (evidence / "run").is_dir() else None


def _as_json(result: Refreshed) -> dict[str, object]:
    return {
        "list": result.list,
        "outcome": result.outcome,
        "reason": result.reason,
        "prefixes": result.prefixes,
        "fetched_at": utc(result.fetched_at),
        "digest": result.digest,
    }


def _row(result: Refreshed) -> tuple[str, ...]:
    return result.list, result.outcome, str(result.prefixes), utc(result.fetched_at), result.reason
