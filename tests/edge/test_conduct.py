"""Conduct at the edge: findings are observed, recorded and counted, and refuse nobody unless they shall."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from asgi_support import CHROME, NAVIGATION, Got, PageApp, call, config, protect, scope, watched
from vorbehalt import VorbehaltMiddleware
from vorbehalt.patterns.clients import client_key
from vorbehalt.patterns.fingerprint import fingerprint_of
from vorbehalt.settings import load

PERSON = ("203.0.114.9", 50123)
NOBODY = ("10.1.2.3", 50123)
LIBRARY = (
    (b"user-agent", CHROME),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept", b"*/*"),
    (b"connection", b"keep-alive"),
)


def asked(app: Any, path: str, headers: Sequence[tuple[bytes, bytes]], client: Any = PERSON) -> Got:
    return asyncio.run(call(app, scope(path, agent=None, headers=headers, client=client)))


def count(site: VorbehaltMiddleware, name: str, *labels: str) -> int:
    assert site.runtime is not None
    return site.runtime.counters.snapshot().get((name, labels), 0)


def test_a_disguised_library_is_answered_recorded_and_counted_while_findings_are_observed() -> None:
    app = PageApp()
    site, evidence = watched(app, None)
    assert asked(site, "/lyrics/1", LIBRARY).status == 200
    (record,) = [draft for draft in evidence.drafts if draft.type == "request"]
    assert record.seen["level"] == "limit"
    findings = record.seen["findings"]
    assert isinstance(findings, list)
    assert "claim.no_fetch_metadata" in [finding["id"] for finding in findings]
    assert all(finding["observed"] and finding["expected"] for finding in findings)
    assert record.seen["decision"]["action"] == "allow"  # type: ignore[index]
    assert record.retention == "person"
    verdict = app.pages[-1]["vorbehalt"]
    assert (verdict.level, verdict.rule, verdict.reasons[0]) == ("limit", "findings-limit", "findings-limit")
    assert count(site, "vorbehalt_findings_total", "claim.no_fetch_metadata") == 1


def test_a_person_leaves_no_record_on_the_long_way_and_on_the_short_one() -> None:
    app = PageApp()
    site, evidence = watched(app, None)
    for number in range(30):
        assert asked(site, f"/lyrics/{number % 5}", NAVIGATION).status == 200
    assert [draft for draft in evidence.drafts if draft.type == "request"] == []
    assert {page["vorbehalt"].level for page in app.pages} == {"observe"}
    assert site.runtime is not None
    assert site.runtime.live.engine.conduct is not None
    assert site.runtime.live.engine.conduct.watch.failures == 0


def test_a_known_path_does_not_hide_a_disguised_client() -> None:
    """The short way is for clients that were looked at, not for paths alone."""
    app = PageApp()
    site, evidence = watched(app, None)
    for _ in range(3):
        asked(site, "/lyrics/1", NAVIGATION)
    asked(site, "/lyrics/1", LIBRARY, ("203.0.115.7", 1))
    assert len([draft for draft in evidence.drafts if draft.type == "request"]) == 1


def cells_of(site: VorbehaltMiddleware, headers: Sequence[tuple[bytes, bytes]]) -> Any:
    assert site.runtime is not None
    conduct = site.runtime.live.engine.conduct
    assert conduct is not None
    values = dict(headers)
    agent, language = values[b"user-agent"], values.get(b"accept-language", b"")
    record = conduct.watch.clients.find(client_key(PERSON[0], fingerprint_of(agent, language)))
    assert record is not None
    return record


@pytest.mark.parametrize("headers", [NAVIGATION, LIBRARY], ids=["calm", "found"])
def test_each_request_counts_once_whichever_way_it_takes(headers: Sequence[tuple[bytes, bytes]]) -> None:
    app = PageApp()
    site, evidence = watched(app, None)
    asked(site, "/lyrics/1", NAVIGATION, ("203.0.115.7", 1))
    for number in range(1, 31):
        assert asked(site, "/lyrics/1", headers).status == 200
        assert cells_of(site, headers).requests == number
        assert len(app.pages) == number + 1
    assert count(site, "vorbehalt_requests_total", "allow", "none") == 31
    records = [draft for draft in evidence.drafts if draft.type == "request"]
    assert len(records) == (0 if headers == NAVIGATION else 30)


def test_a_newcomer_on_a_known_path_has_its_failures_and_cookies_noted() -> None:
    class Failing(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"set-cookie", b"a=b")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    site, _ = watched(Failing(), None)
    asked(site, "/lyrics/1", NAVIGATION, ("203.0.115.7", 1))
    without = tuple(pair for pair in NAVIGATION if pair[0] != b"cookie")
    asked(site, "/lyrics/1", without)
    assert cells_of(site, without).errors == 1
    asked(site, "/lyrics/1", without)
    assert cells_of(site, without).unreturned == 1


def test_who_reads_on_has_the_terms_and_is_counted_when_it_is_looked_at_again() -> None:
    app = PageApp()
    site, _ = watched(app, None)
    asset = tuple(
        (name, {b"sec-fetch-mode": b"no-cors", b"sec-fetch-dest": b"style"}.get(name, value))
        for name, value in NAVIGATION
        if name not in (b"sec-fetch-user", b"upgrade-insecure-requests")
    )
    asked(site, "/style.css", asset)
    for _ in range(40):
        got = asked(site, "/lyrics/1", NAVIGATION)
        assert got.header(b"tdm-reservation") == b"1"
    assert cells_of(site, NAVIGATION).requests == 41
    assert count(site, "vorbehalt_requests_total", "allow", "none") == 41
    assert {page["vorbehalt"].level for page in app.pages} == {"observe"}


def test_without_a_usable_address_nobody_is_found_anything() -> None:
    app = PageApp()
    site, evidence = watched(app, None)
    for client in (NOBODY, ("203.0.113.9", 1), None):
        for _ in range(3):
            asked(site, "/lyrics/1", LIBRARY, client)
    assert [draft for draft in evidence.drafts if draft.type == "request"] == []
    assert {page["vorbehalt"].score for page in app.pages} == {0}


def enforcing(app: Any) -> VorbehaltMiddleware:
    return protect(app, patterns={"mode": "enforce"})


def test_enforced_a_client_at_limit_gets_thirty_pages_a_minute_and_all_that_belongs_to_them() -> None:
    site = enforcing(PageApp())
    headers = (*LIBRARY, (b"cookie", b"session=1"))  # so that it is not one more finding to have none
    answers = [asked(site, "/page-1", headers) for _ in range(31)]
    assert [answer.status for answer in answers[:30]] == [200] * 30
    assert answers[30].status == 429
    assert answers[30].header(b"retry-after") is not None
    assert answers[30].header(b"tdm-reservation") == b"1"
    assert asked(site, "/style.css", headers).status == 200
    assert asked(site, "/page-1", headers, ("203.0.115.7", 1)).status == 200, "another address"
    assert asked(site, "/page-1", NAVIGATION).status == 200, "a browser at the same address"


def test_enforced_a_program_that_reads_page_after_page_is_refused_with_its_reasons() -> None:
    app = PageApp()
    site, evidence = watched(app, None, patterns={"mode": "enforce"})
    answers = [asked(site, f"/lyrics/{number}", LIBRARY) for number in range(8)]
    assert (answers[0].status, answers[-1].status) == (200, 403)
    assert answers[-1].header(b"cache-control") == b"no-store"
    (last,) = [draft for draft in evidence.drafts if draft.type == "request"][-1:]
    assert last.seen["level"] == "block"
    families = {finding.id.partition(".")[0] for finding in app.pages[-1]["vorbehalt"].findings}
    assert {"claim", "chain"} <= families


def test_enforced_a_site_rule_goes_before_the_findings() -> None:
    rule = {"name": "partner", "match": {"address": ["203.0.114.0/24"]}, "action": "allow"}
    site = protect(PageApp(), patterns={"mode": "enforce"}, policy={"rule": [rule]})
    assert {asked(site, f"/page-{number}", LIBRARY).status for number in range(40)} == {200}


def test_a_site_that_observes_refuses_nobody_for_findings() -> None:
    for policy in ({"mode": "observe"}, {"preset": "observe-only"}):
        site = protect(PageApp(), patterns={"mode": "enforce"}, policy=policy)
        assert {asked(site, f"/page-{number}", LIBRARY).status for number in range(40)} == {200}


def test_a_tool_that_says_what_it_is_is_not_taken_for_a_disguise() -> None:
    site, evidence = watched(PageApp(), None)
    asked(site, "/lyrics/1", ((b"user-agent", b"python-requests/2.32.3"), (b"accept", b"*/*")))
    assert [draft for draft in evidence.drafts if draft.type == "request"] == []


def test_a_crawlers_own_answer_is_not_changed_by_findings() -> None:
    site = enforcing(PageApp())
    bot = ((b"user-agent", b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),)
    assert {asked(site, f"/page-{number}", bot).status for number in range(60)} == {200}


def test_thresholds_are_the_sites_own_and_must_rise() -> None:
    site, evidence = watched(
        PageApp(), None, patterns={"thresholds": {"limit": 90, "challenge": 95, "block": 99}}
    )
    asked(site, "/lyrics/1", LIBRARY)
    assert [draft for draft in evidence.drafts if draft.type == "request"] == []
    with pytest.raises(Exception, match="must rise"):
        load(config(patterns={"thresholds": {"limit": 60, "challenge": 50}}))


def test_what_fetched_robots_txt_and_goes_where_it_must_not_is_found() -> None:
    """The version that this very client fetched counts, also after it was replaced."""
    rules = b"User-agent: *\nDisallow: /private/\n"

    class Robots(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/robots.txt":
                await super().__call__(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": rules})

    app = Robots()
    site, _ = watched(app, None)
    asked(site, "/robots.txt", NAVIGATION)
    asked(site, "/private/1", NAVIGATION)
    found = app.pages[-1]["vorbehalt"].findings
    assert [finding.id for finding in found] == ["robots.violation"]
    asked(site, "/private/1", NAVIGATION, ("203.0.115.7", 1))
    assert app.pages[-1]["vorbehalt"].findings == (), "never fetched robots.txt: nothing is known"


def test_a_fault_in_the_findings_changes_no_answer_and_is_counted_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site, evidence = watched(PageApp(), None, patterns={"mode": "enforce"})

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("vorbehalt.patterns.watch.note", broken)
    assert [asked(site, f"/lyrics/{number}", LIBRARY).status for number in range(3)] == [200] * 3
    assert [draft for draft in evidence.drafts if draft.type == "request"] == []
    assert count(site, "vorbehalt_internal_errors_total") == 3
    assert caplog.text.count("a visit passes without a look at its conduct") == 1
    assert "a fault of ours" in caplog.text


def test_health_and_metrics_count_the_campaigns_that_run_and_name_none() -> None:
    site, _ = watched(PageApp(), None)
    asked(site, "/", NAVIGATION)
    assert site.runtime is not None
    assert (site.runtime.health()["campaigns"], site.runtime.gauges().campaigns) == (0, 0)
    assert site.runtime.live.engine.conduct is not None
    cohorts = site.runtime.live.engine.conduct.watch.cohorts
    assert cohorts is not None
    cohorts.running["network 203.0.114.0/24"] = object()  # type: ignore[assignment]
    assert (site.runtime.health()["campaigns"], site.runtime.gauges().campaigns) == (1, 1)
    assert "203.0.114" not in str(site.runtime.health())
