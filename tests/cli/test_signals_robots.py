"""`signals robots`: what robots.txt says to a crawler about a path, and by which line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
KEYS = ["token", "path", "allowed", "line", "number", "agent", "version"]


def test_json_says_line_number_group_and_version(cli: Cli, site: Path) -> None:
    found = cli("signals", "robots", "--json", "GPTBot", "/lyrics/1")
    body = cli("signals", "--json").json["documents"]["/robots.txt"]["body"]

    assert (found.code, found.err) == (0, "")
    assert list(found.json) == KEYS
    assert found.json["version"] == hashlib.sha256(body.encode()).hexdigest()
    lines = body.split("\n")
    number = found.json["number"]
    assert (found.json["allowed"], found.json["line"]) == (False, "Disallow: /")
    assert lines[number - 1] == "Disallow: /"
    assert "User-agent: GPTBot" in lines[: number - 1]
    assert found.json["agent"] == "GPTBot"


@pytest.mark.parametrize("token", ["nobody-knows-it", "Googlebot"])
def test_any_token_is_answered(token: str, cli: Cli, site: Path) -> None:
    found = cli("signals", "robots", "--json", token, "/lyrics/1").json

    assert (found["token"], found["path"], found["allowed"]) == (token, "/lyrics/1", True)
    assert found["agent"] == "*"


def test_a_file_needs_no_configuration(cli: Cli, tmp_path: Path) -> None:
    body = b"User-agent: *\nAllow: /a\nDisallow: /a/b  # closed\n"
    (tmp_path / "old.txt").write_bytes(body)

    found = cli("signals", "robots", "--file", "old.txt", "--json", "FooBot", "/a/b?x=1").json

    assert found == {
        "token": "FooBot",
        "path": "/a/b?x=1",
        "allowed": False,
        "line": "Disallow: /a/b  # closed",
        "number": 3,
        "agent": "*",
        "version": hashlib.sha256(body).hexdigest(),
    }


def test_where_no_rule_matches_that_is_said(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")

    found = cli("signals", "robots", "--file", "empty.txt", "--json", "FooBot", "/a").json
    plain = cli("signals", "robots", "--file", "empty.txt", "FooBot", "/a")

    assert [found[key] for key in KEYS[2:6]] == [True, None, None, None]
    assert plain.out.splitlines() == [
        "FooBot may fetch /a: allowed",
        "line: no rule says otherwise",
        "group: none applies",
        f"version: {hashlib.sha256().hexdigest()} (empty.txt)",
    ]


def test_plain_words_name_the_line_and_the_group(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"User-agent: Foo\x1b\nUser-agent: FooBot/2\nDisallow: /a\x1b[31m\n")

    plain = cli("signals", "robots", "--file", "a.txt", "FooBot", "/a\x1b[31m")

    assert plain.code == 0
    assert plain.out.splitlines()[:3] == [
        "FooBot may not fetch /a\\x1b[31m: disallowed",
        "line 3: Disallow: /a\\x1b[31m",
        "group: User-agent: FooBot/2",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/intern/a"], "Disallow: /intern/"),
        (["/intern/a", "--host", "archive.example"], None),
        (["https://archive.example/intern/a"], None),
        (["https://label.example/intern/a"], "Disallow: /intern/"),
        (["https://label.example:443/intern/a", "--host", "Label.example"], "Disallow: /intern/"),
    ],
)
def test_each_host_has_its_own_file(
    arguments: list[str], line: str | None, cli: Cli, site: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.txt").write_text("User-agent: *\nDisallow: /intern/\n")
    site.write_text(site.read_text().replace('"none"', '"file:own.txt"', 1))

    found = cli("signals", "robots", "--json", "FooBot", *arguments).json

    assert (found["allowed"], found["line"]) == ((False, line) if line else (True, "Allow: /"))


def test_what_the_answer_lacks_is_noted(cli: Cli, site: Path, tmp_path: Path) -> None:
    site.write_text(site.read_text().replace('robots = "none"\n', "", 1))
    (tmp_path / "long.txt").write_bytes(b"#" * 600_000)

    app = cli("signals", "robots", "Yahoo! Slurp", "/")
    long = cli("signals", "robots", "--file", "long.txt", "FooBot", "/")

    assert (app.code, long.code) == (0, 0)
    assert "without the site's own rules" in app.err
    assert "Yahoo! Slurp is known to obey what robots.txt says to Slurp" in app.err
    assert "longer than 512000 bytes" in long.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["GPTBot"], "Missing argument"),
        ([" ", "/"], "a product token is needed"),
        (["GPTBot", "/", "--file", "nowhere\x1b.txt"], '"nowhere\\x1b.txt" cannot be read'),
        (["GPTBot", "/", "--file", "."], "cannot be read"),
        (["GPTBot", "http://[::1/a"], "is no URL"),
        (["GPTBot", "https://a.example/", "--host", "b.example"], "names another host"),
        (["GPTBot", "/", "-c", "nowhere.toml"], "nowhere.toml:0: V002"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exits_2(arguments: list[str], said: str, cli: Cli, site: Path) -> None:
    result = cli("signals", "robots", *arguments)

    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "Traceback" not in result.err
