"""`signals`: what machines are told, shown or written out; `signals import` and others stand below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import typer
from typer.core import TyperGroup

from vorbehalt.cli.output import (
    CONFIG,
    JSON,
    note,
    print_json,
    printable,
    printable_lines,
    say,
    write_bytes,
)
from vorbehalt.cli.signals_history import HOST, history, show_at
from vorbehalt.cli.signals_import import import_
from vorbehalt.cli.signals_robots import robots
from vorbehalt.cli.signals_write import write_site
from vorbehalt.engine import Engine
from vorbehalt.facts import host_name, normal_path
from vorbehalt.reservation.bundle import Document
from vorbehalt.settings import load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits

_SHOW = "show"


class _ShowsByDefault(TyperGroup):
    """`signals PATH` is `signals show PATH`; a path begins with a slash, so no command is taken for one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ShowsByDefault,
    help="Show what machines are told for a path (signals [PATH]), or write it as static files.",
    rich_markup_mode=None,
)


@app.command(_SHOW)
def show(
    path: str = typer.Argument("/", help="The path whose headers are shown."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    host: str = HOST,
    at: str = typer.Option(
        None, "--at", help="What was told at this time of the past, e.g. 2026-11-22T12:00:00Z (UTC)."
    ),
    document: str = typer.Option(
        None, "--document", help="Print this document's exact bytes and nothing else, e.g. /robots.txt."
    ),
    write: Path = typer.Option(
        None, "--write", help="Write the documents as static files, and files for servers, below this folder."
    ),
    force: bool = typer.Option(False, "--force", help="With --write: replace files that we did not write."),
) -> None:
    """Show what machines are told for a path, or were told at a time: headers and documents, or static files.

    With --at it tells what the evidence of this configuration proves of that time, not what is in force now.
    """
    if write is not None and (at is not None or document is not None):
        raise typer.BadParameter("it writes what is in force now, all documents", param_hint="--write")
    if at is not None:
        show_at(config, at, path, host, document, as_json)
        return
    settings = load(config)
    engine = Engine(settings, MemoryLimits(), read_robots_files(settings))
    plan = engine.plan(host_name(host.encode("utf-8", "surrogateescape")))
    normal = normal_path(unquote(path.partition("?")[0].partition("#")[0]))
    section = plan.headers(normal, plan.sections.find(normal))
    headers = [[key.decode("latin-1"), value.decode("latin-1")] for key, value in section.headers]
    documents = {where: _shown(document) for where, document in plan.bundle.documents.items()}
    if plan.settings.robots == "app":
        note("robots.txt is shown without the site's own rules: they are read from the app while it runs")
    if document is not None:
        _print_document(document, plan.bundle.documents)
        return
    written = {} if write is None else {"written": write_site(write, engine, host, force=force)}
    if as_json:
        shown = {"path": path, "headers": headers, "documents": documents, "digest": plan.bundle.digest}
        print_json({**shown, **written})
        return
    say(f"headers of {printable(path)}:")
    for key, value in headers:
        say(f"  {key}: {printable(value)}")
    for where, document in plan.bundle.documents.items():
        say(f"\n{where} ({document.media_type}):\n{printable_lines(_text(document).rstrip())}")
        for variant in document.variants[1:]:
            say(f"\nalso in {variant.language}: {where}?lang={variant.language}")
    say(f"\ndigest of the whole set: {plan.bundle.digest}")


def _print_document(name: str, documents: Mapping[str, Document]) -> None:
    """Print the exact bytes; `PATH?lang=LANGUAGE` names a page in one of its languages."""
    bodies = {where: document.body for where, document in documents.items()}
    for where, document in documents.items():
        bodies |= {f"{where}?lang={variant.language}": variant.body for variant in document.variants}
    if name not in bodies:
        note(f"{name} is no document of ours; there are {', '.join(sorted(documents))}")
        raise typer.Exit(1)
    write_bytes(bodies[name])


def _shown(document: Document) -> dict[str, object]:
    """A document as JSON; a page in several languages shows the default one and names all."""
    shown: dict[str, object] = {"media_type": document.media_type, "body": _text(document)}
    if document.variants:
        shown["language"] = document.language
        shown["languages"] = {variant.language: _text(variant) for variant in document.variants}
    return shown


def _text(document: Document) -> str:
    return document.body.decode("utf-8", "replace")


app.command("robots")(robots)
app.command("history")(history)
app.command("import")(import_)
