"""`vorbehalt dossier`: what the log says of one operator, the same bytes for the same question, provable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dossier_cli_support import contents, files
from dossier_log import mixed_log
from dossier_support import SECRET, Records, site
from tlog_support import Log
from vorbehalt.evidence.reading.query import show

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


def test_each_figure_is_what_the_records_say(made: Path) -> None:
    said = contents(made)
    counts = said["summary"]["attributed"]
    # A1 to A6, B1 to B3, C4, C5, D1 are signed or verified; A1 B3 C4 D1 were delivered whole, A2 in part.
    assert {name: counts[name] for name in ("requested", "refused", "whole", "part", "head", "not_modified",
                                            "broken", "other", "unknown", "bytes")} == {
        "requested": 12, "refused": 2, "whole": 4, "part": 1, "head": 1, "not_modified": 1, "broken": 1,
        "other": 0, "unknown": 2, "bytes": 4_010,
    }  # fmt: skip
    assert said["summary"]["described"]["requested"] == 2
    assert said["summary"]["impostors"]["requested"] == 1
    assert said["summary"]["works_delivered"] == 3
    assert said["summary"]["share_of_catalogue"] == "100.00"
    assert [grade["standing"] for grade in said["attribution"]] == [
        "signed", "verified", "claimed", "contradicted", "unknown",
    ]  # fmt: skip


def test_what_follows_a_refusal_a_notice_and_a_contract_is_told_apart(made: Path) -> None:
    said = contents(made)
    after = {row["group"]: row for row in said["conduct"]["after_refusal"]}["attributed"]
    assert (after["refused_clients"], after["came_back"], after["requests_after"]) == (1, 1, 1)
    assert (after["within_minute"], after["delivered_after"], after["other_addresses"]) == (1, 0, 1)
    assert [row["seconds"] for row in said["conduct"]["returns"]] == [60]
    # The letter went out at the end of its day or with its record, whatever is earlier: only D1 is later.
    assert said["notice"]["attributed"]["requested"] == 1
    assert said["notice"]["works"] == ["own:song-3"]
    assert [letter["id"] for letter in said["notice"]["letters"]] == ["2026-0002"]
    assert [reference for reference, _ in said["exculpatory"]["permissions"]] == ["licence:7"]
    # C4 was allowed, C5 under a contract, C3 an impostor.
    assert said["robots"]["violations_attributed"] == 10
    assert said["robots"]["violations_described"] == 2
    assert said["exculpatory"]["robots_allowed"] == 1


def test_reservation_headers_are_counted_under_the_version_they_belong_to(made: Path) -> None:
    [version] = contents(made)["reservation"]["versions"]
    [headers] = version["headers"]
    # Completions of A1 to A5, B3, C4, D1 and the refusals B1, B2; C1 described itself.
    assert (headers["attributed"], headers["described"]) == (10, 1)
    assert headers["lines"] == ["tdm-reservation: 1", "content-usage: train-ai=n, search=y"]
    assert (version["attributed"], version["described"]) == (12, 2)
    assert version["documents"][0]["path"] == "/robots.txt"


def test_works_say_what_is_still_missing_for_the_united_states(made: Path) -> None:
    works = {work["id"]: work for work in contents(made)["works"]["scheduled"]}
    assert {id: work["missing_us"] for id, work in works.items()} == {
        "own:song-1": [], "own:song-2": ["not_for_us"], "own:song-3": ["no_us_registration"],
    }  # fmt: skip
    assert works["own:song-2"]["title"] == "=Two"
    assert "'=Two" in (made / "ledger.csv").read_text()
    assert contents(made)["works"]["unmapped"] == [
        {"host": "label.example", "path": "/x", "attributed": 0, "described": 1}
    ]


def test_its_table_is_that_of_works_ledger(made: Path, cli: Cli) -> None:
    ledger = cli("works", "ledger", "--operator", "OpenAI", "--csv")
    assert (made / "ledger.csv").read_bytes().decode() == ledger.out
    assert ledger.out.count("\n") > 8


def test_nothing_of_other_clients_is_enclosed(made: Path, log: Log) -> None:
    everything = "".join(json.dumps(leaf) for leaf in show(log.directory))
    assert everything.count(SECRET) >= 20
    assert [name for name, body in files(made).items() if SECRET.encode() in body] == []
    assert [name for name, body in files(made).items() if b"Anthropic" in body] == []


def test_limitations_and_custody_stand_in_it(made: Path) -> None:
    said = contents(made)
    codes = {one["code"]: dict(one["figures"]) for one in said["limitations"]["statements"]}
    assert codes["lim.gaps"] == {"gaps": 1}
    assert codes["lim.clocks"] == {"faults": 1}
    assert codes["lim.rollups"] == {"requests": 16}
    assert codes["lim.unnamed"] == {"visits": 3}
    assert codes["lim.cut"] == {"records": 1}
    assert codes["lim.imported"] == {"lines": 1}
    assert codes["lim.stale"] == {"requests": 1}
    assert codes["lim.corrections"] == {"records": 1}
    assert {"lim.rollups_left_out", "lim.shred", "lim.others", "lim.true", "lim.unbounded"} <= codes.keys()
    assert [row["what"] for row in said["system"]["custody"]] == ["hold", "shred", "correction"]
    rollups = [
        json.loads(line)["record"]
        for line in (made / "records.jsonl").read_text().splitlines()
        if "rollup" in line
    ]
    assert [[row["count"] for row in leaf["seen"]["rows"]] for leaf in rollups] == [["11"]]


@pytest.mark.parametrize(
    ("standing", "code"),
    [(None, "nothing"), ("contradicted", "only_impostors"), ("claimed", "only_described"),
     ("unknown", "only_described"), ("consistent", "only_described")],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "de"])
def test_without_established_traffic_the_dossier_says_so_and_accuses_nobody(
    cli: Cli, tmp_path: Path, standing: str | None, code: str, language: str
) -> None:
    site(tmp_path)
    log = Log(tmp_path / "evidence")
    records = Records(log)
    entries = [records.policy()]
    if standing:
        entries += [records.request(1, "R", claim={"standing": standing}), records.completion(2, "R")]
    log.seal(entries)
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record", "--lang", language)
    said = contents(tmp_path / "out")
    assert found.code == 0
    assert said["summary"]["sentences"][0]["code"] == code
    assert said["summary"]["attributed"]["requested"] == said["summary"]["works_delivered"] == 0
    texts = json.dumps(said, ensure_ascii=False).lower()
    assert not re.search("theft|steal|illegal|unlawful|infring|diebstahl|rechtswidrig|verletz", texts)
    assert cli("dossier", "check", "out").code == 0


def test_only_the_period_counts_and_the_figures_still_follow_from_what_is_enclosed(
    log: Log, cli: Cli, tmp_path: Path
) -> None:
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record",
                "--from", "2026-05-27T02:00:00Z", "--to", "2026-05-27T03:00:00Z")  # fmt: skip
    said = contents(tmp_path / "out")
    assert found.code == 0
    assert said["summary"]["attributed"]["requested"] == 3
    assert said["question"]["since"] == "2026-05-27T02:00:00Z"
    assert said["summary"]["impostors"]["requested"] == 0
    assert cli("dossier", "check", "out").code == 0


def test_requests_of_which_only_the_decision_was_seen_are_said_without_impostors(
    cli: Cli, tmp_path: Path
) -> None:
    site(tmp_path)
    log = Log(tmp_path / "evidence")
    records = Records(log)
    asked = [("verified", "forward-auth"), ("claimed", "forward-auth"), ("contradicted", "forward-auth"),
             ("verified", "app")]  # fmt: skip
    log.seal([
        records.policy(),
        *(records.request(number, f"R{number}", claim={"standing": standing}, vantage=vantage)
          for number, (standing, vantage) in enumerate(asked, 1)),
    ])  # fmt: skip
    assert cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record").code == 0
    statements = contents(tmp_path / "out")["limitations"]["statements"]
    codes = {one["code"]: dict(one["figures"]) for one in statements}
    assert codes["lim.vantage"] == {"requests": 2}
