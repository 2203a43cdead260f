"""Dossiers in the hands of the other side: doubts go to the operator, nothing hangs, nothing half is left."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dossier_log import mixed_log
from dossier_support import Records, site
from tlog_support import Log

Cli = Callable[..., Any]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    site(tmp_path)
    return mixed_log(tmp_path / "evidence")


@pytest.fixture
def made(log: Log, cli: Cli, tmp_path: Path) -> Path:
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record")
    assert found.code == 0, found.err
    return tmp_path / "out"


def test_a_version_of_robots_that_let_them_in_speaks_for_the_operator(tmp_path: Path, cli: Cli) -> None:
    log = Log(tmp_path / "evidence")
    older = {"version": "2" * 64, "allowed": True}
    robots = {"version": "1" * 64, "allowed": False, "line": "Disallow: /", "number": 2, "fetched": older}
    log.seal([Records(log).request(5, "A1", robots=robots)])
    made = cli("dossier", "-c", site(tmp_path), "--operator", "OpenAI", "--out", "d", "--no-record")
    assert made.code == 0
    said = json.loads((tmp_path / "d" / "contents.json").read_bytes())
    assert [one["code"] for one in said["summary"]["sentences"]] == ["attributed", "works"]
    assert "ex.excused" in [one["code"] for one in said["exculpatory"]["statements"]]


def test_a_pipe_in_a_dossier_is_named_and_not_read(made: Path, cli: Cli) -> None:
    (made / "records.csv").unlink()
    os.mkfifo(made / "records.csv")
    found = cli("dossier", "check", made)
    assert (found.code, "differs: records.csv: is no regular file" in found.out) == (1, True)


def test_a_link_to_nowhere_is_no_place_for_a_dossier(log: Log, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record")
    assert (found.code, found.err.startswith("out is there already, and is no dossier")) == (2, True)


def test_what_a_killed_run_left_goes_with_the_next_one_and_what_is_being_written_stays(
    log: Log, cli: Cli, tmp_path: Path
) -> None:
    ask = ("dossier", "--operator", "OpenAI", "--out", "out", "--no-record")
    for rest in (".out.0a0b0c0d.partial", "..out.0a0b0c0d.new.0e0f0a0b.partial", ".out.11111111.partial"):
        (tmp_path / rest / "log").mkdir(parents=True)
    held = os.open(tmp_path / ".out.11111111.partial", os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert cli(*ask).code == 0
    finally:
        os.close(held)
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".out.11111111.partial"]
    assert cli(*ask).code == 0
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_a_log_that_follows_another_says_that_it_is_not_the_whole_story(cli: Cli, tmp_path: Path) -> None:
    assert cli("evidence", "init", "evidence", "--origin", "label.example/first").code == 0
    assert cli("evidence", "rotate", "evidence", "later", "--origin", "label.example/later").code == 0
    config = site(tmp_path)
    text = config.read_text().replace('directory = "evidence"', 'directory = "later"')
    config.write_text(text.replace("label.example/evidence/test", "label.example/later"))
    made = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record")
    assert made.code == 0, made.err
    assert "This log follows another one of " in made.out
    assert cli("dossier", "check", "out").code == 0
