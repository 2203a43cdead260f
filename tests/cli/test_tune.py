"""`tune`: who would be hit by findings, from old logs; the numbers are those of a log that is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)
KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/{{}}.0.0.0 Safari/537.36"
HOSTILE = (
    "Mozilla/5.0 \\x1b[31m\u202e (Unknown; Linux x86_64) AppleWebKit/534.34 PhantomJS/1.9.2 Safari/534.34"
)
KEYS = ["lines", "skipped", "requests", "unusable", "clients", "exact"]
KEYS += ["levels", "thresholds", "findings", "samples"]


def line(address: str, path: str, after: float, agent: str, status: int = 200, referer: str = "-") -> str:
    at = (BEGIN + timedelta(seconds=after)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - - [{at}] "GET {path} HTTP/1.1" {status} 512 "{referer}" "{agent}"\n'


def people() -> Iterator[str]:
    """Twelve readers: three pages each, with what belongs to them, half a minute apart."""
    for number in range(12):
        for step in range(3):
            at, page = number * 60 + step * 30, f"/songs/s{number * 5 + step * 3}"
            address = f"9.9.{number}.9"
            yield line(address, page, at, CHROME.format(141), referer="https://label.example/")
            yield line(address, "/style.css", at + 1, CHROME.format(141))
            yield line(address, f"/covers/{step}.png", at + 1, CHROME.format(141))


def crawl() -> Iterator[str]:
    """Seventy different pages in seven minutes, nothing that belongs to them."""
    for number in range(70):
        yield line("9.9.100.1", f"/press/item-{number * 37 % 1000}x", number * 6, CHROME.format(140))


def enumeration() -> Iterator[str]:
    """Twenty ids, one after the other."""
    for number in range(20):
        yield line("9.9.101.1", f"/lyrics/{500 + number}", number * 2, CHROME.format(139))


def honest() -> Iterator[str]:
    """Programs that say what they are: policy's business."""
    for number in range(70):
        yield line("9.9.102.1", f"/press/item-{number}", number, "curl/8.0.0")
    yield line("9.9.103.1", "/press/", 5, "GPTBot/1.2")


def hostile() -> Iterator[str]:
    yield line("9.9.104.1", "/", 1, HOSTILE)


def write(folder: Path, *parts: Iterator[str], name: str = "access.log") -> None:
    lines = sorted((text for part in parts for text in part), key=lambda text: text.split("[")[1][:20])
    (folder / name).write_text("".join(lines))


def test_a_crawl_and_an_enumeration_are_hit_and_nobody_who_reads_and_nobody_who_is_honest(
    cli: Cli, site: Path, tmp_path: Path
) -> None:
    write(tmp_path, people(), crawl(), enumeration(), honest())

    found = cli("tune", "--json", "access.log")

    assert found.code == 0, found.err
    assert list(found.json) == KEYS
    requests = 12 * 9 + 70 + 20 + 71
    assert (found.json["requests"], found.json["clients"], found.json["exact"]) == (requests, 16, True)
    assert (found.json["lines"], found.json["skipped"], found.json["unusable"]) == (requests, 0, 0)
    # From its 61st page the crawl, from its 16th id the enumeration.
    assert found.json["levels"] == [
        {"level": "limit", "points": 30, "clients": 2, "requests": 10 + 5},
        {"level": "challenge", "points": 50, "clients": 0, "requests": 0},
        {"level": "block", "points": 80, "clients": 0, "requests": 0},
    ]
    assert found.json["thresholds"] == [
        {"points": points, "clients": 2 if points <= 30 else 0} for points in range(10, 101, 10)
    ]
    assert found.json["findings"] == {
        "chain.no_assets": 2,
        "volume.breadth": 1,
        "volume.enumeration": 1,
    }
    assert [
        (sample["address"], sample["score"], sample["level"], sample["requests"], sample["requests_hit"])
        for sample in found.json["samples"]
    ] == [("9.9.101.1", 39, "limit", 18, 5), ("9.9.100.1", 34, "limit", 68, 10)]


def test_a_sample_says_what_was_seen_of_a_client_and_where(cli: Cli, site: Path, tmp_path: Path) -> None:
    write(tmp_path, people(), enumeration())

    (sample,) = cli("tune", "--json", "access.log").json["samples"]

    assert sample == {
        "address": "9.9.101.1",
        "user_agent": CHROME.format(139),
        "score": 39,
        "level": "limit",
        "requests": 18,
        "requests_hit": 5,
        "findings": {
            "chain.no_assets": "20 pages, no style sheet, script, picture or beacon",
            "volume.enumeration": "20 ids in a row, each one more than the last",
        },
        "paths": [f"/lyrics/{502 + number}" for number in range(5)],
    }


