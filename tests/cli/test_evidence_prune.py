"""`evidence prune`: under the written policy, said before it is done, and refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.receipt import Draft

Cli = Callable[..., Any]
CONFIG = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
DAY = 86_400 * 10**9


def fill(home: Path, days: int, first: int) -> None:
    """300 requests of so many days ago, by a process that has ended."""
    at = time_ns() - days * DAY
    log = EvidenceLog(
        prepare(home, "label.example/evidence"),
        clock=lambda: at,
        clients_per_minute=1 << 30,
        operators_per_minute=1 << 30,
    )
    for number in range(first, first + 300):
        claim = {"token": "AcmeBot", "operator": "Acme", "standing": "claimed"}
        seen: dict[str, object] = {"claim": claim, "path": "/", "method": "GET", "host": "label.example"}
        private = {"address": b"203.0.113.9"}
        log.append(Draft("request", f"VB-{number}", at, seen, private, retention="person"))
    log.close(30.0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """302 records of 500 days ago, 302 of ten days ago."""
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    fill(tmp_path / "vorbehalt-evidence", 500, 0)
    fill(tmp_path / "vorbehalt-evidence", 10, 300)
    return tmp_path / "vorbehalt-evidence"


def test_it_is_said_first_and_done_with_yes(home: Path, cli: Cli) -> None:
    kept = (home / "log/checkpoint").read_bytes()
    said = cli("evidence", "prune", home, "--minimum", "256")
    assert said.code == 0
    assert "Would remove records 0 to 255" in said.out
    assert verify(home).minimum == 0

    done = cli("evidence", "prune", home, "--minimum", "256", "--who", "custodian", "--yes")
    assert (done.code, done.out.startswith("Removed records 0 to 255 (256,")) == (0, True)
    report = verify(home, against=kept)
    assert (report.problems, report.minimum) == ((), 256)
    checked = cli("evidence", "verify", home, "--json")
    assert (checked.code, checked.json["minimum"]) == (0, 256)
    (record,) = show(home, Filters(type="prune"))
    seen: Any = record["seen"]
    assert (seen["who"], seen["why"]) == ("custodian", "their time was over")
    assert seen["policy"] == "records 365d; with openings: claimed 90d, operator 3y, person 30d"

    again = cli("evidence", "prune", home, "--minimum", "256", "--yes")
    assert (again.code, again.out.startswith("Nothing more to prune: the log begins at 256")) == (0, True)


def test_days_are_asked_for_and_answered_for_machines(home: Path, cli: Cli) -> None:
    found = cli("evidence", "prune", home, "--before", "2026-01-01", "--json")
    assert found.code == 0
    assert found.json["minimum"] in (0, 256)  # by today's date
    assert found.json["done"] is False


def test_what_the_policy_keeps_is_refused_with_what_would_be_possible(home: Path, cli: Cli) -> None:
    found = cli("evidence", "prune", home, "--minimum", "512", "--yes")
    assert found.code == 2
    assert "record 302 has to stay: the retention policy keeps it until" in found.err
    assert "below 256 all may go: --minimum 256" in found.err
    assert verify(home).minimum == 0


def test_the_policy_is_that_of_the_configuration(home: Path, cli: Cli) -> None:
    (home.parent / "vorbehalt.toml").write_text(CONFIG + '[evidence.retention]\nrecords = "3y"\n')
    found = cli("evidence", "prune", home, "--minimum", "256", "--yes")
    assert found.code == 2
    assert "record 0 has to stay" in found.err
    assert "nothing may go" in found.err


def test_without_a_written_policy_nothing_goes(home: Path, cli: Cli) -> None:
    (home.parent / "vorbehalt.toml").unlink()
    assert cli("evidence", "prune", home, "--minimum", "256", "--yes").code == 2
    assert verify(home).minimum == 0


@pytest.mark.parametrize(
    "args",
    [[], ["--before", "2025-01-01", "--minimum", "256"], ["--before", "yesterday"], ["--minimum", "0"]],
)
def test_wrong_usage(args: list[str], home: Path, cli: Cli) -> None:
    assert cli("evidence", "prune", home, *args).code == 2


def test_other_commands_say_where_the_log_begins(home: Path, cli: Cli) -> None:
    assert cli("evidence", "prune", home, "--minimum", "256", "--yes").code == 0
    shown = cli("evidence", "show", home, "--limit", "1")
    assert "records below 256 were pruned" in shown.err
    proven = cli("evidence", "prove", home, "3")
    assert (proven.code, "records below 256 were pruned" in proven.err) == (2, True)
    corrected = cli("evidence", "correct", home, "3", "--why", "it was another one")
    assert (corrected.code, "records below 256 were pruned" in corrected.err) == (2, True)
    assert cli("evidence", "prove", home, "300").code == 0
    ledger = cli("works", "ledger", "-c", "vorbehalt.toml", "--operator", "OpenAI")
    assert ledger.code == 0, ledger.err
    assert "nothing is counted of what was pruned: records below 256 were pruned" in ledger.out
    history = cli("signals", "history", "-c", "vorbehalt.toml")
    assert "Traceback" not in history.err


def test_a_short_policy_is_warned_of(home: Path, cli: Cli) -> None:
    (home.parent / "vorbehalt.toml").write_text(CONFIG + '[evidence.retention]\nrecords = "30d"\n')
    found = cli("check", "--json")
    assert [one["id"] for one in found.json["warnings"] if one["id"] == "V145"] == ["V145"]
    (home.parent / "vorbehalt.toml").write_text(CONFIG + '[evidence.retention]\nrecords = "soon"\n')
    assert [one["id"] for one in cli("check", "--json").json["errors"]] == ["V023"]
