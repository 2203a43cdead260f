"""Real clients over https through nginx and the sidecar: exactly what each shows, page by page.

A few of them run in the ordinary suite; the whole matrix is a drill (`make drills`), and needs what
`tests/install-components --drill` installs. The cases stand in tests/cases/live_clients.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live_clients import CLIENTS, Client
from live_report import CASES, Outcome, run_all, table
from live_support import Live, arrangement

EXPECTED: dict[str, Any] = tomllib.loads(CASES.read_text("utf-8"))
BY_NAME = {client.name: client for client in CLIENTS}
RANKS = ("observe", "limit", "challenge", "block")
PARAMS = [
    pytest.param(
        client,
        id=client.name,
        marks=[pytest.mark.real(*client.needs), *([] if client.small else [pytest.mark.drill])],
    )
    for client in CLIENTS
]


def highest(case: Any) -> int:
    return max(RANKS.index(level) for level in case["levels"].split())


def contradicts_itself(case: Any) -> bool:
    """True if some request of it alone shows something, as far as that is the same in every run."""
    return any(id.startswith(("claim.", "proto.")) for id in case.get("first", []))


def of(*labels: str) -> dict[str, Any]:
    return {name: case for name, case in EXPECTED.items() if case["label"] in labels}


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with arrangement(list(BY_NAME)) as running:
        yield running


def as_expected(case: Any) -> Outcome:
    levels = tuple(case["levels"].split())
    first = tuple(sorted(case.get("first", [])))
    return Outcome(
        first,
        tuple(sorted({*first, *case.get("later", [])})),
        levels,
        ("allow",) * len(levels),
    )


@pytest.mark.real("nginx")
@pytest.mark.parametrize("client", PARAMS)
def test_a_client_shows_exactly_this_and_is_refused_only_where_findings_decide(
    client: Client, live: Live
) -> None:
    found = run_all(live, [client])
    observed, enforced = found[client.name, "observe"], found[client.name, "enforce"]
    case = EXPECTED[client.name]
    expected = as_expected(case)
    if case.get("varies"):
        assert len(observed.levels) == len(enforced.levels) == len(expected.levels)
        assert {*observed.actions, *enforced.actions} <= {"allow", "block"}
        return
    assert observed == expected
    # Nobody passes a challenge here, so that it is a limit of ten pages in a minute.
    actions = tuple("block" if level == "block" else "allow" for level in expected.levels)
    assert enforced == Outcome(expected.first, expected.whole, expected.levels, actions)


def test_every_client_has_a_case_and_every_case_a_client() -> None:
    assert {name: case["label"] for name, case in EXPECTED.items()} == {
        client.name: client.label for client in CLIENTS
    }


def test_no_reader_no_honest_robot_and_no_tool_that_says_what_it_is_reaches_limit() -> None:
    harmless = of("person-like", "legitimate-automation", "declared-tool", "declared-crawler")
    assert (len(harmless), [name for name, case in harmless.items() if highest(case)]) == (15, [])


def test_disguises_that_contradict_themselves_are_limited_at_once_and_challenged_within_six_pages() -> None:
    disguised = {name: case for name, case in of("disguised").items() if contradicts_itself(case)}
    at_once = [name for name, case in disguised.items() if case["levels"].split()[0] != "observe"]
    challenged = [name for name, case in disguised.items() if highest(case) >= RANKS.index("challenge")]
    assert (len(disguised), len(at_once), len(challenged)) == (11, 11, 11)


def test_impersonators_over_http2_are_published_as_what_they_are() -> None:
    impersonators = {name: case for name, case in EXPECTED.items() if name.startswith("curl_cffi")}
    assert {name: case["levels"].split()[-1] for name, case in impersonators.items()} == {
        "curl_cffi-chrome": "limit",
        "curl_cffi-firefox": "observe",
        "curl_cffi-safari": "observe",
    }
    assert not any(contradicts_itself(case) for case in impersonators.values())


def test_the_document_shows_what_the_cases_hold() -> None:
    document = (Path(__file__).parents[2] / "docs" / "detection.md").read_text("utf-8")
    assert "\n".join(table(EXPECTED)) in document
