"""`vorbehalt dossier`: what the log says of one operator, the same bytes for the same question, provable."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dossier_log import mixed_log
from dossier_support import SECRET, Records, site
from tlog_support import Log
from vorbehalt.claims.dossier.make import question_in
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.query import Filters, show
from vorbehalt.evidence.tlog.leaf import seen_of

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


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def contents(folder: Path) -> Any:
    return json.loads((folder / "contents.json").read_bytes())


def stand_alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the enclosed script by a bare Python: no site packages, no environment."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), str(folder)],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


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


def test_the_same_question_gives_the_same_bytes_wherever_and_whenever(
    made: Path, log: Log, tmp_path: Path
) -> None:
    for number, (zone, seed, language) in enumerate(
        (("Asia/Tokyo", "1", "C"), ("America/Lima", "2", "de_DE"))
    ):
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": language}
        subprocess.run(
            [sys.executable, "-m", "vorbehalt.cli.main", "dossier", "-c", str(tmp_path / "vorbehalt.toml"),
             "--operator", "openai", "--out", f"other/{number}", "--no-record"],
            cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert files(tmp_path / "other" / str(number)) == files(made)


def test_the_log_may_grow_and_the_pinned_dossier_stays_the_same(
    made: Path, log: Log, cli: Cli, tmp_path: Path
) -> None:
    size = log.size
    log.freeze()
    records = Records(log, "9f86d081884c7d65-1a2b3c4d-2")
    log.seal([records.request(9 * 3_600 * 10**9, "later")])
    assert cli("dossier", "--operator", "OpenAI", "--out", "again", "--size", size, "--no-record").code == 0
    assert files(tmp_path / "again") == files(made)
    assert cli("dossier", "--operator", "OpenAI", "--out", "later", "--no-record").code == 0
    assert contents(tmp_path / "later")["summary"]["attributed"]["requested"] == 13


def test_a_size_without_checkpoint_or_key_is_refused_with_those_there_are(log: Log, cli: Cli) -> None:
    (log.directory / "keys").chmod(0o700)
    found = cli("dossier", "--operator", "OpenAI", "--out", "again", "--size", "7", "--no-record")
    assert found.code == 2
    assert f"take {log.size}" in found.err
    assert not Path("again").exists()


@pytest.mark.real("openssl")
def test_both_verifiers_and_the_figures_hold(made: Path, cli: Cli) -> None:
    done = stand_alone(made)
    assert done.returncode == 0, done.stdout
    assert re.search(r"enclosed +37 records", done.stdout)
    checked = cli("dossier", "check", "out", "--json")
    assert (checked.code, checked.json["ok"], checked.json["differences"]) == (0, True, [])
    assert checked.json["records"] == contents(made)["summary"]["records_enclosed"]


@pytest.mark.real("openssl")
@pytest.mark.parametrize("change", ["flip", "grow", "remove"])
def test_any_changed_annex_is_found(made: Path, cli: Cli, change: str) -> None:
    for name, body in files(made).items():
        path = made / name
        if change == "flip":
            path.write_bytes(
                body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1 :]
            )
        elif change == "grow":
            path.write_bytes(body + b"\n")
        else:
            path.unlink()
        if name != "verify.py":
            assert stand_alone(made).returncode == 1, name
        if change == "flip":
            assert cli("dossier", "check", "out").code in (1, 2), name
        path.write_bytes(body)
    assert stand_alone(made).returncode == 0
    (made / "more.txt").write_text("x")
    assert stand_alone(made).returncode == 1
    assert cli("dossier", "check", "out").code == 1


def test_figures_that_do_not_follow_from_the_records_are_named(made: Path, cli: Cli) -> None:
    # Somebody who writes a manifest for it, too.
    body = (made / "contents.json").read_bytes()
    forged = body.replace(b'"attributed": {"requested": 12', b'"attributed": {"requested": 13', 1)
    assert forged != body
    (made / "contents.json").write_bytes(forged)
    manifest = (made / "manifest.sha256").read_bytes()
    old, new = sha256(body).hexdigest().encode(), sha256(forged).hexdigest().encode()
    (made / "manifest.sha256").write_bytes(manifest.replace(old, new))
    found = cli("dossier", "check", "out")
    assert found.code == 1
    assert "summary.attributed.requested: 13 is said, the records give 12" in found.out


def test_a_record_of_it_is_kept_after_the_pin(cli: Cli, tmp_path: Path) -> None:
    site(tmp_path)
    directory = str(tmp_path / "evidence")
    with contextlib.closing(open_evidence(directory, "label.example/evidence", {})) as evidence:
        evidence.start()
    before = len(list(show(tmp_path / "evidence")))
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--json")
    assert found.code == 0, found.err
    [export] = show(tmp_path / "evidence", Filters(type="export"))
    seen = seen_of(export)
    manifest = (tmp_path / "out" / "manifest.sha256").read_bytes()
    assert seen["manifest"] == found.json["manifest"] == sha256(manifest).hexdigest()
    assert seen["size"] == contents(tmp_path / "out")["pin"]["size"] == before
    assert seen["query"] == contents(tmp_path / "out")["question"]
    again = cli("dossier", "--operator", "OpenAI", "--out", "two", "--size", str(seen["size"]), "--no-record")
    assert again.code == 0, again.err
    assert files(tmp_path / "two") == files(tmp_path / "out")
    # The next one tells of the first: who holds the evidence sees what was handed out.
    assert cli("dossier", "--operator", "OpenAI", "--out", "three", "--no-record").code == 0
    custody = [row["what"] for row in contents(tmp_path / "three")["system"]["custody"]]
    assert "export" in custody
    assert cli("dossier", "--operator", "Anthropic", "--out", "four", "--no-record").code == 0
    assert "export" not in [row["what"] for row in contents(tmp_path / "four")["system"]["custody"]]


def test_evidence_that_fails_is_written_says_so_first_and_exits_1(log: Log, cli: Cli, tmp_path: Path) -> None:
    bundle = next((tmp_path / "evidence/log/tile/entries").rglob("*.p")) / str(log.size)
    body = bundle.read_bytes()
    bundle.write_bytes(body.replace(b'"bytes":1000', b'"bytes":9000', 1))
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record")
    said = contents(tmp_path / "out")
    assert found.code == 1
    assert said["summary"]["verifies"] is False
    assert said["summary"]["sentences"][0]["code"] == "fails"
    assert said["verification"]["problems"]
    first_page = (tmp_path / "out" / "report.html").read_text().partition('<section id="s1"')[0]
    assert "The verification of the log found problems." in first_page
    assert said["verification"]["problems"][0][:60] in unescape(first_page)
    assert stand_alone(tmp_path / "out").returncode == 1
    assert cli("dossier", "check", "out").code == 0


def test_a_missing_object_is_said_and_the_rest_is_written(log: Log, cli: Cli, tmp_path: Path) -> None:
    for path in (tmp_path / "evidence/objects").rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"tdm-reservation"):
            path.unlink()
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record")
    assert found.code == 1
    assert any("missing" in line for line in contents(tmp_path / "out")["verification"]["problems"])
    assert stand_alone(tmp_path / "out").returncode == 1


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


def test_a_folder_of_something_else_is_left_alone_and_the_same_dossier_replaced(
    made: Path, cli: Cli, tmp_path: Path
) -> None:
    before = files(made)
    (made / "contents.json").write_bytes(before["contents.json"] + b" ")
    assert cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record").code == 0
    assert files(made) == before
    other = cli("dossier", "--operator", "Anthropic", "--out", "out", "--no-record")
    assert (other.code, files(made) == before) == (2, True)
    assert "a dossier of another question (OpenAI" in other.err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    assert cli("dossier", "--operator", "OpenAI", "--out", "mine", "--no-record").code == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert question_in(made) is not None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_disclosures_are_laid_beside_what_the_log_counts(log: Log, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "said.csv").write_text(
        "period,crawler,requests,domains\n2026-05,gptbot,3,\n2026-05,GPTBot,,example.com label.example\n"
        "2026-04,GPTBot,9,\n2026,NoBot,1,\n"
    )
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record", "--disclosures", "said.csv")
    assert found.code == 0, found.err
    rows = contents(tmp_path / "out")["disclosures"]
    assert [(row["attributed"]["requested"], row["described"]["requested"]) for row in rows] == [
        (12, 2), (12, 2), (0, 0), (0, 0),
    ]  # fmt: skip
    assert [row["names_us"] for row in rows] == [None, True, None, None]
    assert [row["is_known"] for row in rows] == [True, True, True, False]
    assert cli("dossier", "check", "out").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "said.csv:1: V138 "),
        ("period,crawler,requests\n2026-13,GPTBot,1\n", "said.csv:2: V139 "),
        ("period,crawler,requests\n2026-01,,1\n", "said.csv:2: V139 "),
        ("period;crawler;requests\n2026-01;GPTBot;many\n", "said.csv:2: V140 "),
        ("period,crawler,requests\n2026-01,GPTBot,\n", "said.csv:2: V140 "),
        (b"period,crawler\xff", "said.csv:0: V137 "),
    ],
)
def test_flawed_disclosures_are_refused_with_their_place(
    log: Log, cli: Cli, tmp_path: Path, text: str | bytes, said: str
) -> None:
    (tmp_path / "said.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record", "--disclosures", "said.csv")
    assert (found.code, said in found.err, (tmp_path / "out").exists()) == (2, True, False), found.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "out"], "--operator"),
        (["--operator", "OpenAI"], "--out"),
        (["--operator", "OpenAy", "--out", "out"], "OpenAI"),
        (["--operator", "OpenAI", "--out", "evidence/x"], "must not lie in the evidence"),
        (["--operator", "OpenAI", "--out", "out", "--lang", "fr"], "--lang"),
        (["--operator", "OpenAI", "--out", "out", "--size", "999"], "not 999"),
    ],
)
def test_wrong_usage_is_told(log: Log, cli: Cli, arguments: list[str], said: str) -> None:
    found = cli("dossier", "--no-record", *arguments)
    assert (found.code, said in found.err) == (2, True), found.err


def test_hostile_texts_stay_data(cli: Cli, tmp_path: Path) -> None:
    hostile = '=cmd|"/c calc"!A1<script>alert(1)</script>\x1b[31m\u202e'
    site(tmp_path)
    log = Log(tmp_path / "evidence")
    records = Records(log)
    log.seal([records.policy(), records.request(1, "R", path=hostile, work=None, host="=x")])
    (tmp_path / "said.csv").write_text("period,crawler,requests\n2026-05,<b>=1+1</b>,1\n")
    refused = cli("dossier", "--operator", "OpenAI", "--out", "out", "--custodian", "Ada\x1b[31m")
    assert (refused.code, "--custodian" in refused.err) == (2, True)
    found = cli("dossier", "--operator", "OpenAI", "--out", "out", "--no-record", "--custodian", "`<b>Ada",
                "--disclosures", "said.csv")  # fmt: skip
    assert found.code == 0
    assert "\x1b" not in found.out + found.err
    for name in ("records.csv", "ledger.csv", "contents.json", "README.txt", "VERIFY.md"):
        body = (tmp_path / "out" / name).read_bytes()
        assert b"\x1b" not in body, name
        assert not re.search(rb"(^|,)\"?=", body), name
    assert contents(tmp_path / "out")["works"]["unmapped"][0]["path"] == hostile
    assert cli("dossier", "check", "out").code == 0


def test_it_is_no_dossier(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    found = cli("dossier", "check", "x")
    assert (found.code, "is no dossier" in found.err) == (2, True)