def test_people_read_the_same_numbers(cli: Cli, site: Path, tmp_path: Path) -> None:
    write(tmp_path, people(), crawl(), enumeration(), honest())

    lines = cli("tune", "access.log", "--samples", "1").out.splitlines()

    assert lines[0] == "269 requests by 16 clients"
    assert [[word for word in line.split(" ") if word] for line in lines[2:6]] == [
        ["level", "from", "points", "clients", "of", "all", "pages", "and", "media"],
        ["limit", "30", "2", "12\u202f%", "15"],
        ["challenge", "50", "0", "0\u202f%", "0"],
        ["block", "80", "0", "0\u202f%", "0"],
    ]
    assert "  10: 2  20: 2  30: 2  40: 0  50: 0  60: 0  70: 0  80: 0  90: 0  100: 0" in lines
    assert [line for line in lines if "points: 9." in line] == [
        "limit, 39 points: 9.9.101.1, 18 requests from the first finding on"
    ]


def test_the_thresholds_are_those_of_the_site(cli: Cli, site: Path, tmp_path: Path) -> None:
    write(tmp_path, people(), crawl(), enumeration())
    site.write_text(site.read_text() + "\n[patterns.thresholds]\nlimit = 35\n")

    found = cli("tune", "--json", "access.log").json

    assert found["levels"][0] == {"level": "limit", "points": 35, "clients": 1, "requests": 5}
    assert found["thresholds"][2] == {"points": 30, "clients": 2}


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_hostile_user_agent_changes_nothing_on_the_terminal(
    form: list[str], cli: Cli, site: Path, tmp_path: Path
) -> None:
    (tmp_path / "access.log").write_bytes("".join(hostile()).encode().replace(b"\\x1b", b"\x1b"))

    found = cli("tune", *form, "access.log")

    assert found.code == 0, found.err
    assert "PhantomJS" in found.out
    assert [
        char for char in found.out.replace("\n", "").replace("\u202f", "") if not char.isprintable()
    ] == []


def test_lines_that_are_none_and_addresses_that_are_nobodys_are_counted_and_said(
    cli: Cli, site: Path, tmp_path: Path
) -> None:
    (tmp_path / "access.log").write_text(
        "no line\n" + line("10.0.0.7", "/", 1, HOSTILE) + line("9.9.9.9", "/", 2, HOSTILE)
    )

    counts, text = cli("tune", "--json", "access.log").json, cli("tune", "access.log").out

    assert [counts[key] for key in ("lines", "skipped", "requests", "unusable")] == [3, 1, 2, 1]
    assert counts["levels"][0]["clients"] == 1
    assert "1 of 3 lines holds no request" in text
    assert "1 of 2 requests come from addresses that may be anybody's" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["now\x1bhere.log"], "here.log"),
        (["access.log", "-c", "nowhere.toml"], "nowhere.toml"),
        (["access.log", "--samples", "-1"], "--samples"),
        ([], "Missing argument"),
    ],
)
def test_bad_input_is_a_sentence(
    arguments: list[str], said: str, cli: Cli, site: Path, tmp_path: Path
) -> None:
    write(tmp_path, people())

    found = cli("tune", *arguments)

    assert (found.code, found.out) == (2, "")
    assert said in found.err
    assert "\x1b" not in found.err


def test_a_log_without_findings_hits_nobody(cli: Cli, site: Path, tmp_path: Path) -> None:
    write(tmp_path, people(), honest())

    found = cli("tune", "--json", "access.log").json

    assert [level["clients"] for level in found["levels"]] == [0, 0, 0]
    assert (found["findings"], found["samples"]) == ({}, [])


def test_several_logs_are_read_in_the_order_of_time(cli: Cli, site: Path, tmp_path: Path) -> None:
    """Half of the ids stand in each file, in turn: only in their order they are a row."""
    ids = list(enumeration())
    (tmp_path / "one.log").write_text("".join(ids[::2]))
    (tmp_path / "two.log").write_text("".join(ids[1::2]))

    together = cli("tune", "--json", "two.log", "one.log").json
    one = cli("tune", "--json", "one.log").json

    assert (together["levels"][0]["clients"], one["levels"][0]["clients"]) == (1, 0)
