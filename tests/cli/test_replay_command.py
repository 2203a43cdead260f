"""`replay`: old logs from the command line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]
KEYS = ["lines", "skipped", "requests", "actions", "crawlers", "findings", "clients", "first", "last"]
LOG = (
    '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /lyrics/1 HTTP/1.1" 200 512 "-" "GPTBot/1.2"\n'
    '203.0.113.10 - - [01/Mar/2026:10:00:01 +0000] "GET / HTTP/1.1" 200 99 "-" "Mozilla/5.0 Firefox/145.0"\n'
    "no line of a log\x1b[31m\n"
)


def test_json_has_the_keys_of_the_contract(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG)

    found = cli("replay", "--json", "access.log")

    assert found.code == 0, found.err
    assert list(found.json) == KEYS
    assert (found.json["lines"], found.json["skipped"], found.json["requests"]) == (3, 1, 2)
    assert found.json["actions"]["block"] == 1
    crawler = found.json["crawlers"][0]
    assert list(crawler) == [
        "token",
        "operator",
        "purpose",
        "requests",
        "bytes",
        "actions",
        "disallowed",
    ]
    assert (crawler["token"], crawler["bytes"]) == ("GPTBot", 512)


def test_the_robots_txt_of_today_is_asked(cli: Cli, site: Path, tmp_path: Path) -> None:
    """The site's own rules and those of the reservation."""
    (tmp_path / "own.txt").write_text("User-agent: *\nDisallow: /private/\n")
    site.write_text(site.read_text().replace('"none"', '"file:own.txt"', 1))
    googlebot = LOG.replace("GPTBot/1.2", "Googlebot/2.1").replace("/lyrics/1", "/private/1")
    (tmp_path / "access.log").write_text(LOG + googlebot)

    found = cli("replay", "--json", "access.log").json
    plain = cli("replay", "access.log").out

    counts = {row["token"]: row["disallowed"] for row in found["crawlers"]}
    assert counts == {"GPTBot": 1, "Googlebot": 1}
    assert "disallowed: by the robots.txt of today, not by that of the day of the log" in plain


def test_people_get_a_summary_and_a_report(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG)

    found = cli("replay", "access.log", "--html", "report.html")

    assert found.code == 0, found.err
    assert "2 requests by 2 clients" in found.out
    assert "\x1b" not in found.out
    assert "reading access.log" in found.err
    assert "wrote report.html" in found.err
    report = (tmp_path / "report.html").read_text("utf-8")
    assert "GPTBot" in report
    assert "https://label.example" in report


def test_gzip_and_standard_input_are_read(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "access.log.gz").write_bytes(gzip.compress(LOG.encode()))

    packed, piped = cli("replay", "--json", "access.log.gz"), cli("replay", "--json", "-", stdin=LOG.encode())

    assert packed.json == piped.json
    assert packed.json["requests"] == 2


def test_the_policy_of_the_configuration_decides(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG)
    site.write_text(site.read_text() + '\n[policy]\npreset = "observe-only"\n')

    assert cli("replay", "--json", "access.log").json["actions"]["block"] == 0


def test_a_site_that_observes_learns_what_enforcing_would_do(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG)
    cli("init", "--yes", "-c", "enforcing.toml")

    observing, enforcing = (
        cli("replay", "--json", "access.log"),
        cli("replay", "--json", "access.log", "-c", "enforcing.toml"),
    )

    assert observing.json["actions"] == enforcing.json["actions"]
    assert "if it had enforced" in observing.err
    assert "if it had enforced" not in enforcing.err


def test_what_cannot_be_opened_is_a_sentence(cli: Cli, site: Path) -> None:
    missing, unconfigured = cli("replay", "now\x1bhere.log"), cli("replay", "-c", "nowhere.toml", "x")

    assert (missing.code, missing.out) == (2, "")
    assert "here.log" in missing.err
    assert "\x1b" not in missing.err
    assert unconfigured.code == 2
