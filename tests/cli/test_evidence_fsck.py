"""`evidence fsck`: exit status, JSON, repair and its record."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def log(cli: Cli, tmp_path: Path) -> Path:
    cli("evidence", "init", "ev", "--origin", "label.example/evidence")
    return tmp_path / "ev"


def leave(path: Path) -> Path:
    """A file of a process that was stopped long ago."""
    path.write_bytes(b"half")
    os.utime(path, (0, 0))
    return path


def test_a_new_log_is_clean(log: Path, cli: Cli) -> None:
    plain, as_json = cli("evidence", "fsck", log), cli("evidence", "fsck", log, "--json")

    assert (plain.code, plain.out) == (0, "nothing is to be done\n")
    assert (as_json.code, as_json.json) == (0, {"ok": True, "findings": [], "repaired": []})


def test_what_is_found_is_named_and_changes_nothing(log: Path, cli: Cli) -> None:
    draft = leave(log / "run" / ".0123.tmp")

    plain, as_json = cli("evidence", "fsck", log), cli("evidence", "fsck", log, "--json")

    assert plain.code == as_json.code == 1
    assert plain.out.splitlines()[0].startswith("LEFT-OVER temporary (1): A file that was being written")
    assert plain.out.splitlines()[1:] == ["  run/.0123.tmp", "something is to be done"]
    (found,) = as_json.json["findings"]
    assert {key: value for key, value in found.items() if key != "says"} == {
        "kind": "temporary",
        "level": "left-over",
        "path": "run/.0123.tmp",
        "detail": None,
        "safe": True,
        "repairable": True,
    }
    assert draft.exists()


def test_a_repair_that_changed_something_is_recorded(log: Path, cli: Cli) -> None:
    leave(log / "run" / ".0123.tmp")
    (log / "keys" / "log.key").chmod(0o644)

    done = cli("evidence", "fsck", log, "--repair", "--json")
    again = cli("evidence", "fsck", log, "--repair", "--json")
    kept = cli("evidence", "show", log, "--json", "--type", "repair").out.splitlines()

    assert (done.code, again.code) == (0, 0)
    assert done.json["repaired"] == [
        {"kind": "key-open", "path": "keys/log.key"},
        {"kind": "temporary", "path": "run/.0123.tmp"},
    ]
    assert again.json["repaired"] == []
    assert [json.loads(line)["seen"] for line in kept] == [{"repaired": {"key-open": 1, "temporary": 1}}]


def test_a_folder_that_is_no_log_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert cli("evidence", "fsck", "other").code == 2
    assert cli("evidence", "fsck", "nowhere").code == 2
