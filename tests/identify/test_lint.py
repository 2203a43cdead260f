"""The lint finds every kind of mistake, and none in the shipped rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import pytest

from vorbehalt.identify.lint import lint
from vorbehalt.identify.registry import Registry

TODAY = date(2026, 11, 23)
RANGES = json.dumps(
    {
        "list": "runs",
        "source_url": "https://runs.example/bots.json",
        "fetched_at": "2026-11-22T00:00:00Z",
        "basis": "operator",
        "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}],
    }
).encode()
HEAD = """format = 1
[operator]
id = "{id}"
name = "Somebody"
[[source]]
id = "docs"
url = "https://somebody.example"
date = 2026-11-22
"""
RUNS = """
[[crawler]]
token = "RunsBot"
kind = "crawler"
purpose = "training"
purpose_basis = "operator"
robots = ["RunsBot"]
sources = ["docs"]
must_match = ["RunsBot/1.0"]
must_not_match = ["MyRunsBot"]
  [[crawler.verify]]
  method = "ranges"
  list = "runs"
"""
SEEKS = """
[[crawler]]
token = "SeeksBot"
kind = "crawler"
purpose = "search-engine"
purpose_basis = "operator"
robots = ["SeeksBot"]
sources = ["docs"]
must_match = ["SeeksBot/1.0"]
"""


def documents(runs: str = RUNS, seeks: str = SEEKS, **more: str) -> dict[str, bytes]:
    return {
        "operators/runs.toml": (HEAD.replace("{id}", "runs") + runs).encode(),
        "operators/seeks.toml": (HEAD.replace("{id}", "seeks") + seeks).encode(),
        "rejected.toml": b'format = 1\n[[rejected]]\ntoken = "Code"\nreason = "A bare word."\n',
        "ranges/runs.json": RANGES,
    }


def found(rules: Mapping[str, bytes], today: date = TODAY) -> list[tuple[str, str]]:
    return [(problem.id, problem.key) for problem in lint(Registry.from_documents(rules, "v"), rules, today)]


def test_nothing_is_wrong_with_sound_rules() -> None:
    assert found(documents()) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('["RunsBot/1.0"]', '["Runs/1.0"]', ("R001", "RunsBot")),
        ('["RunsBot/1.0"]', '["SeeksBot/1.0"]', ("R001", "RunsBot")),
        ('["RunsBot/1.0"]', '["RunsBot/1.0 SeeksBot/1.0"]', ("R002", "RunsBot")),
        ('["MyRunsBot"]', '["My RunsBot"]', ("R003", "RunsBot")),
        ('"RunsBot"]', '"Runs Bot"]', ("R007", "RunsBot")),
        ('robots = ["RunsBot"]', 'robots = ["seeksbot"]', ("R009", "RunsBot")),
        ('must_match = ["RunsBot/1.0"]', "", ("R010", "RunsBot")),
        ("RunsBot", "Operator", ("R011", "Operator")),
        ('list = "runs"', 'list = "absent"', ("R005", "RunsBot")),
    ],
)
def test_a_mistake_in_a_crawler_is_found(old: str, new: str, expected: tuple[str, str]) -> None:
    assert old in RUNS
    assert expected in found(documents(RUNS.replace(old, new)))


def test_a_token_both_kept_and_rejected_is_found() -> None:
    rules = documents(RUNS.replace("RunsBot", "code"))
    assert ("R008", "code") in found(rules)


def test_an_unused_list_and_a_malformed_one_are_found() -> None:
    rules = documents() | {"ranges/idle.json": RANGES}
    assert found(rules) == [("R006", ""), ("R012", "")]


@pytest.mark.parametrize(
    ("today", "is_wrong"),
    [
        (date(2026, 11, 22), False),
        (date(2026, 11, 21), True),
        (date(2027, 12, 27), False),
        (date(2027, 12, 28), True),
    ],
)
def test_a_source_may_be_400_days_old_and_not_in_the_future(today: date, is_wrong: bool) -> None:
    assert bool(found(documents(), today)) is is_wrong


def test_a_more_specific_crawler_of_the_same_party_may_answer() -> None:
    more = RUNS.replace("RunsBot", "RunsBot-Image").replace("MyRunsBot-Image", "x")
    rules = documents(RUNS.replace('"RunsBot/1.0"', '"RunsBot-Image/1.0"') + more)
    assert found(rules) == []


def test_a_crawler_may_answer_for_the_tool_in_its_own_sample() -> None:
    tool = SEEKS.replace("SeeksBot/1.0", "RunsBot/1.0 SeeksBot/1.0").replace('"crawler"', '"tool"')
    assert found(documents(seeks=tool.replace('"search-engine"', '"tool"'))) == []


def test_a_problem_names_file_and_line() -> None:
    rules = documents(RUNS.replace('["RunsBot/1.0"]', '["Runs/1.0"]'))
    (problem,) = lint(Registry.from_documents(rules, "v"), rules, TODAY)
    assert str(problem) == "operators/runs.toml:11: R001 RunsBot: must_match 'Runs/1.0' yields nothing"


def test_the_shipped_rules_are_sound(shipped: Registry, shipped_documents: Mapping[str, bytes]) -> None:
    newest = max(source.date for crawler in shipped.crawlers for source in crawler.sources)
    assert [str(problem) for problem in lint(shipped, shipped_documents, newest)] == []
