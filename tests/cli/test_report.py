"""`report`: from a site that was visited to files in every form; prices stay on their own sheet."""

from __future__ import annotations

import asyncio
import csv
import email
import errno
import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from asgi_support import GPTBOT, PERPLEXITY, PageApp, call, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.reading import query

CONFIG = """format = 1
[site]
origin = "https://label.example"
contact = "mailto:a@label.example"
languages = ["fr", "de"]
robots = "none"
[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"
[works]
catalogue = "works.csv"
[evidence]
directory = "evidence"
"""
VALUE = """[value]
currency = "XTS"
egress_per_gb = 731977.5
cost_per_1000_pages = 846213
[[value.rate]]
right = "lyrics"
price = 952184.25
"""
PRICES = ("731977", "731 977", "731\u202f977", "846213", "846\u202f213", "952184", "952\u202f184", "XTS")
CATALOGUE = (
    "path,id,title,right\n/songs/1,own:1,One,lyrics\n/songs/2,own:2,Two,lyrics\n/press/1,own:3,Three,text\n"
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG + VALUE)
    (tmp_path / "works.csv").write_text(CATALOGUE, "utf-8")
    return tmp_path


@pytest.fixture
def visited(place: Path) -> Path:
    """Three answers and a HEAD to a search index, one refusal of a training crawler."""
    site = VorbehaltMiddleware(PageApp(), config=str(place / "vorbehalt.toml"))
    for path in ("/songs/1", "/songs/1", "/press/1"):
        asyncio.run(call(site, scope(path, agent=PERPLEXITY)))
    asyncio.run(call(site, scope("/songs/2", agent=PERPLEXITY, method="HEAD")))
    asyncio.run(call(site, scope("/songs/1", agent=GPTBOT)))
    site.close()
    return place


@pytest.fixture
def month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


def test_json_and_csv_say_the_same_as_the_ledger(cli: Any, visited: Path, month: str) -> None:
    said = cli("report", "--month", month, "--json").json
    described = said["ai"]["described"]
    assert (described["requested"], described["refused"], described["delivered"], described["head"]) == (
        5,
        1,
        3,
        1,
    )
    assert (described["works_delivered"], described["reserved_works_delivered"]) == (2, 1)
    assert described["reserved_share_of_catalogue_percent"] == "33.33"
    assert (said["so_far"], said["catalogue"], said["visitors_sent"], said["evidence"]["verified"]) == (
        True, 3, None, True,
    )  # fmt: skip
    assert [(work["work"], work["title"], work["described"]) for work in said["works"]] == [
        ("own:1", "One", 2), ("own:3", "Three", 1),
    ]  # fmt: skip
    for operator in said["operators"]:
        ledger = cli("works", "ledger", "--operator", operator["operator"], "--json").json
        for group in ("attributed", "described", "impostors"):
            mine, theirs = operator["all"][group], ledger[group]
            assert {name: mine[name] for name in mine.keys() & theirs} == {
                name: theirs[name] for name in mine.keys() & theirs
            }
    table = list(csv.DictReader(StringIO(cli("report", "--month", month, "--csv").out)))
    (total,) = [
        row
        for row in table
        if row["row"] == "total" and row["group"] == "described" and row["month"] == month
    ]
    assert (total["requested"], total["delivered"], total["bytes"]) == ("5", "3", str(described["bytes"]))


def test_the_form_follows_the_name_and_the_language_the_site(cli: Any, visited: Path, month: str) -> None:
    for name, begins in (
        ("r.html", b'<!doctype html>\n<html lang="fr">'), ("r.pdf", b"%PDF-"), ("r.eml", b"X-Unsent: 1"),
        ("r.csv", b"row,month,"), ("r.json", b"{\n"), ("r.txt", "Robots d’IA".encode()),
    ):  # fmt: skip
        assert cli("report", "--month", month, "-o", name).code == 0
        assert (visited / name).read_bytes().startswith(begins)
    assert "KI-Crawler im" in cli("report", "--month", month, "--lang", "de").out


def test_a_message_goes_beside_the_page(cli: Any, visited: Path, month: str) -> None:
    result = cli("report", "--month", month, "-o", "r.html", "--eml")
    assert result.err.splitlines() == ["wrote r.html", "wrote r.eml", "wrote r-internal.html"]
    message = email.message_from_bytes((visited / "r.eml").read_bytes())
    assert message["X-Unsent"] == "1"
    assert cli("report", "--month", month, "--eml").out.startswith("X-Unsent: 1")


