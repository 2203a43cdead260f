"""`works`: what is in the catalogue, what is missing in it, and what an operator was delivered."""

from __future__ import annotations

import asyncio
import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from asgi_support import GPTBOT, PERPLEXITY, PageApp, call, scope
from vorbehalt import VorbehaltMiddleware

TITLE = "=HYPERLINK(\x1b[31m\u202e)"
CATALOGUE = f'path,id,title\n/songs/1,own:1,"{TITLE}"\n/songs/2,own:2,Two\n/songs/3,own:3,Three\n'
CONFIG = """format = 1
[site]
origin = "https://label.example"
contact = "mailto:a@label.example"
robots = "none"
[works]
catalogue = "works.csv"
[evidence]
directory = "evidence"
"""
HOSTILE = "/\x1b[31mred\u202e"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    (tmp_path / "works.csv").write_text(CATALOGUE, "utf-8")
    return tmp_path


@pytest.fixture
def visited(place: Path) -> Path:
    """One verified-looking day: four requests of a search index, two refusals, one HEAD."""
    site = VorbehaltMiddleware(PageApp(), config=str(place / "vorbehalt.toml"))
    for path in ("/songs/1", "/songs/1", "/songs/2", HOSTILE):
        asyncio.run(call(site, scope(path, agent=PERPLEXITY)))
    asyncio.run(call(site, scope("/songs/3", agent=PERPLEXITY, method="HEAD")))
    for path in ("/songs/1", "/songs/2"):
        asyncio.run(call(site, scope(path, agent=GPTBOT)))
    site.close()
    return place


def test_check_counts_works_and_lists_paths_without_one_harmlessly(cli: Any, visited: Path) -> None:
    result = cli("works", "check")
    assert result.code == 0
    assert result.out.splitlines() == [
        "https://label.example: 3 works in 3 rows, at 3 paths and 0 patterns",
        "7 recorded requests: 6 lie at a path with a work now (85.71 %)",
        "no work: 1 requests of label.example/\\x1b[31mred\u00e2\\x80\u00ae",
    ]
    said = cli("works", "check", "--json").json
    assert said["requests"]["unmapped"][0]["requests"] == 1
    assert (said["requests"]["recorded"], said["requests"]["mapped_now"]) == (7, 6)
    assert said["requests"]["named_in_the_record"] == 6


def test_check_names_all_that_is_wrong_and_exits_2(cli: Any, place: Path) -> None:
    (place / "works.csv").write_text("path,id\n/a,isbn:0306406153\n/b,issn:0378-5954\n")
    for command in (("works", "check"), ("check",)):
        result = cli(*command)
        assert result.code == 2
        lines = (result.out + result.err).splitlines()
        assert [line.rpartition("works.csv:")[2][:7] for line in lines] == ["2: V039", "3: V039"]
    assert [error["line"] for error in cli("works", "check", "--json").json["errors"]] == [2, 3]


def test_check_of_the_configuration_warns_of_what_is_not_used(cli: Any, place: Path) -> None:
    (place / "works.csv").write_text("path,id,mood\n/a,own:1,blue\n")
    result = cli("check", "--json")
    assert [(warning["id"], warning["line"]) for warning in result.json["warnings"]] == [("V128", 1)]
    assert not (place / "evidence").exists()


def test_explain_names_the_work_and_its_title_harmlessly(cli: Any, place: Path) -> None:
    assert "work: own:1 (=HYPERLINK(\\x1b[31m\\u202e))" in cli("explain", "/songs/1").out.splitlines()
    assert cli("explain", "/songs/1", "--json").json["work"] == "own:1"
    assert cli("explain", "/nothing", "--json").json["work"] is None


def test_the_ledger_says_the_same_as_text_json_and_csv(cli: Any, visited: Path) -> None:
    asked = ("works", "ledger", "--operator", "perplexity")
    said = cli(*asked, "--json").json
    described = said["described"]
    assert {name: described[name] for name in ("requested", "refused", "delivered", "head", "bytes")} == {
        "requested": 5, "refused": 0, "delivered": 4, "head": 1, "bytes": 24,
    }  # fmt: skip
    assert (described["works_delivered"], described["share_of_catalogue_percent"]) == (2, "66.66")
    assert said["attributed"]["requested"] == said["impostors"]["requested"] == 0
    rows = list(csv.DictReader(StringIO(cli(*asked, "--csv").out)))
    works = {row["work"]: int(row["delivered"]) for row in rows if row["row"] == "work"}
    assert works == {"": 1, "own:1": 2, "own:2": 1, "own:3": 0}
    assert works == {row["work"] or "": row["delivered"] for row in said["works"]}
    titles = {row["work"]: row["title"] for row in rows}
    assert titles["own:1"] == "'=HYPERLINK(\\x1b[31m\\u202e)"
    text = cli(*asked).out
    assert "described itself as Perplexity (not established): 5 requested, 0 refused, 4 delivered" in text
    assert "2 distinct works delivered of 3 in the catalogue, 66.66 %" in text
    refused = cli("works", "ledger", "--operator", "OpenAI", "--json").json["described"]
    assert (refused["requested"], refused["refused"], refused["delivered"]) == (2, 2, 0)


def test_a_period_without_requests_counts_nothing(cli: Any, visited: Path) -> None:
    said = cli("works", "ledger", "--operator", "Perplexity", "--to", "2020-01-01", "--json").json
    assert (said["described"]["requested"], said["works"], said["to"]) == (0, [], "2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--operator", "Perplexitty"), 2, "did you mean"),
        (("--operator", "OpenAI", "--json", "--csv"), 2, "either --json or --csv"),
        (("--operator", "OpenAI", "--from", "soon"), 2, "is no time"),
        (("--operator", "OpenAI", "--size", "9999"), 2, "not 9999"),
    ],
)
def test_a_wrong_question_is_explained(
    cli: Any, visited: Path, options: tuple[str, ...], code: int, says: str
) -> None:
    result = cli("works", "ledger", *options)
    assert result.code == code
    assert says in result.err


def test_without_evidence_there_is_no_ledger(cli: Any, place: Path) -> None:
    result = cli("works", "ledger", "--operator", "OpenAI")
    assert (result.code, result.out) == (1, "")
    assert "there is no evidence log" in result.err


def test_scan_makes_a_catalogue_that_check_accepts(cli: Any, place: Path) -> None:
    pages = place / "site" / "songs"
    pages.mkdir(parents=True)
    thing = {
        "@type": "MusicRecording",
        "isrcCode": "DEUM72600009",
        "name": "=Nine",
        "byArtist": {"name": "O"},
    }
    (pages / "index.html").write_text(f'<script type="application/ld+json">{json.dumps(thing)}</script>')
    result = cli("works", "scan", str(place / "site"))
    assert result.code == 0
    assert "1 works" in result.err
    (place / "works.csv").write_text(result.out, newline="")
    found = cli("explain", "/songs/").out.splitlines()
    assert "work: isrc:DEUM72600009 (=Nine)" in found


def test_scan_of_a_sitemap_needs_a_pattern(cli: Any, place: Path) -> None:
    sitemap = place / "sitemap.xml"
    sitemap.write_text("<urlset><url><loc>https://label.example/songs/7</loc></url></urlset>")
    assert cli("works", "scan", str(sitemap)).code == 1
    result = cli("works", "scan", str(sitemap), "--pattern", "/songs/{id}")
    assert result.out.splitlines()[1].startswith("https://label.example/songs/7,own:7")
    assert cli("works", "scan", str(sitemap), "--pattern", "songs").code == 2
    assert cli("works", "scan", str(place / "nowhere.xml")).code == 2
