"""From an operator's name to a letter with annexes, by commands alone; every figure counted again by hand."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from notice_support import day, keep, make_site, request
from process_support import vorbehalt
from vorbehalt.evidence.receipt import Draft

BY = ("--approved-by", "Jane Counsel")
OF = ("notice", "write", "--addressees", "addressees.csv", "--out")
ESTABLISHED = ("signed", "verified")
ROW = (
    "Example AI Ltd;company;Dublin;1 Quay Street|Dublin 2;IE;;Copyright Office;rights@ai.example;en;register"
)


def _visits() -> list[Draft]:
    """Every outcome and every standing, in the same minute."""
    at, drafts = time.time_ns() - 3_600 * 10**9, []
    closed = {"allowed": False, "version": "0" * 64}
    seen: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("OpenAI", "verified", {}, {}),
        ("OpenAI", "signed", {}, {"status": 206, "bytes": 7}),
        ("OpenAI", "verified", {"method": "HEAD"}, {"bytes": 0, "delivered": False}),
        ("OpenAI", "verified", {}, {"status": 304, "bytes": 0, "delivered": False}),
        ("OpenAI", "verified", {}, {"whole": False, "delivered": False}),
        ("OpenAI", "verified", {"robots": {**closed, "fetched": {"version": "1" * 64, "allowed": True}}}, {}),
        ("OpenAI", "verified", {"permission": "licence:7"}, {}),
        ("OpenAI", "verified", {"work": "own:2", "decision": {"action": "block"}}, {}),
        ("OpenAI", "contradicted", {"work": "own:2"}, {}),
        ("OpenAI", "claimed", {"work": "own:2"}, {}),
        ("Anthropic", "claimed", {}, {}),
    ]
    for number, (operator, standing, asked, ended) in enumerate(seen):
        first, last = request(number, operator, standing, at + number)
        drafts.append(Draft("request", first.ref, first.at, {**first.seen, **asked}))
        if "decision" not in asked:
            drafts.append(Draft("completion", first.ref, first.at, {**last.seen, **ended}))
    return drafts


def _run(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = vorbehalt(*arguments, folder=folder, seconds=110)
    assert done.returncode == code, done.stderr.decode()[-2_000:]
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has run and was visited, and whom to write to."""
    folder = tmp_path_factory.mktemp("letter")
    make_site(folder)
    keep(folder, _visits())
    columns = (
        "operator;legal_name;kind;seat;address;country;eu_representative;rights_contact;email;language;source"
    )
    rows = [
        f"{columns};date",
        f"OpenAI;{ROW};{day(0)}",
        f"Anthropic;{ROW.replace('Example', 'Other')};{day(0)}",
    ]
    (folder / "addressees.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def counted(folder: Path) -> dict[str, Any]:
    """What the records themselves say of OpenAI, counted by nothing of ours."""
    printed = _run(folder, "evidence", "show", "evidence", "--json", "--limit", "0").stdout.decode()
    records = [json.loads(line) for line in printed.splitlines()]
    ends = {record["seen"]["of"]: record["seen"] for record in records if record["type"] == "completion"}
    figures: Counter[str] = Counter()
    works: set[str] = set()
    for record in records:
        seen = record["seen"]
        if record["type"] != "request" or seen["claim"]["operator"] != "OpenAI":
            continue
        if seen["claim"]["standing"] not in ESTABLISHED:
            figures[seen["claim"]["standing"]] += 1
            continue
        figures["requests"] += 1
        figures["refused"] += seen["decision"]["action"] != "allow"
        figures["licensed"] += seen["permission"] != "none"
        figures["against"] += (
            seen["permission"] == "none"
            and not seen["robots"]["allowed"]
            and not seen["robots"].get("fetched", {}).get("allowed")
        )
        end = ends.get(record["ref"])
        if end and end["whole"] and end["delivered"] and end["bytes"] and seen["method"] != "HEAD":
            figures["delivered"] += 1
            figures["bytes"] += end["bytes"]
            works.add(seen["work"])
    return {**figures, "works": sorted(works)}


def test_what_is_not_ready_stops_the_letter_and_nothing_is_written(folder: Path) -> None:
    before = _run(folder, "notice", "status", "--json").stdout
    one = (*OF, "stopped", "--kind", "factual", "--operator", "OpenAI")
    assert b"V135 no person approved the letter" in _run(folder, *one, code=1).stderr
    other = (*OF, "stopped", *BY, "--kind", "factual", "--operator", "Anthropic")
    for draft in ((), ("--draft",)):
        assert (
            b"no request of this operator in the period is signed or verified"
            in _run(folder, *other, *draft, code=1).stderr
        )
    good = (folder / "addressees.csv").read_text()
    try:
        (folder / "addressees.csv").write_text(good.replace("1 Quay Street", "[STREET]"))
        assert b"addressees.csv:2: V133" in _run(folder, *one, *BY, code=1).stderr
    finally:
        (folder / "addressees.csv").write_text(good)
    assert not (folder / "stopped").exists()
    assert _run(folder, "notice", "status", "--json").stdout == before


def test_a_letter_with_annexes_says_what_the_records_say(folder: Path, counted: dict[str, Any]) -> None:
    began = time.monotonic()
    _run(folder, *OF, "letters", *BY, "--kind", "factual", "--operator", "OpenAI")
    assert time.monotonic() - began < 60
    (letter,) = (path for path in (folder / "letters").iterdir() if path.is_dir())
    text = " ".join((letter / "letter.txt").read_text("utf-8").split())
    said = {
        name: int(found[1].replace(",", "")) if (found := re.search(pattern, text)) else 0
        for name, pattern in {
            "requests": r"- requests: ([\d,]+)",
            "refused": r"- answered with a refusal: ([\d,]+)",
            "delivered": r"- answered with the content, in whole or in part: ([\d,]+)",
            "bytes": r"in whole or in part: [\d,]+ \(([\d,]+) bytes\)",
            "works": r"- different works among what was answered with content: ([\d,]+)",
            "against": r"disallowed to the crawler: ([\d,]+)",
            "licensed": r"under a licence which our records name: ([\d,]+)",
            "contradicted": r"although they came from elsewhere: ([\d,]+)",
        }.items()
    }
    assert said == {**{name: counted[name] for name in said}, "works": len(counted["works"])}
    assert said == {
        "requests": 8, "refused": 1, "delivered": 4, "bytes": 307, "works": 1, "against": 6, "licensed": 1,
        "contradicted": 1,
    }  # fmt: skip
    with (letter / "annex-requests.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["standing"] for row in rows} == {*ESTABLISHED}
    for column, name in (("requested", "requests"), ("refused",) * 2, ("delivered",) * 2, ("bytes",) * 2):
        assert sum(int(row[column]) for row in rows) == counted[name]
    with (letter / "annex-works.csv").open(newline="") as file:
        assert [row["work"] for row in csv.DictReader(file) if int(row["delivered"])] == counted["works"]


def test_ledger_and_dossier_say_the_same(folder: Path, counted: dict[str, Any]) -> None:
    ledger = json.loads(_run(folder, "works", "ledger", "--operator", "OpenAI", "--json").stdout)[
        "attributed"
    ]
    _run(folder, "dossier", "--operator", "OpenAI", "--out", "dossier", "--no-record")
    said = json.loads((folder / "dossier" / "contents.json").read_bytes())
    summary = said["summary"]
    for name in ("requests", "refused", "delivered", "bytes"):
        key = "requested" if name == "requests" else name
        assert (ledger[key], summary["attributed"][key]) == (counted[name],) * 2
    assert (summary["impostors"]["requested"], summary["described"]["requested"]) == (1, 1)
    assert summary["violations"] == counted["against"]
    assert sum(counts["requested"] for _, counts in said["exculpatory"]["permissions"]) == counted["licensed"]
    _run(folder, "dossier", "check", "dossier")
