"""All commands together, and what a person sees when one fails."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from vorbehalt import __version__
from vorbehalt.cli import (
    config,
    doctoring,
    dossier,
    evidence,
    explaining,
    identifying,
    init,
    notice,
    pausing,
    probing,
    replaying,
    report,
    rules,
    running,
    signals,
    sparing,
    tuning,
    works,
)
from vorbehalt.cli.output import flush, printable, say
from vorbehalt.errors import VorbehaltError
from vorbehalt.evidence.files import FULL

app = typer.Typer(
    name="vorbehalt",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Boxes around errors break sentences over lines; a sentence must be found by grep.
    rich_markup_mode=None,
    help="Tells machines what is reserved, finds out who they are, turns away those you name, keeps proof.",
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"vorbehalt {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Tells machines what is reserved, finds out who they are, turns away those you name, keeps proof."""


app.command("init")(init.init)
app.command("check")(config.check)
app.command("serve")(running.serve)
app.command("demo")(running.demo)
app.command("identify")(identifying.identify)
app.command("explain")(explaining.explain)
app.command("pause")(pausing.pause)
app.command("spare")(sparing.spare)
app.command("doctor")(doctoring.doctor)
app.command("replay")(replaying.replay)
app.command("report")(report.report)
app.command("tune")(tuning.tune)
app.command("probe")(probing.probe)
app.add_typer(dossier.app, name="dossier")
app.add_typer(evidence.app, name="evidence")
app.add_typer(notice.app, name="notice")
app.add_typer(rules.app, name="rules")
app.add_typer(signals.app, name="signals")
app.add_typer(works.app, name="works")


def run() -> None:
    """Run one command; errors of ours end in one clear sentence and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        # A result may hold characters that this terminal cannot show: better escaped than lost.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="vorbehalt")
    except VorbehaltError as error:
        _fail("\n".join(printable(line) for line in str(error).splitlines()))
    except OSError as error:
        if error.errno in FULL:
            _fail("vorbehalt: the disk is full: what was being written is not there")
        if not isinstance(error.filename, (str, bytes)):
            raise
        _fail(f"vorbehalt: {error.strerror}: {printable(str(error.filename))}")
    finally:
        flush()


def _fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(2)
