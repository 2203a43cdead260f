"""What may be asked of `vorbehalt dossier`, what is refused, and whose words stay data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dossier_cli_support import contents, files
from dossier_log import mixed_log
from dossier_support import Records, site
from tlog_support import Log
from vorbehalt.claims.dossier.make import question_in

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


def test_a_size_without_checkpoint_or_key_is_refused_with_those_there_are(log: Log, cli: Cli) -> None:
    (log.directory / "keys").chmod(0o700)
    found = cli("dossier", "--operator", "OpenAI", "--out", "again", "--size", "7", "--no-record")
    assert found.code == 2
    assert f"take {log.size}" in found.err
    assert not Path("again").exists()


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
