"""The command line as a whole: what exists, what does not, and how it fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vorbehalt import __version__

Cli = Callable[..., Any]
COMMANDS = {
    "": {
        "init",
        "check",
        "serve",
        "demo",
        "identify",
        "explain",
        "probe",
        "pause",
        "spare",
        "doctor",
        "signals",
        "replay",
        "tune",
        "evidence",
        "rules",
        "works",
        "notice",
        "report",
        "dossier",
    },
    "evidence": {
        "init",
        "join",
        "anchor",
        "witness",
        "hold",
        "shred",
        "prune",
        "import",
        "correct",
        "export",
        "fsck",
        "index",
        "ask",
        "card",
        "rotate",
        "show",
        "prove",
        "seal",
        "verify",
    },
    "rules": {"lint", "refresh", "show"},
    "works": {"check", "scan", "ledger"},
    "dossier": {"check"},
    "notice": {
        "write",
        "check",
        "addressees",
        "enter",
        "status",
        "sent",
        "delivered",
        "answered",
        "remind",
        "close",
        "withdraw",
    },
}
NEVER = ["send"]
"""Letters and dossiers are sent by people."""


def listed(text: str) -> set[str]:
    return set(re.findall(r"^  ([a-z]+) ", text.partition("Commands:")[2], re.M))


@pytest.mark.parametrize(("group", "commands"), COMMANDS.items())
def test_help_lists_exactly_what_works(group: str, commands: set[str], cli: Cli) -> None:
    result = cli(*([group] if group else []), "--help")

    assert result.code == 0
    assert listed(result.out) == commands


@pytest.mark.parametrize("command", [(name,) for name in NEVER])
def test_what_does_not_exist_is_no_stub(command: tuple[str, ...], cli: Cli) -> None:
    result = cli(*command)

    assert (result.code, result.out) == (2, "")
    assert f"No such command '{command[-1]}'" in result.err


@pytest.mark.parametrize("group", COMMANDS)
def test_every_command_explains_itself(group: str, cli: Cli) -> None:
    for command in COMMANDS[group]:
        result = cli(*([group] if group else []), command, "--help")
        assert result.code == 0
        assert "Usage: vorbehalt" in result.out


def test_the_version_is_the_packages(cli: Cli) -> None:
    assert cli("--version").out == f"vorbehalt {__version__}\n"


def test_nothing_at_all_is_wrong_usage_with_help(cli: Cli) -> None:
    result = cli()

    assert result.code == 2
    assert "Commands:" in result.out + result.err


def test_a_moment_is_read_exactly() -> None:
    from vorbehalt.cli.output import moment, utc

    assert moment("1970-01-01") == 0
    assert moment("2026-11-22T12:00:00.123456+01:00") == 1_795_345_200_123_456_000
    assert utc(moment("2026-11-22T12:00:00Z")) == "2026-11-22T12:00:00Z"


def without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where one module cannot be imported."""
    code = f"import sys; sys.modules[{module!r}] = None; sys.argv[1:] = {list(arguments)!r}\n"
    code += "from vorbehalt.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={key: value for key, value in os.environ.items() if not key.startswith("VORBEHALT_")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(module: str) -> None:
    done = without(module, "--version")

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'vorbehalt[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "module"), [("serve", "uvicorn"), ("serve", "websockets"), ("demo", "uvicorn")]
)
def test_without_the_sidecars_extra_its_commands_say_what_to_install(command: str, module: str) -> None:
    done = without(module, command)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{command} needs an extra: pip install 'vorbehalt[sidecar]'" in done.stderr
    assert module in done.stderr
    assert "Traceback" not in done.stderr


def test_an_import_of_our_own_that_fails_is_not_blamed_on_an_extra() -> None:
    done = without("vorbehalt.edge.workers", "serve")

    assert done.returncode not in (0, 2)
    assert "Traceback" in done.stderr


def test_identifying_needs_no_web_framework() -> None:
    code = "import sys, vorbehalt.cli.identifying, vorbehalt.identify.tokens\n"
    code += "print(sorted({'starlette', 'uvicorn', 'aiohttp', 'redis', 'cryptography'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout == "[]\n"


def test_a_file_where_a_folder_is_needed_is_a_sentence(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "public").write_text("a file")

    result = cli("signals", "--write", "public")

    assert result.code == 2
    assert re.fullmatch(r"(.*\n)*vorbehalt: (File exists|Not a directory): .*public.*\n", result.err)
