"""`notice`: letters are entered step by step, wrong steps refused in words, and the state can be asked."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from register_support import DAY, evidence_with, request
from register_support import TODAY as NOW
from vorbehalt.claims.register import day_of, read_register
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.objects import ObjectStore

Cli = Callable[..., Any]
CONFIG = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
TODAY, LAST_WEEK, SOON = day_of(NOW), day_of(NOW - 7 * DAY), day_of(NOW + 2 * DAY)
ID = f"{LAST_WEEK[:4]}-0001"


@pytest.fixture(autouse=True)
def _this_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOW)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Traffic ten days ago and yesterday, a letter as a file, and a place to work in."""
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    (tmp_path / "letter.txt").write_text("We reserve.")
    before, after = NOW - 10 * DAY, NOW - DAY
    return evidence_with(
        tmp_path / "vorbehalt-evidence",
        [
            *request("VB-1", before),
            *request("VB-2", after),
            *request("VB-3", after, standing="claimed"),
            *request("VB-4", after, standing="contradicted"),
            *request("VB-5", after, "Anthropic", token="ClaudeBot"),
        ],
    )


def enter(cli: Cli, *more: str, operator: str = "openai") -> Any:
    return cli(
        "notice", "enter", "letter.txt", "--operator", operator, "--approved-by", "Jane Counsel",
        "--date", LAST_WEEK, "--due", TODAY, *more,
    )  # fmt: skip


@pytest.fixture
def sent(home: Path, cli: Cli) -> Path:
    """The same, and letter 1 of this year went out a week ago."""
    assert enter(cli).code == 0
    assert cli("notice", "sent", ID, "--on", LAST_WEEK, "--channel", "registered post RR1").code == 0
    return home


def test_a_letter_goes_its_way_and_each_step_says_what_is_next(home: Path, cli: Cli) -> None:
    (home.parent / "answer.pdf").write_bytes(b"%PDF no")
    entered = enter(cli, "--to", "OpenAI Ireland Ltd")
    runs = [
        cli("notice", "sent", ID, "--on", LAST_WEEK, "--channel", "post RR1", "--proof", "letter.txt"),
        cli("notice", "delivered", ID, "--on", LAST_WEEK, "--text", "return receipt"),
        cli("notice", "remind", ID, "--due", SOON, "--text", "by telephone"),
        cli("notice", "answered", ID, "--text", "a denial", "--file", "answer.pdf", "--keep"),
        cli("notice", "close", ID, "--text", "settled"),
    ]
    digest = ObjectStore.digest(b"We reserve.")
    assert (entered.code, entered.out.splitlines()) == (
        0,
        [
            f"Entered as letter {ID} to OpenAI, sha256 {digest}.",
            f"The operator's records are held: letter-{ID}.",
            f"Next: Send it, then enter that: vorbehalt notice sent {ID}.",
        ],
    )
    assert [(run.code, run.err) for run in runs] == [(0, "")] * 5
    assert [run.out.splitlines() for run in runs] == [
        [f"Letter {ID} to OpenAI: sent, entered for {LAST_WEEK}.",
         f"Next: Wait for an answer until {TODAY}."],
        [f"Letter {ID} to OpenAI: delivered, entered for {LAST_WEEK}.",
         f"Next: Wait for an answer until {TODAY}."],
        [f"Letter {ID} to OpenAI: reminded, entered for {TODAY}.",
         f"Next: Wait for an answer until {SOON}."],
        [f"Letter {ID} to OpenAI: answered, entered for {TODAY}.",
         "Next: Read the answer, then close the letter or write again."],
        [f"Letter {ID} to OpenAI: closed, entered for {TODAY}.", "Next: Nothing: it is closed.",
         f"letter-{ID} still holds the operator's records: vorbehalt evidence hold DIR"
         f" --matter letter-{ID} --end releases it."],
    ]  # fmt: skip
    (letter,) = read_register(home).letters
    assert letter.first("sent").digest == digest  # type: ignore[union-attr]
    assert ObjectStore(home).get(letter.last("answered").digest) == b"%PDF no"  # type: ignore[union-attr]
    assert verify(home).ok


def test_status_says_what_came_back_and_what_came_after_notice(sent: Path, cli: Cli) -> None:
    enter(cli, "--no-hold", "they asked first", operator="Anthropic")
    said = cli("notice", "status")
    assert said.out.splitlines() == [
        f"{ID}\tOpenAI\town\tsent {LAST_WEEK}\t{TODAY}\tno answer\tWait for an answer until {TODAY}.",
        f"{ID[:-1]}2\tAnthropic\town\twritten {LAST_WEEK}\t{TODAY}\tno answer\tSend it, then enter that:"
        f" vorbehalt notice sent {ID[:-1]}2.",
        f"after notice of {LAST_WEEK} (letter {ID}): from OpenAI (signed or verified) 1 requested, 0 refused,"
        " 1 delivered (1 whole, 0 in part); described itself as OpenAI (not established) 1 requested,"
        " 0 refused, 1 delivered (1 whole, 0 in part)",
    ]
    counted = cli("notice", "status", "--json").json
    assert [(one["id"], one["state"], one["sent"], one["no_hold"]) for one in counted["letters"]] == [
        (ID, "sent", LAST_WEEK, None), (f"{ID[:-1]}2", "written", None, "they asked first"),
    ]  # fmt: skip
    (later,) = counted["after_notice"]
    assert (later["operator"], later["letter"]) == ("OpenAI", ID)
    assert later["since"] == counted["letters"][0]["after_notice_since"]
    got = {"requested": 1, "refused": 0, "delivered": 1, "whole": 1, "part": 0, "bytes": 100,
           "rollups": {"requested": 0, "refused": 0}}  # fmt: skip
    assert (later["attributed"], later["described"], later["impostors"]) == (got, got, got)


