"""`check`: what a configuration means, and every mistake in it at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.cli.config import list_ages
from vorbehalt.settings import load

Cli = Callable[..., Any]
PROBLEM_KEYS = ["file", "line", "key", "id", "message"]


def test_a_sound_configuration_is_printed_as_the_policy_it_means(cli: Cli, site: Path) -> None:
    result = cli("check", "-c", site)

    assert (result.code, result.err) == (0, "")
    assert (
        "training: those with purpose training; purpose stated by the operator are refused (403)"
        in result.out
    )
    assert "https://archive.example (archive.example): preset allow-search, observed only" in result.out
    assert "Section press (/press/)" in result.out
    assert result.out.endswith("vorbehalt.toml: fine\n")


def test_json_says_fine_with_two_empty_lists(cli: Cli) -> None:
    cli("init", "--yes")

    result = cli("check", "--json")

    assert (result.code, result.json) == (0, {"errors": [], "warnings": []})


def test_all_mistakes_come_at_once_with_their_places(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text().replace('"none"', '"maybe"', 1).replace("mode =", "modus ="))

    plain, as_json = cli("check"), cli("check", "--json")

    assert (plain.code, plain.out) == (2, "")
    assert plain.err.splitlines()[0].startswith("vorbehalt.toml:8: V007 ")
    assert len(plain.err.splitlines()) >= 2
    assert as_json.code == 2
    assert list(as_json.json) == ["errors", "warnings"]
    assert [list(problem) for problem in as_json.json["errors"]] == [PROBLEM_KEYS] * len(
        as_json.json["errors"]
    )
    assert [f"{p['file']}:{p['line']}: {p['id']} {p['message']}" for p in as_json.json["errors"]] == (
        plain.err.splitlines()
    )


def test_a_robots_file_that_contradicts_the_terms_is_a_warning_with_its_line(
    cli: Cli, site: Path, tmp_path: Path
) -> None:
    robots = site.parent / "rules.txt"
    robots.write_text("User-agent: *\nDisallow: /x\n\nUser-agent: GPTBot\nAllow: /\n")
    site.write_text(site.read_text().replace('robots = "none"', 'robots = "file:rules.txt"', 1))

    plain, as_json = cli("check"), cli("check", "--json")

    (warning,) = [w for w in as_json.json["warnings"] if w["id"] == "V123"]
    assert (warning["file"], warning["key"]) == (str(robots), "site.robots")
    assert "lets GPTBot in (line 4)" in warning["message"]
    assert (plain.code, as_json.code) == (0, 0)
    assert "V123" in plain.out


def test_warnings_do_not_make_it_fail(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text().replace('contact = "mailto:licensing@label.example"\n', ""))

    plain, as_json = cli("check"), cli("check", "--json")

    assert plain.code == as_json.code == 0
    assert "warning: vorbehalt.toml:" in plain.out
    assert "V113" in [problem["id"] for problem in as_json.json["warnings"]]
    assert as_json.json["errors"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "nowhere.toml:0: V002 the file cannot be read: No such file or directory"),
        (b"format = 1\n= \n", "nowhere.toml:2: V001"),
        (b"format = 1\n\xff", "nowhere.toml:1: V001"),
    ],
    ids=["missing", "syntax", "not-utf-8"],
)
def test_what_cannot_be_read_is_one_problem(
    content: bytes | None, said: str, cli: Cli, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "nowhere.toml").write_bytes(content)

    plain, as_json = cli("check", "-c", "nowhere.toml"), cli("check", "-c", "nowhere.toml", "--json")

    assert plain.code == as_json.code == 2
    assert plain.err.startswith(said)
    assert len(as_json.json["errors"]) == 1


def test_a_hostile_configuration_cannot_draw_on_the_terminal(cli: Cli, site: Path) -> None:
    site.write_text(
        site.read_text()
        .replace("Label Example GmbH", "\\u001b[31mred\\u202e")
        .replace('"press"', '"pr\\u001bess"')
    )

    result = cli("check")

    assert "\x1b" not in result.out + result.err
    assert "\u202e" not in result.out + result.err


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "2 can verify a claim, 2 can contradict one"),
        (2, "impostor detection is inactive: lists are 2 days old; of 2 lists 2 can verify a claim, 0 can"),
        (40, "impostor detection is inactive: lists are 40 days old; of 2 lists 0 can verify a claim, 0 can"),
    ],
)
def test_the_age_of_the_lists_is_told(days: int, said: str, site: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    settings = load(site)
    some = {
        name: body for name, body in settings.rules_documents.items() if name.startswith("ranges/google-")
    }
    names = sorted(some)[:2]
    made = datetime(2026, 3, 1, tzinfo=UTC)
    documents = {}
    for name in names:
        text = some[name].decode()
        at = text.index('"fetched_at": "') + len('"fetched_at": "')
        documents[name] = (text[:at] + "2026-03-01T00:00:00Z" + text[text.index('"', at) :]).encode()
    at = int((made + timedelta(days=days)).timestamp()) * 10**9

    sentences = list_ages(replace(settings, rules_documents=documents), at)

    assert len(sentences) == 1
    assert said in sentences[0]


def test_without_lists_nothing_can_be_verified(site: Path) -> None:
    from dataclasses import replace

    settings = replace(load(site), rules_documents={})

    assert "neither verified nor contradicted" in list_ages(settings, 0)[0]
