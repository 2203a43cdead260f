"""Conclusions stand in records of their own, point back, name their method, and do not double the load."""

from __future__ import annotations

import asyncio
from typing import Any

from asgi_support import CHROME, PageApp, call, scope, watched
from vorbehalt.edge.assessing import MOST_A_MINUTE, Assessments
from vorbehalt.facts import Action, ClientAddress, Finding, Visit
from vorbehalt.policy.verdict import Verdict

LIBRARY = (
    (b"user-agent", CHROME),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept", b"*/*"),
    (b"connection", b"keep-alive"),
)
HOUR, AT = 3_600 * 10**9, 1_795_413_600 * 10**9
VERSIONS = {"rules": "2026.11"}
FOUND = (Finding("claim.no_fetch_metadata", 40, "none", "sec-fetch-*"),)


def visit(address: str, at: int = AT) -> Visit:
    client = ClientAddress(address, "direct", True)
    return Visit(at, "GET", "https", "label.example", "/", b"/", "1.1", (), client, False, "app")


def verdict(level: Any = "limit", findings: tuple[Finding, ...] = FOUND) -> Verdict:
    return Verdict(
        Action.ALLOW, Action.LIMIT, False, "findings-limit", ("x",), findings=findings, score=60, level=level
    )


def test_a_conclusion_points_back_to_what_was_observed_and_is_said_once() -> None:
    site, evidence = watched(PageApp(), None)
    for _ in range(3):
        asyncio.run(
            call(site, scope("/lyrics/1", agent=None, headers=LIBRARY, client=("203.0.114.9", 50123)))
        )

    requests, (conclusion,) = evidence.of("request"), evidence.of("assessment")
    assert len(requests) == 3
    assert conclusion.seen["of"] == requests[0].ref
    assert (conclusion.seen["conclusion"], conclusion.seen["method"]) == ("limit", "findings")
    assert conclusion.seen["versions"] == requests[0].seen["versions"]
    found = requests[0].seen["findings"]
    assert isinstance(found, list)
    assert conclusion.seen["findings"] == [one["id"] for one in found]
    assert conclusion.private == {}


def test_a_client_is_assessed_once_an_hour_and_level() -> None:
    kept = Assessments()
    asked = [
        kept.due(visit("203.0.113.1"), verdict(), "VB-1", VERSIONS),
        kept.due(visit("203.0.113.1", AT + HOUR - 1), verdict(), "VB-2", VERSIONS),
        kept.due(visit("203.0.113.1"), verdict("block"), "VB-3", VERSIONS),
        kept.due(visit("203.0.113.2"), verdict(), "VB-4", VERSIONS),
        kept.due(visit("203.0.113.1", AT + HOUR), verdict(), "VB-5", VERSIONS),
        kept.due(visit("203.0.113.3"), verdict("observe"), "VB-6", VERSIONS),
        kept.due(visit("203.0.113.4"), verdict(findings=()), "VB-7", VERSIONS),
    ]
    assert [draft and draft.seen["of"] for draft in asked] == [
        "VB-1", None, "VB-3", "VB-4", "VB-5", None, None,
    ]  # fmt: skip


def test_a_fleet_of_one_request_an_address_does_not_double_what_is_written() -> None:
    kept = Assessments()
    drafts = [
        kept.due(visit(f"203.0.{n // 250}.{n % 250}"), verdict(), f"VB-{n}", VERSIONS) for n in range(1000)
    ]
    later = kept.due(visit("203.0.9.9", AT + 60 * 10**9), verdict(), "VB-x", VERSIONS)

    assert sum(draft is not None for draft in drafts) == MOST_A_MINUTE
    assert later is not None