def test_prices_stand_on_the_internal_sheet_and_nowhere_else(cli: Any, visited: Path, month: str) -> None:
    for name in ("r.html", "r.eml", "r.csv", "r.json", "r.txt"):
        assert cli("report", "--month", month, "-o", name, "--lang", "en").code == 0
    for operator in ("Perplexity", "OpenAI"):
        (visited / f"{operator}.json").write_text(
            cli("works", "ledger", "--operator", operator, "--json").out
        )
    (visited / "records.json").write_text("\n".join(map(json.dumps, query.show(visited / "evidence"))))
    for name, config in (("with", CONFIG + VALUE), ("without", CONFIG)):
        (visited / "vorbehalt.toml").write_text(config)
        (visited / f"{name}.check").write_text(cli("check").out)
    internal = (visited / "r-internal.html").read_text("utf-8")
    assert "731,977.50" in internal.replace("\u00a0", " ")
    assert "952,184.25" in internal
    with_prices = [
        path.name
        for path in visited.rglob("*")
        if path.is_file() and path.name not in ("vorbehalt.toml", "r-internal.html")
        if any(price.encode() in strip(path) for price in (*PRICES, "731,977", "846,213", "952,184"))
    ]
    assert with_prices == []
    assert (visited / "with.check").read_text() == (visited / "without.check").read_text()


def strip(path: Path) -> bytes:
    """The bytes of a file; of a message what its parts say."""
    if path.suffix != ".eml":
        return path.read_bytes()
    parts = email.message_from_bytes(path.read_bytes()).walk()
    return b"\n".join(bytes(part.get_payload(decode=True) or b"") for part in parts)


def test_prices_change_no_digest_that_records_carry(cli: Any, place: Path) -> None:
    from vorbehalt.settings import load

    with_prices = load(place / "vorbehalt.toml").digest
    (place / "vorbehalt.toml").write_text(CONFIG)
    assert load(place / "vorbehalt.toml").digest == with_prices
    (place / "vorbehalt.toml").write_text(CONFIG + VALUE)
    assert "731977" not in repr(load(place / "vorbehalt.toml"))


def test_without_a_file_the_estimate_is_not_made_and_that_is_said(
    cli: Any, visited: Path, month: str
) -> None:
    result = cli("report", "--month", month)
    assert "is written only beside a report" in result.err
    assert "XTS" not in result.out


def test_a_month_without_records_says_so_and_is_fine(cli: Any, visited: Path) -> None:
    result = cli("report", "--month", "2001-02", "--lang", "en")
    assert result.code == 0
    assert result.out.splitlines()[1] == "There are no records of this month."


def test_evidence_that_does_not_verify_is_said_first_and_fails(cli: Any, visited: Path, month: str) -> None:
    (visited / "evidence" / "objects" / "odd").write_text("x")
    result = cli("report", "--month", month, "--lang", "en")
    assert result.code == 1
    assert result.out.splitlines()[1].startswith("The evidence does not verify: 1\u00a0fault found.")
    assert "objects/odd" in result.out.splitlines()[2]


def test_a_log_that_cannot_be_read_fails_with_the_reason(cli: Any, visited: Path, month: str) -> None:
    for bundle in (visited / "evidence" / "log" / "tile" / "entries").rglob("*"):
        if bundle.is_file():
            bundle.write_bytes(b"\xff\xff")
    result = cli("report", "--month", month)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("the evidence does not verify:")


def test_without_a_log_there_is_no_report(cli: Any, place: Path) -> None:
    result = cli("report", "--month", "2026-10")
    assert (result.code, result.out) == (1, "")
    assert "there is no evidence log in" in result.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--month", "october"], "write it like 2026-10"),
        (["--month", "2026-10", "--lang", "it"], "is none of de, en, fr"),
        (["--month", "2026-10", "-o", "r.docx"], "ends in none of .html"),
        (["--month", "2026-10", "-o", "r.pdf", "--json"], "is not for .json"),
        (["--month", "2026-10", "--csv", "--json"], "give one of"),
    ],
)
def test_wrong_usage_is_said(arguments: list[str], says: str, cli: Any, place: Path) -> None:
    result = cli("report", *arguments)
    assert result.code == 2
    assert says in " ".join(result.err.split())


def test_the_last_month_is_meant_where_none_is_named(cli: Any, visited: Path, month: str) -> None:
    assert cli("report", "--json").json["month"] < month


def test_the_log_can_be_pinned(cli: Any, visited: Path, month: str) -> None:
    said = cli("report", "--month", month, "--size", "0", "--json").json
    assert (said["size"], said["is_empty"]) == (0, True)
    assert cli("report", "--month", month, "--size", "100000").code == 2


def test_a_prometheus_that_does_not_answer_is_said(cli: Any, visited: Path, month: str) -> None:
    result = cli("report", "--month", month, "--prometheus", "http://127.0.0.1:1")
    assert (result.code, result.out) == (2, "")
    assert "Prometheus at http://127.0.0.1:1 gave no answer" in result.err


def test_a_disk_that_fills_leaves_the_last_report_and_says_so(
    visited: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (visited / "r.html").write_text("the last one")
    before = sorted(path.name for path in visited.iterdir())
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.parent == visited:
            write_bytes(path, data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    found = cli("report", "-o", "r.html")
    assert (found.code, "the disk is full" in found.err) == (2, True)
    assert (visited / "r.html").read_text() == "the last one"
    assert sorted(path.name for path in visited.iterdir()) == before
