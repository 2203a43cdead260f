"""A dossier is the same bytes for the same question, and what was changed in it is found."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dossier_cli_support import contents, files
from dossier_log import mixed_log
from dossier_support import Records, site
from tlog_support import Log
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.reading.query import Filters, show
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


def stand_alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the enclosed script by a bare Python: no site packages, no environment."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), str(folder)],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


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


@pytest.mark.real("openssl")
def test_both_verifiers_and_the_figures_hold(made: Path, cli: Cli) -> None:
    done = stand_alone(made)
    assert done.returncode == 0, done.stdout
    assert re.search(r"enclosed +37 records", done.stdout)
    checked = cli("dossier", "check", "out", "--json")
    assert (checked.code, checked.json["ok"], checked.json["differences"]) == (0, True, [])
    assert checked.json["records"] == contents(made)["summary"]["records_enclosed"]


def changed(body: bytes, change: str) -> bytes | None:
    """Return a file with one bit flipped, a line more, or None where it is gone."""
    middle = len(body) // 2
    flipped = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    return {"flip": flipped, "grow": body + b"\n", "remove": None}[change]


@pytest.mark.real("openssl")
@pytest.mark.parametrize("change", ["flip", "grow", "remove"])
def test_any_changed_annex_is_found(made: Path, cli: Cli, tmp_path: Path, change: str) -> None:
    def verified(number: int, name: str, body: bytes | None) -> int:
        folder = tmp_path / f"copy-{number}"
        shutil.copytree(made, folder)
        (folder / name).unlink()
        if body is not None:
            (folder / name).write_bytes(body)
        return stand_alone(folder).returncode

    whole = {name: changed(body, change) for name, body in files(made).items() if name != "verify.py"}
    # One after the other takes long: a verifier that finds something looks again after a second.
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(whole, pool.map(verified, count(), whole, whole.values()), strict=True))
    assert found == dict.fromkeys(whole, 1)
    assert stand_alone(made).returncode == 0


def test_any_flipped_bit_is_found_by_the_check_of_figures(made: Path, cli: Cli) -> None:
    for name, body in files(made).items():
        (made / name).write_bytes(changed(body, "flip") or b"")
        assert cli("dossier", "check", "out").code in (1, 2), name
        (made / name).write_bytes(body)
    assert cli("dossier", "check", "out").code == 0


@pytest.mark.real("openssl")
def test_a_file_that_came_from_elsewhere_is_found(made: Path, cli: Cli) -> None:
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
