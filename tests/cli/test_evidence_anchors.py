"""`evidence anchor`, `evidence witness`, and what `show`, `prove`, `verify` and `check` say of anchors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anchor_support import Authority, answering, time_stamp
from tlog_support import START, Log, Writer, leaves
from vorbehalt.evidence.anchor.overdue import WEEK, overdue_sentence
from vorbehalt.evidence.tlog.cosignature import Cosigner, Witness

Cli = Callable[..., Any]
HEAD = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
NAME = "lawyers.example/witness"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "ec", chain=True)


def configure(tmp_path: Path, authority: Authority, url: str, more: str = "") -> Path:
    (tmp_path / "root.pem").write_text(authority.root_pem)
    path = tmp_path / "vorbehalt.toml"
    path.write_text(f'{HEAD}[[evidence.anchors]]\nrfc3161 = "{url}"\nname = "tsa"\nroot = "root.pem"\n{more}')
    return path


@pytest.mark.real("openssl")
def test_anchor_asks_now_and_the_log_is_timestamped(cli: Cli, tmp_path: Path, authority: Authority) -> None:
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        configure(tmp_path, authority, url)
        plain, as_json = cli("evidence", "anchor"), cli("evidence", "anchor", "--json")

    assert plain.code == as_json.code == 0
    assert plain.out.startswith("tsa (rfc3161): 1 records, 20")
    (row,) = as_json.json
    assert list(row) == ["name", "kind", "size", "time", "ok", "why"]
    assert (row["name"], row["kind"], row["ok"], row["why"]) == ("tsa", "rfc3161", True, None)
    verified = cli("evidence", "verify", "vorbehalt-evidence", "--json", "--tsa-root", "root.pem").json
    assert (verified["ok"], verified["assurance"]) == (True, "timestamped")
    # The writers of the two calls themselves began and ended; the last end is behind the last stamp.
    assert verified["unanchored_since"] is not None


@pytest.mark.real("openssl")
def test_show_and_prove_print_the_window_of_a_record(cli: Cli, tmp_path: Path, authority: Authority) -> None:
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        configure(tmp_path, authority, url)
        first = cli("evidence", "anchor", "--json").json[0]
        second = cli("evidence", "anchor", "--json").json[0]

    rows = [
        json.loads(line) for line in cli("evidence", "show", "vorbehalt-evidence", "--json").out.splitlines()
    ]
    windows = {row["index"]: (row["not_before"], row["not_after"]) for row in rows}
    assert windows[0] == (None, first["time"])
    assert windows[first["size"] + 1] == (first["time"], second["time"])
    assert windows[rows[-1]["index"]] == (second["time"], None)
    plain = cli("evidence", "show", "vorbehalt-evidence").out.splitlines()
    assert plain[0].endswith(f"joined between ever and {first['time']}")
    proven = cli("evidence", "prove", "vorbehalt-evidence", str(first["size"] + 1))
    assert f"joined between {first['time']} and {second['time']}" in proven.err
    assert proven.out.startswith("c2sp.org/tlog-proof@v1\n")


@pytest.mark.real("openssl")
def test_anchor_says_why_there_is_none_and_exits_1(cli: Cli, tmp_path: Path, authority: Authority) -> None:
    with answering(lambda query: (200, "text/html", b"<h1>\x1b[31mhello</h1>")) as url:
        configure(tmp_path, authority, url, '[[evidence.anchors]]\ncopy = "."\n')
        plain, as_json = cli("evidence", "anchor"), cli("evidence", "anchor", "--json")

    assert plain.code == as_json.code == 1
    assert plain.out.splitlines()[0].startswith("tsa (rfc3161): NO ANCHOR: no time stamp response")
    assert plain.out.splitlines()[1].startswith("copy (copy): 1 records")
    assert [row["ok"] for row in as_json.json] == [False, True]
    assert cli("evidence", "verify", "vorbehalt-evidence").code == 0


def test_anchor_without_anchors_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "vorbehalt.toml").write_text(HEAD)

    result = cli("evidence", "anchor")

    assert (result.code, result.out) == (2, "")
    assert "no anchors are configured" in result.err


@contextmanager
def witness(tmp_path: Path, *logs: str) -> Iterator[tuple[str, str]]:
    """Run `evidence witness` as a process; yields its address and its key."""
    program = [sys.executable, "-m", "vorbehalt.cli.main", "evidence", "witness", str(tmp_path / "w")]
    options = [option for log in logs for option in ("--log", log)]
    process = subprocess.Popen(
        [*program, "--name", NAME, "--listen", "127.0.0.1:0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        vkey, line = process.stdout.readline().strip(), process.stderr.readline()
        assert line.startswith("watching "), line
        yield line.split(" on ")[1].strip(), vkey
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()


def test_a_second_party_cosigns_and_survives_being_killed(cli: Cli, tmp_path: Path) -> None:
    origin = ("--origin", "label.example/evidence")
    log_key = cli("evidence", "init", "vorbehalt-evidence", *origin).out.strip()
    keys, times = [], []
    for _ in range(2):
        with witness(tmp_path, log_key) as (url, vkey):
            keys.append(vkey)
            (tmp_path / "vorbehalt.toml").write_text(
                f'{HEAD}[[evidence.anchors]]\nwitness = "{url}"\nname = "w"\nvkey = "{vkey}"\n'
            )
            done = cli("evidence", "anchor", "--json")
            assert done.code == 0, done.out
            times.append(done.json[0]["time"])

    assert keys[0] == keys[1]
    assert all(abs(time.time() - _seconds(moment)) < 120 for moment in times)
    verified = cli("evidence", "verify", "vorbehalt-evidence", "--json", "--witness", keys[0]).json
    assert (verified["ok"], verified["assurance"]) == (True, "witnessed")
    stranger = Cosigner(NAME, bytes(32)).witness.vkey
    other = cli("evidence", "verify", "vorbehalt-evidence", "--json", "--witness", stranger).json
    assert (other["ok"], other["assurance"]) == (True, "self-attested")
    kept = next((tmp_path / "w").glob("*.note"))
    assert cli("evidence", "verify", "vorbehalt-evidence", "--against", kept).code == 0


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


def test_a_witness_without_a_log_prints_its_key(cli: Cli, tmp_path: Path) -> None:
    first = cli("evidence", "witness", "w", "--name", NAME)
    again = cli("evidence", "witness", "w", "--name", NAME)

    assert first.code == again.code == 0
    assert Witness.from_vkey(first.out.strip()).name == NAME
    assert first.out == again.out
    assert "--log" in first.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--name", "a name"], "cannot name a witness"),
        (["--name", NAME, "--log", "nonsense"], "nonsense is no key of a log"),
        (["--name", NAME, "--log", "KEY", "--listen", "8190"], "8190 is no HOST:PORT"),
        (["--name", NAME, "--log", "KEY", "--listen", "127.0.0.1:99999"], "is no HOST:PORT"),
        ([], "--name"),
    ],
)
def test_wrong_usage_of_witness(options: list[str], said: str, cli: Cli, tmp_path: Path) -> None:
    log_key = cli("evidence", "init", "ev", "--origin", "label.example/evidence").out.strip()

    result = cli("evidence", "witness", "w", *[log_key if option == "KEY" else option for option in options])

    assert (result.code, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tsa-root", "nowhere"], "nowhere holds no certificates"),
        (["--tsa-root", "vkey"], "vkey holds no certificates"),
        (["--witness", "nonsense"], "nonsense is no key of a witness"),
    ],
)
def test_wrong_trust_is_wrong_usage(options: list[str], said: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "vkey").write_text(cli("evidence", "init", "ev", "--origin", "a.example/e").out)

    result = cli("evidence", "verify", "ev", *options)

    assert (result.code, result.out) == (2, "")
    assert said in result.err


class TestCheckWarns:
    @pytest.fixture
    def log(self, tmp_path: Path) -> Log:
        made, writer = Log(tmp_path / "vorbehalt-evidence"), Writer()
        made.seal(leaves(3, writer))
        self.writer = writer
        return made

    def test_after_seven_days_of_self_attested(self, log: Log) -> None:
        oldest = START

        assert overdue_sentence(log.directory, oldest + WEEK) == ""
        assert overdue_sentence(log.directory, oldest + WEEK + 1) == (
            "the log is self-attested since 2026-09-21: nobody outside says when it was written;"
            " configure evidence.anchors (docs/anchors.md)"
        )

    @pytest.mark.parametrize("suffix", ["tsr", "cosig"])
    def test_counted_from_what_the_last_anchor_does_not_cover(self, suffix: str, log: Log) -> None:
        (log.directory / f"anchors/2.x.0a0a0a0a.{suffix}").write_bytes(b"")
        third = START + 2 * 10**9

        assert overdue_sentence(log.directory, third + WEEK) == ""
        assert overdue_sentence(log.directory, third + WEEK + 1).startswith("no anchor covers the log since")

    def test_a_copy_or_a_frozen_checkpoint_is_no_outside_time(self, log: Log) -> None:
        log.freeze()

        assert overdue_sentence(log.directory, START + WEEK + 1) != ""

    def test_not_where_nothing_but_anchors_is_uncovered(self, log: Log) -> None:
        (log.directory / "anchors/3.x.0a0a0a0a.tsr").write_bytes(b"")
        log.seal([self.writer.leaf("anchor", seen={}), self.writer.leaf("anchor-missed", seen={})])

        assert overdue_sentence(log.directory, START + 100 * WEEK) == ""

    def test_not_without_a_log(self, tmp_path: Path) -> None:
        assert overdue_sentence(tmp_path / "nowhere", START + 100 * WEEK) == ""

    def test_check_prints_it_and_stays_fine(self, cli: Cli, log: Log, tmp_path: Path) -> None:
        (tmp_path / "vorbehalt.toml").write_text(HEAD)

        plain, as_json = cli("check"), cli("check", "--json")

        assert plain.code == as_json.code == 0
        assert [warning["id"] for warning in as_json.json["warnings"]] == ["V126"]
        assert "warning: " in plain.out
        assert "self-attested since 2026-09-21" in plain.out
