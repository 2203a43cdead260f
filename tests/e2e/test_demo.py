"""The main job on real input, by the one command that a stranger types; then a stranger's proof."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from process_support import vorbehalt

AI_TRAINING = ("GPTBot", "ClaudeBot", "CCBot")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """What `vorbehalt demo --once --json` printed, and the folder it ran in."""
    folder = tmp_path_factory.mktemp("demo")
    done = vorbehalt("demo", "--once", "--json", folder=folder, seconds=110)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout), folder


def requests_of(told: Any, name: str) -> list[dict[str, Any]]:
    found = [row for row in told["requests"] if name in row["user_agent"]]
    assert found, f"{name} never came"
    return found


def test_the_json_has_the_keys_of_the_contract(told: tuple[Any, Path]) -> None:
    document = told[0]

    assert list(document) == ["requests", "evidence"]
    for row in document["requests"]:
        assert list(row) == ["client", "user_agent", "path", "status", "action", "reason"]
    assert list(document["evidence"]) == ["directory", "records", "verified"]
    assert document["evidence"]["verified"] is True
    assert document["evidence"]["records"] > 0


def test_different_programs_came_under_different_names(told: tuple[Any, Path]) -> None:
    pairs = {(row["client"], row["user_agent"]) for row in told[0]["requests"]}

    assert len(pairs) >= 8
    assert len({client for client, _ in pairs}) >= 3


@pytest.mark.parametrize("name", AI_TRAINING)
def test_crawlers_that_train_are_turned_away_and_told(name: str, told: tuple[Any, Path]) -> None:
    rows = requests_of(told[0], name)
    answered = {row["path"] for row in rows if row["status"] == 200}
    refused = [row for row in rows if row["status"] != 200]

    assert refused
    assert {(row["status"], row["action"]) for row in refused} == {(403, "block")}
    assert answered <= {"/robots.txt", "/press/"}, "press releases are for everybody in the demo"


def test_gptbot_was_told_before_it_was_turned_away(told: tuple[Any, Path]) -> None:
    assert "/robots.txt" in [row["path"] for row in requests_of(told[0], "GPTBot")]


@pytest.mark.parametrize("name", ["Firefox/", "Chrome/", "Googlebot", "RSS"])
def test_people_and_what_brings_them_are_served(name: str, told: tuple[Any, Path]) -> None:
    # A browser asks for sound in parts.
    assert {row["status"] for row in requests_of(told[0], name)} <= {200, 206}


def alone(evidence: Path) -> int:
    """What verify.py says, run without our package, without site-packages, from the directory itself."""
    command = [sys.executable, "-I", "-S", str(evidence / "verify.py"), str(evidence)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def test_a_strangers_program_agrees(told: tuple[Any, Path]) -> None:
    evidence = Path(told[0]["evidence"]["directory"])
    packaged = vorbehalt("evidence", "verify", evidence, "--json")
    report = json.loads(packaged.stdout)

    assert alone(evidence) == packaged.returncode == 0
    assert report["records"] == told[0]["evidence"]["records"]
    assert report["unsealed"] == 0


def test_one_changed_byte_in_any_file_fails_both(told: tuple[Any, Path], tmp_path: Path) -> None:
    """One byte in the middle of a file, one file of each kind at a time."""
    from vorbehalt.evidence.auditor.audit import verify

    evidence = tmp_path / "copy"
    shutil.copytree(told[0]["evidence"]["directory"], evidence)
    files = [path for top in ("log", "objects", "anchors") for path in (evidence / top).rglob("*")]
    kinds = {(path.parent.parent, path.suffix): path for path in files if path.is_file()}
    files = sorted(kinds.values())
    unseen = []
    for path in files:
        whole = path.read_bytes()
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        if verify(evidence).ok or alone(evidence) != 1:
            unseen.append(path)
        path.write_bytes(whole)

    assert len(files) >= 4
    assert unseen == []
    assert alone(evidence) == 0


def test_the_evidence_can_be_looked_into_and_a_refusal_explained(told: tuple[Any, Path]) -> None:
    document, folder = told
    config = folder / "vorbehalt-demo" / "vorbehalt.toml"
    shown = vorbehalt("evidence", "show", document["evidence"]["directory"], "--json", "--crawler", "CCBot")
    record = next(row for row in map(json.loads, shown.stdout.splitlines()) if row["type"] == "request")
    explained = vorbehalt("explain", "-c", config, "--json", "--ref", record["ref"])

    verdict = json.loads(explained.stdout)
    assert (verdict["action"], verdict["identity"]["token"]) == ("block", "CCBot")
    assert verdict["identity"]["standing"] == "claimed"
