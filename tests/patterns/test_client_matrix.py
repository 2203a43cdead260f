"""Captured clients against the stateless findings: exactly these, in every arrangement."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from pattern_support import ARRANGEMENTS, CASES, Client, book, clients, first, fits, met, points, whole
from vorbehalt.patterns.in_request import find_in_request

EXPECTED: dict[str, Any] = tomllib.loads((CASES / "client_findings.toml").read_text("utf-8"))
LIMIT = book().levels["limit"]
PAIRS = [
    pytest.param(client, arrangement, id=f"{client.name}-{arrangement}")
    for client in clients().values()
    for arrangement in ARRANGEMENTS
    if fits(client, arrangement)
]


def of(label: str) -> list[Client]:
    return [client for client in clients().values() if client.label == label]


def test_every_captured_client_has_a_case_and_every_case_a_client() -> None:
    assert {name: row["label"] for name, row in EXPECTED.items()} == {
        name: client.label for name, client in clients().items()
    }
    assert len(clients()) == 55


@pytest.mark.parametrize(("client", "arrangement"), PAIRS)
def test_a_client_shows_exactly_these_findings(client: Client, arrangement: str) -> None:
    case = EXPECTED[client.name]
    expected = case.get("first", {}).get(arrangement, [])
    assert [finding.id for finding in first(client, arrangement)] == expected
    assert sorted(whole(client, arrangement)) == sorted(case.get("whole", {}).get(arrangement, expected))


@pytest.mark.parametrize("label", ["person-like", "legitimate-automation", "declared-crawler"])
def test_no_reader_and_no_honest_robot_shows_anything_in_any_request(label: str) -> None:
    found = {
        (client.name, arrangement): ids
        for client in of(label)
        for arrangement in ARRANGEMENTS
        if fits(client, arrangement) and (ids := whole(client, arrangement))
    }
    assert (len(of(label)) > 3, found) == (True, {})


def test_of_tools_that_say_who_they_are_only_the_headless_one_shows_anything() -> None:
    found = {client.name: whole(client, "https") for client in of("declared-tool")}
    assert {name: ids for name, ids in found.items() if ids} == {"node-jsdom": {"claim.headless"}}


def test_of_disguised_clients_eleven_of_fourteen_reach_limit_on_the_first_page_as_captured() -> None:
    disguised = of("disguised")
    reached = [client.name for client in disguised if points(first(client, "captured")) >= LIMIT]
    missed = [client.name for client in disguised if client.name not in reached]
    assert (len(disguised), len(reached)) == (14, 11)
    assert missed == ["curl_cffi-chrome-h2", "curl_cffi-chrome120-h2", "curl_cffi-firefox-h2"]


def test_an_impersonator_over_tls_and_http2_shows_nothing_at_all() -> None:
    over_tls = [
        client for client in clients().values() if client.name.endswith("-h2") and "cffi" in client.name
    ]
    assert [(client.name, whole(client, "captured")) for client in over_tls] == [
        ("curl_cffi-chrome-h2", set()),
        ("curl_cffi-chrome120-h2", set()),
        ("curl_cffi-firefox-h2", set()),
    ]


def test_behind_a_proxy_that_keeps_headers_in_a_map_seven_disguises_still_reach_limit() -> None:
    reached = [client.name for client in of("disguised") if points(first(client, "mapped")) >= LIMIT]
    assert reached == [
        "curl-spoofed-ua",
        "yt-dlp",
        "requests-spoofed-chrome",
        "crawl4ai-http",
        "puppeteer-spoof",
        "chromium-cli-dumpdom-spoof",
        "requests-faker-ua",
    ]


def test_on_plain_http_nothing_that_depends_on_a_secure_context_is_found() -> None:
    secure = {id for id, definition in book().definitions.items() if "secure" in definition.needs}
    found = {id for client in clients().values() for id in whole(client, "plain")}
    assert (len(secure) > 5, found & secure) == (True, set())


def test_what_an_arrangement_cannot_give_is_never_counted() -> None:
    from dataclasses import replace

    for client in clients().values():
        blind = replace(met(client, "captured"), needs=frozenset())
        needless = {finding.id for finding in find_in_request(blind, book())}
        assert needless <= {
            "claim.no_such_browser",
            "claim.dead_browser",
            "claim.headless",
            "claim.no_language",
        }


def test_a_finding_says_what_was_seen_and_what_a_browser_sends() -> None:
    (finding,) = first(clients()["chromium-cli-dumpdom-spoof"], "captured")
    assert (finding.id, finding.weight, finding.family) == ("claim.hints_contradict", 40, "claims")
    assert finding.observed == "claims chrome 120.0; sec-ch-ua says Chromium 156"
    assert finding.expected == (
        "hints of the same version and platform as the User-Agent; none from Firefox and Safari"
    )
