"""`rules`: what is known, and whether it is sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.settings import load_rules

Cli = Callable[..., Any]


def test_an_overview_counts_what_there_is(cli: Cli) -> None:
    plain, as_json = cli("rules", "show"), cli("rules", "show", "--json").json
    registry = load_rules(None)[1]

    assert as_json["version"] == registry.version
    assert as_json["digest"] == registry.digest
    assert as_json["crawlers"] == len(registry.crawlers) >= 380
    assert as_json["ai_related"] >= 200
    assert as_json["operators"] > 60
    assert sum(as_json["purposes"].values()) == as_json["crawlers"]
    assert f"version\t{registry.version}\n" in plain.out


@pytest.mark.parametrize("name", ["GPTBot", "gptbot"])
def test_one_crawler_is_shown_with_its_sources(name: str, cli: Cli) -> None:
    found = cli("rules", "show", name, "--json").json

    assert (found["token"], found["operator"], found["maker"]) == ("GPTBot", "OpenAI", None)
    assert found["purpose"] == "training"
    assert found["sources"]
    assert "operator\tOpenAI\n" in cli("rules", "show", name).out


def test_a_tool_has_a_maker_and_no_operator(cli: Cli) -> None:
    found = cli("rules", "show", "HeadlessChrome", "--json").json

    assert (found["operator"], found["kind"]) == (None, "headless")
    assert found["maker"]


def test_what_is_not_known_exits_1_and_says_whether_on_purpose(cli: Cli) -> None:
    rejected = next(iter(load_rules(None)[1].rejected))

    unknown, left_out = cli("rules", "show", "no\x1bbody"), cli("rules", "show", rejected)

    assert (unknown.code, unknown.out, unknown.err) == (1, "", "no\\x1bbody: not known\n")
    assert left_out.code == 1
    assert "left out on purpose: " in left_out.err


def test_a_sample_that_does_not_match_is_a_finding(cli: Cli, tmp_path: Path) -> None:
    shipped = load_rules(None)[0]
    name = next(
        name
        for name in sorted(shipped)
        if name.startswith("operators/") and b"must_match = [" in shipped[name]
    )
    text = shipped[name].decode()
    target = tmp_path / "more" / name
    target.parent.mkdir(parents=True)
    target.write_text(text.replace("must_match = [", 'must_match = ["a string without any token", ', 1))

    sound, unsound = cli("rules", "lint", "--json"), cli("rules", "lint", "--path", "more", "--json")
    before, after = sound.json["problems"], unsound.json["problems"]

    assert unsound.code == 1
    assert len(after) == len(before) + 1
    assert sound.code == (1 if before else 0)
    assert [set(problem) for problem in after] == [{"file", "line", "key", "id", "message"}] * len(after)
    plain = cli("rules", "lint", "--path", "more")
    assert plain.out.splitlines()[-1].startswith(f"{len(after)} findings in ")


def test_rules_that_cannot_be_read_are_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "more" / "operators").mkdir(parents=True)
    (tmp_path / "more" / "operators" / "bad.toml").write_text("= nonsense")

    for arguments in (["rules", "show", "--path", "more"], ["rules", "lint", "--path", "nowhere"]):
        result = cli(*arguments)
        assert (result.code, result.out) == (2, "")
        assert "Traceback" not in result.err
