"""What a dossier encloses of the evidence, and what a hostile tester tries on it (check 24)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from anchor_support import Authority, Site, answering, stamper, time_stamp
from dossier_log import mixed_log
from dossier_support import AT, HEADERS, OPERATOR, Records, site
from tlog_support import SIGNER, Log
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.history.manifest import header_lines
from vorbehalt.evidence.history.records import Imported
from vorbehalt.evidence.receipt import Draft

Cli = Callable[..., Any]


@pytest.fixture
def made(cli: Cli, tmp_path: Path) -> Path:
    site(tmp_path)
    mixed_log(tmp_path / "evidence")
    assert cli("dossier", "--operator", OPERATOR, "--out", "out", "--no-record").code == 0
    return tmp_path / "out"


@pytest.fixture
def anchored(tmp_path: Path) -> Iterator[Site]:
    site(tmp_path)
    found = Site(prepare(tmp_path / "evidence", "label.example/evidence/test"))
    yield found
    found.log.close()


def stand_alone(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), str(folder), *args],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


def seal_again(folder: Path) -> None:
    """Write a manifest that fits what lies there now, as a forger would."""
    paths = [p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.sha256"]
    names = sorted(p.relative_to(folder).as_posix() for p in paths)
    lines = [f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "manifest.sha256").write_text("".join(lines))


def without(folder: Path, mark: bytes) -> bytes:
    """Take the first record with a mark out of a dossier; returns the line."""
    lines = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    gone = next(line for line in lines if mark in line)
    lines.remove(gone)
    (folder / "records.jsonl").write_bytes(b"".join(lines))
    return gone


@pytest.mark.real("openssl")
def test_a_manifest_of_the_forgers_own_hides_no_changed_record_or_missing_object(made: Path) -> None:
    seal_again(made)
    assert stand_alone(made).returncode == 0
    records = made / "records.jsonl"
    body = records.read_bytes()
    records.write_bytes(body.replace(b'"bytes":1000', b'"bytes":9000', 1))
    seal_again(made)
    assert stand_alone(made).returncode == 1
    records.write_bytes(body)
    next(path for path in (made / "objects").rglob("*") if path.is_file()).unlink()
    seal_again(made)
    assert stand_alone(made).returncode == 1


@pytest.mark.real("openssl")
def test_another_key_than_the_enclosed_one_is_told(made: Path) -> None:
    assert stand_alone(made, "--vkey", SIGNER.vkey).returncode == 0
    other = type(SIGNER)(SIGNER.name, bytes(32)).vkey
    assert stand_alone(made, "--vkey", other).returncode == 1
    (made / "log" / "vkey").write_text(f"{other}\n")
    seal_again(made)
    assert stand_alone(made).returncode == 1


@pytest.mark.parametrize("mark", [b'"type":"gap"', b'"type":"completion"', b'"standing":"contradicted"'])
def test_a_record_that_was_taken_out_leaves_figures_that_do_not_follow(
    made: Path, cli: Cli, mark: bytes
) -> None:
    without(made, mark)
    seal_again(made)
    found = cli("dossier", "check", "out", "--json")
    assert (found.code, found.json["ok"]) == (1, False)
    assert any(line.startswith("summary.records_enclosed: ") for line in found.json["differences"])
    assert len(found.json["differences"]) > 1


def test_records_out_of_order_are_refused(made: Path, cli: Cli) -> None:
    line = without(made, b'"type":"gap"')
    with (made / "records.jsonl").open("ab") as file:
        file.write(line)
    found = cli("dossier", "check", "out")
    assert (found.code, "out of order" in found.err) == (2, True)


@pytest.mark.real("openssl")
def test_anchors_are_enclosed_with_their_roots_and_their_windows_are_told(
    anchored: Site, cli: Cli, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tsa")
    seen: dict[str, Any] = {
        "claim": {"operator": OPERATOR, "token": "GPTBot", "standing": "verified"},
        "decision": {"action": "block"}, "method": "GET", "host": "label.example", "path": "/x",
    }  # fmt: skip
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        anchored.record()
        anchored.round(stamper(url, authority), everybody=True)
        anchored.log.append(Draft("request", "own", anchored.now, seen))
        anchored.record()
        anchored.round(stamper(url, authority, qualified=True), everybody=True)
    found = cli("dossier", "--operator", OPERATOR, "--out", "out", "--no-record")
    assert found.code == 0, found.err + found.out
    said = json.loads((tmp_path / "out" / "contents.json").read_bytes())
    assert said["summary"]["assurance"] == "qualified"
    assert [(one["kind"], one["is_checked"]) for one in said["system"]["anchors"]] == [("rfc3161", True)] * 2
    assert said["system"]["unbounded"] == 0
    assert said["system"]["window_seconds"] is not None
    names = {path.name for path in (tmp_path / "out" / "anchors").iterdir()}
    assert names == {name for one in said["system"]["anchors"] for name in one["files"]}
    (tmp_path / "root.pem").write_text(authority.root_pem)
    done = stand_alone(tmp_path / "out", "--tsa-root", str(tmp_path / "root.pem"))
    assert (done.returncode, "time stamps       checked" in done.stdout) == (0, True), done.stdout
    token = next((tmp_path / "out" / "anchors").glob("*.tsr"))
    token.write_bytes(token.read_bytes()[:-1] + b"\0")
    seal_again(tmp_path / "out")
    assert stand_alone(tmp_path / "out").returncode == 1


def test_what_was_imported_is_told_as_that_and_only_where_nothing_of_ours_was_served(
    cli: Cli, tmp_path: Path
) -> None:
    site(tmp_path)
    log = Log(tmp_path / "evidence")
    records = Records(log)
    robots, headers = log.put_object(b"User-agent: *\nDisallow: /\n"), log.put_object(header_lines(HEADERS))

    def brought(document: str, digest: str) -> dict[str, Any]:
        item = Imported(0, (), "label.example", document, digest, "text/plain", AT - 10**15, None, "git",
                        "site.git <script>", "Ada", AT)  # fmt: skip
        seen = item.seen()
        seen.pop("objects")
        return seen

    log.seal([
        records.leaf("imported", 0, brought("/robots.txt", robots), objects=[robots]),
        records.leaf("imported", 1, brought("", headers), objects=[headers]),
        records.policy(10),
        records.request(20, "A"), records.completion(21, "A"),
    ])  # fmt: skip
    assert cli("dossier", "--operator", OPERATOR, "--out", "out", "--no-record").code == 0
    versions = json.loads((tmp_path / "out" / "contents.json").read_bytes())["reservation"]["versions"]
    assert [one["is_imported"] for one in versions][:2] == [True, False]
    assert versions[0]["sources"] == ["git: site.git <script>"]
    assert next(one for one in versions if not one["is_imported"])["attributed"] == 1
    assert sum(one["attributed"] for one in versions) == 1
    assert "<script>" not in (tmp_path / "out" / "report.html").read_text()
    assert cli("dossier", "check", "out").code == 0


def test_a_file_that_is_not_what_a_record_names_is_not_carried_out(cli: Cli, tmp_path: Path) -> None:
    site(tmp_path)
    log = Log(tmp_path / "evidence")
    records = Records(log)
    (tmp_path / "private.txt").write_text("a secret of this machine")
    entries = [records.policy(), records.request(1, "A")]
    named = [{"name": "../../private.txt", "sha256": sha256(b"a secret of this machine").hexdigest()}]
    entries.append(records.leaf("anchor", 2, {"kind": "copy", "name": "x", "size": 1, "files": named}))
    log.seal(entries)
    target = next(path for path in (tmp_path / "evidence/objects").rglob("*") if path.is_file())
    target.unlink()
    target.symlink_to(tmp_path / "private.txt")
    assert cli("dossier", "--operator", OPERATOR, "--out", "out", "--no-record").code == 1
    bodies = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not any(b"a secret of this machine" in body for body in bodies)


def test_evidence_without_the_vault_and_the_keys_is_enough(cli: Cli, tmp_path: Path, made: Path) -> None:
    for folder in ("vault", "keys", "spool", "run"):
        path = tmp_path / "evidence" / folder
        if path.is_dir():
            path.rmdir()
    assert cli("dossier", "--operator", OPERATOR, "--out", "copy", "--no-record").code == 0
    assert (tmp_path / "copy" / "contents.json").read_bytes() == (made / "contents.json").read_bytes()
    refused = cli("dossier", "--operator", OPERATOR, "--out", "again")
    assert (refused.code, "--no-record" in refused.err) == (2, True)
