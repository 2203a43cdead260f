"""Whole runs of real clients: what their conduct shows, how they stand after every page, who is spared."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from conduct_support import BOOK
from sequence_support import GIVEN, WITHOUT_H2C, After, continued, runs, watched
from support import CASES
from vorbehalt.patterns.definition import LEVELS
from vorbehalt.patterns.seen import NEEDS, Inputs

EXPECTED: dict[str, Any] = tomllib.loads((CASES / "conduct.toml").read_text("utf-8"))
SPARED = ("person-like", "legitimate-automation")
OVER_H2 = ("curl_cffi-chrome-h2", "curl_cffi-chrome120-h2", "curl_cffi-firefox-h2")


def of(*labels: str) -> list[str]:
    return [name for name, row in EXPECTED.items() if row["label"] in labels]


def levels(after: list[After]) -> list[str]:
    """The level after each page, with all that came before the next one."""
    by_page = {one.pages: one.assessment.level for one in after if one.pages}
    return [by_page[page] for page in sorted(by_page)]


def conduct(after: list[After]) -> list[str]:
    return sorted(frozenset().union(*(one.conduct for one in after)))


def reaches(after: list[After], level: str, pages: int) -> bool:
    worst = max(LEVELS.index(one.assessment.level) for one in after if one.pages <= pages)
    return worst >= LEVELS.index(level)


def test_every_captured_client_has_its_case() -> None:
    assert {name: run.label for name, run in runs().items()} == {
        name: row["label"] for name, row in EXPECTED.items()
    }


@pytest.mark.parametrize("name", list(EXPECTED))
def test_the_conduct_of_a_client_is_exactly_this(name: str) -> None:
    case, after = EXPECTED[name], watched(runs()[name])

    expected = case["levels"].split() if "levels" in case else ["observe"] * len(levels(after))
    assert conduct(after) == case.get("conduct", [])
    assert levels(after) == expected


@pytest.mark.parametrize("name", of("disguised"))
def test_a_disguised_client_that_goes_on_stands_like_this(name: str) -> None:
    case, after = EXPECTED[name], watched(continued(runs()[name], 6))

    assert levels(after) == case["six"].split()
    assert conduct(after) == case.get("six_conduct", [])


@pytest.mark.parametrize("name", of(*SPARED))
def test_no_person_and_no_legitimate_automation_is_limited(name: str) -> None:
    for run in (runs()[name], continued(runs()[name], 6)):
        assert [one.assessment.level for one in watched(run)] == ["observe"] * len(run.visits)


def contradicted() -> list[str]:
    """The disguised clients in whose requests something contradicts itself."""
    return [
        name
        for name in of("disguised")
        if any(
            BOOK.definition(finding.id).state == "none"
            for one in watched(runs()[name])
            for finding in one.assessment.findings
        )
    ]


def test_of_the_disguised_that_contradict_themselves_80_percent_are_challenged_within_six_pages() -> None:
    names = contradicted()
    challenged = [name for name in names if reaches(watched(continued(runs()[name], 6)), "challenge", 6)]

    assert len(names) == 11
    assert len(challenged) >= 0.8 * len(names)


def test_of_those_at_least_70_percent_are_limited_on_the_first_page() -> None:
    names = contradicted()
    limited = [name for name in names if reaches(watched(runs()[name]), "limit", 1)]

    assert len(limited) >= 0.7 * len(names)


@pytest.mark.parametrize("name", OVER_H2)
def test_a_perfect_impersonator_is_limited_at_its_sixth_page_and_never_more(name: str) -> None:
    after = watched(continued(runs()[name], 40))

    assert levels(after)[:6] == ["observe"] * 5 + ["limit"]
    assert {one.assessment.level for one in after} == {"observe", "limit"}


@pytest.mark.parametrize("name", ["curl_cffi-chrome", "curl_cffi-chrome120", "curl_cffi-firefox"])
def test_behind_a_proxy_that_ends_tls_an_impersonator_is_as_good_as_over_h2(name: str) -> None:
    after = watched(continued(runs()[name], 6), Inputs(WITHOUT_H2C, loopback_is_secure=True))

    assert levels(after) == ["observe"] * 5 + ["limit"]


@pytest.mark.parametrize("missing", sorted(NEEDS))
@pytest.mark.parametrize("name", of("disguised"))
def test_a_missing_input_never_raises_a_score(name: str, missing: str) -> None:
    run = continued(runs()[name], 6)
    with_all = watched(run)
    without = watched(run, Inputs(GIVEN - {missing}, loopback_is_secure=True))

    raised = [
        (before.assessment.score, after.assessment.score)
        for before, after in zip(with_all, without, strict=True)
        if after.assessment.score > before.assessment.score
    ]
    assert raised == []


def pages_table() -> str:
    """The table of docs/detection.md: the level of each disguised client after its pages 1 to 6."""
    rows = ["| client | 1 | 2 | 3 | 4 | 5 | 6 |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name in of("disguised"):
        shown = [level.replace("observe", "-") for level in EXPECTED[name]["six"].split()[:6]]
        rows.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(rows)


def test_the_table_of_pages_in_the_documentation_is_what_these_tests_find() -> None:
    document = (CASES.parents[1] / "docs" / "detection.md").read_text("utf-8")

    assert pages_table() in document, pages_table()