def test_status_can_be_asked_for_one_operator_for_open_letters_and_as_of_then(sent: Path, cli: Cli) -> None:
    size = read_register(sent).size
    enter(cli, operator="Anthropic")
    cli("notice", "withdraw", ID, "--reason", "wrong address")

    def ids(*options: str) -> list[str]:
        return [one["id"] for one in cli("notice", "status", "--json", *options).json["letters"]]

    second = f"{ID[:-1]}2"
    assert ids() == [ID, second]
    assert ids("--open") == [second]
    assert ids("--operator", "ANTHROPIC") == [second]
    assert ids("--operator", "OpenAI", "--open") == []
    assert ids("--size", str(size)) == [ID]
    assert cli("notice", "status", "--no-traffic", "--json").json["after_notice"] is None
    assert cli("notice", "status", "--json").json["after_notice"] == []
    assert cli("notice", "status", "--json", "--size", str(size)).json["after_notice"][0]["letter"] == ID
    assert cli("notice", "status", "--operator", "OpenAI", "--open").out == "There is no such letter.\n"
    wrong = cli("notice", "status", "--operator", "Anthropix")
    assert (wrong.code, 'no operator has the name "Anthropix"' in wrong.err) == (2, True)


def test_what_is_out_of_order_is_refused_with_status_2_and_nothing_is_recorded(sent: Path, cli: Cli) -> None:
    enter(cli)
    second = f"{ID[:-1]}2"
    size = verify(sent).size
    for arguments, said in (
        (("sent", "1999-0001", "--channel", "post"), "there is no letter 1999-0001 in the register"),
        (("sent", second, "--channel", "post", "--on", SOON), f"{SOON} is in the future"),
        (("sent", second, "--channel", "post", "--on", "1.2.2026"), "the day is written as 2026-11-23"),
        (("sent", second, "--channel", ""), "say it in one line"),
        (("sent", second, "--channel", "a\nb"), "what is said of a step must be one line"),
        (("sent", second, "--channel", "post", "--keep"), "there is no file to keep"),
        (("sent", second, "--channel", "post", "--proof", "nowhere"), "nowhere"),
        (("answered", second, "--text", "no"), "it has not been sent, so it cannot be answered"),
        (("remind", ID, "--due", "2020-01-01"), "a new deadline is a day"),
        (("close", second, "--text", "x"), "it has not been sent, so it cannot be closed"),
    ):
        run = cli("notice", *arguments)
        assert (run.code, said in " ".join(run.err.split())) == (2, True), (arguments, run.err)
    wrong = enter(cli, operator="Nobody at all")
    assert (wrong.code, "no operator has the name" in wrong.err) == (2, True)
    assert verify(sent).size == size


def test_without_a_log_there_is_nothing_to_ask(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    run = cli("notice", "status")
    assert (run.code, run.err) == (1, f"there is no evidence log in {tmp_path / 'vorbehalt-evidence'}\n")


def test_a_register_without_letters_says_so(home: Path, cli: Cli) -> None:
    assert cli("notice", "status").out == "No letter was written yet.\n"


def test_text_of_strangers_does_nothing_to_a_terminal(sent: Path, cli: Cli) -> None:
    run = cli("notice", "answered", ID, "--text", "=cmd \u00fc", "--json")
    assert run.json["answer"] == "=cmd \u00fc"
    hostile = cli("notice", "answered", ID, "--text", "\x1b[31mred\u202e")
    assert (hostile.code, "\x1b" in hostile.err) == (2, False)


def test_records_after_notice_are_marked_in_evidence_show(sent: Path, cli: Cli) -> None:
    mark = f"after notice of {LAST_WEEK} (letter {ID})"
    lines = [line for line in cli("evidence", "show", sent).out.splitlines() if "  request  " in line]
    assert {line.split("VB-")[1][0]: mark in line for line in lines} == {
        "1": False, "2": True, "3": True, "4": False, "5": False,
    }  # fmt: skip
    records = map(json.loads, cli("evidence", "show", sent, "--json").out.splitlines())
    assert {one["ref"]: one["after_notice"] for one in records if one["type"] == "request"} == {
        "VB-1": None, "VB-2": ID, "VB-3": ID, "VB-4": None, "VB-5": None,
    }  # fmt: skip


def test_the_ledger_says_from_when_on_traffic_is_after_notice(sent: Path, cli: Cli) -> None:
    since = cli("notice", "status", "--json").json["letters"][0]["after_notice_since"]
    said = cli("works", "ledger", "--operator", "openai", "--json").json
    assert said["after_notice"] == {"letter": ID, "day": LAST_WEEK, "since": since}
    lines = cli("works", "ledger", "--operator", "openai").out.splitlines()
    assert lines[0] == f"after notice of {LAST_WEEK} (letter {ID}): what came since {since}"
    rows = list(csv.DictReader(StringIO(cli("works", "ledger", "--operator", "openai", "--csv").out)))
    assert {(row["day"], row["standing"]): row["after_notice"] for row in rows if row["row"] == "work"} == {
        (day_of(NOW - 10 * DAY), "verified"): "",
        (day_of(NOW - DAY), "verified"): "yes",
        (day_of(NOW - DAY), "claimed"): "yes",
        (day_of(NOW - DAY), "contradicted"): "",
    }
    none = cli("works", "ledger", "--operator", "anthropic", "--json").json
    assert none["after_notice"] is None
    assert "after notice" not in cli("works", "ledger", "--operator", "anthropic").out
