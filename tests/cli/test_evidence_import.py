"""`evidence import`: the past is typed, named by file and line, comes once, and never looks like ours."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.log import prepare
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.vault.openings import openings
from vorbehalt.identify.networks import read_range_lists
from vorbehalt.imports import joining
from vorbehalt.settings import load_rules

Cli = Callable[..., Any]
CONFIG = """\
format = 1
[site]
origin = "https://label.example"
contact = "mailto:a@label.example"
[evidence]
redact = ["referer"]
"""
STRANGER = "203.0.113.9"
LINE = '{address} - - [01/Mar/2026:10:00:{second:02} +0000] "GET {path} HTTP/1.1" 200 {size} "-" "{agent}"\n'
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def line(second: int, agent: str = GPTBOT, path: str = "/lyrics/1?q=s3cret", address: str = STRANGER) -> str:
    return LINE.format(address=address, second=second, path=path, size=512 + second, agent=agent)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    prepare(tmp_path / "vorbehalt-evidence", "label.example/evidence")
    return tmp_path


def run(cli: Cli, *logs: Path, code: int = 0) -> Any:
    done = cli("evidence", "import", *logs, "--custodian", "hosting team", "--json")
    assert done.code == code, done.err
    return done


def imported(home: Path, kind: str = "request") -> list[dict[str, Any]]:
    wanted = Filters(type="imported", fields={"seen.kind": kind})
    return [leaf["seen"] for leaf in show(home / "vorbehalt-evidence", wanted)]  # type: ignore[misc]


def test_crawlers_are_recorded_people_are_not_and_bad_lines_are_named(home: Path, cli: Cli) -> None:
    log = home / "access.log"
    log.write_text(line(1) + line(2, FIREFOX) + "nonsense\n" + line(3, path="/robots.txt"))
    done = run(cli, log)
    digest = hashlib.sha256(log.read_bytes()).hexdigest()

    (found,) = done.json["logs"]
    assert {key: found[key] for key in ("recorded", "without_record", "unreadable", "lines", "already")} == {
        "recorded": 2, "without_record": 1, "unreadable": 1, "lines": 4, "already": False,
    }  # fmt: skip
    assert f"{log}:3: " in done.err
    assert STRANGER not in done.err + done.out
    first, second = imported(home)
    assert (first["log"], second["log"]["line"]) == ({"sha256": digest, "line": 1}, 4)
    assert (first["not_contemporaneous"], first["custodian"], first["status"], first["bytes"]) == (
        True, "hosting team", 200, 513,
    )  # fmt: skip
    assert first["logged_at"] == "1772359201000000000"
    assert (first["claim"]["token"], first["claim"]["standing"]) == ("GPTBot", "claimed")
    assert "decision" not in first
    (whole,) = imported(home, "access-log")
    assert (whole["log"]["sha256"], whole["log"]["name"], whole["recorded"], whole["unreadable"]) == (
        digest, "access.log", 2, 1,
    )  # fmt: skip
    assert verify(home / "vorbehalt-evidence").problems == ()


def test_no_address_and_no_query_of_a_log_stands_in_a_leaf(home: Path, cli: Cli) -> None:
    log = home / "access.log"
    log.write_text(line(1))
    run(cli, log)
    kept = b"".join(path.read_bytes() for path in (home / "vorbehalt-evidence").rglob("*") if path.is_file())
    assert [secret for secret in (STRANGER.encode(), b"s3cret") if secret in kept] == []
    (opening,) = openings(home / "vorbehalt-evidence")
    assert (opening.values["address"], opening.values["query"]) == (STRANGER.encode(), b"q=s3cret")


def test_the_same_file_twice_adds_nothing_whatever_it_is_called(home: Path, cli: Cli) -> None:
    log, other = home / "access.log", home / "copy.log"
    log.write_text(line(1) + line(2))
    other.write_bytes(log.read_bytes())
    run(cli, log)
    size = len(imported(home)) + len(imported(home, "access-log"))
    again = run(cli, log, other)

    assert [row["already"] for row in again.json["logs"]] == [True, True]
    assert len(imported(home)) + len(imported(home, "access-log")) == size == 3


def test_an_import_that_was_cut_short_is_carried_on(
    home: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = home / "access.log"
    log.write_text("".join(line(second % 60, path=f"/lyrics/{second}") for second in range(700)))
    with monkeypatch.context() as patch:
        calls: list[int] = []

        def cut(evidence: Any, drafts: Any) -> None:
            calls.append(len(drafts))
            if len(calls) > 1:
                raise KeyboardInterrupt
            joining.keep_completions(evidence, drafts)

        patch.setattr("vorbehalt.cli.evidence_import.keep_all", cut)
        cli("evidence", "import", log, "--custodian", "x")
    assert len(imported(home)) == 500
    done = run(cli, log)

    (found,) = done.json["logs"]
    assert (found["recorded"], found["recorded_before"]) == (200, 500)
    assert sorted(seen["log"]["line"] for seen in imported(home)) == list(range(1, 701))


def test_a_cut_off_gzip_file_says_so_and_is_not_called_whole(home: Path, cli: Cli) -> None:
    log = home / "access.log.gz"
    data = gzip.compress("".join(line(second) for second in range(50)).encode())
    log.write_bytes(data[: len(data) - 12])
    done = cli("evidence", "import", log, "--custodian", "x")

    assert done.code != 0
    assert "cut off" in done.err
    assert imported(home, "access-log") == []


def test_a_file_without_a_request_is_a_failure(home: Path, cli: Cli) -> None:
    log = home / "notes.txt"
    log.write_text("hello\n" * 30)
    done = run(cli, log, code=1)
    assert done.err.count("notes.txt:") == 21


def test_it_is_printed_as_not_contemporaneous_wherever_it_appears(home: Path, cli: Cli) -> None:
    log = home / "access.log"
    log.write_text(line(1))
    told = cli("evidence", "import", log, "--custodian", "hosting team")
    shown = cli("evidence", "show", home / "vorbehalt-evidence", "--type", "imported")
    found = cli("evidence", "show", home / "vorbehalt-evidence", "--ip", STRANGER, "--why", "Art. 15")

    assert "not contemporaneous" in told.out
    lines = shown.out.splitlines() + found.out.splitlines()
    assert ["not contemporaneous: imported on " in text for text in lines] == [True] * 3
    assert "logged 2026-03-01" in lines[0]
    assert "line 1, kept by hosting team" in lines[0]


@pytest.mark.parametrize("custodian", ["", "  ", "a\nb"])
def test_who_kept_the_logs_must_be_said(home: Path, cli: Cli, custodian: str) -> None:
    log = home / "access.log"
    log.write_text(line(1))
    assert cli("evidence", "import", log, "--custodian", custodian).code == 2
    assert imported(home) == []


def test_a_claim_is_weighed_by_the_lists_of_its_day(home: Path, cli: Cli) -> None:
    listed = read_range_lists(load_rules(None)[0])["openai-gptbot"]
    first = json.loads(load_rules(None)[0]["ranges/openai-gptbot.json"])["prefixes"][0]
    address = str(next(iter(first.values()))).partition("/")[0]
    of_the_day = datetime.fromtimestamp(listed.fetched_at // 10**9, UTC).strftime("%d/%b/%Y")
    log = home / "access.log"
    texts = [line(1, address=address), line(2, address="203.0.114.9"), line(3, address=address)]
    log.write_text("".join(text.replace("01/Mar/2026", of_the_day) for text in texts[:2]) + texts[2])
    run(cli, log)

    claims = [seen["claim"] for seen in imported(home)]
    assert [claim["standing"] for claim in claims[:2]] == ["verified", "contradicted"]
    assert claims[2]["standing"] != "verified", "a list of half a year later verifies nobody"
    assert listed.digest in claims[0]["data"]
