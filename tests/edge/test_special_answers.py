"""Answers that are neither a page nor a refusal: the policy page for people, websockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from asgi_support import (
    CHROME,
    GPTBOT,
    PERPLEXITY,
    Got,
    PageApp,
    WatchedEvidence,
    call,
    config,
    scope,
    watched,
)
from vorbehalt import VorbehaltMiddleware


class OwnPolicyPage(PageApp):
    """A site with a policy page of its own."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.early_hint", "links": []})
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"our own words"})


def test_the_sites_own_policy_page_waits_for_the_crawlers_record_and_is_completed() -> None:
    async def main() -> None:
        durable = asyncio.Event()
        site, evidence = watched(OwnPolicyPage(), durable)
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        async def receive() -> Any:
            return {"type": "http.request"}

        task = asyncio.ensure_future(site(scope("/ai-policy", agent=PERPLEXITY), receive, send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert sent == []
        assert [draft.type for draft in evidence.drafts if draft.type != "policy-active"] == ["request"]
        durable.set()
        await task
        assert sent == ["http.response.early_hint", "http.response.start", "http.response.body"]
        (done,) = evidence.of("completion")
        assert (done.seen["bytes"], done.seen["delivered"]) == (13, True)

    asyncio.run(main())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 499])
def test_our_policy_page_stands_in_for_any_refusal_of_the_site(status: int) -> None:
    async def main() -> None:
        durable = asyncio.Event()
        durable.set()
        app = OwnPolicyPage(status)
        site, evidence = watched(app, durable)
        got = await call(site, scope("/ai-policy", agent=PERPLEXITY))
        assert got.status == 200
        assert b"our own words" not in got.body
        assert [m["type"] for m in got.messages] == ["http.response.start", "http.response.body"]
        assert len(app.scopes) == 1
        assert evidence.of("request") == evidence.of("completion") == []
        (record,) = evidence.of("signal-served")
        assert record.seen["document"] == "/ai-policy"

    asyncio.run(main())


@pytest.mark.parametrize("status", [200, 204, 301, 302, 304, 399, 500])
def test_any_other_answer_of_the_site_to_its_policy_page_is_left_to_it(status: int) -> None:
    site, _ = watched(OwnPolicyPage(status), None)

    got = asyncio.run(call(site, scope("/ai-policy", agent=CHROME)))

    assert got.status == status
    assert got.body == b"our own words"
    assert got.header(b"tdm-reservation") == b"1"


WEBSOCKET = {"type": "websocket", "scheme": "wss", "subprotocols": []}


@pytest.mark.parametrize("denies", [True, False])
def test_a_websocket_waits_for_its_record_and_is_completed(denies: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if denies:
            await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})
            return
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "ü"})
        await send({"type": "websocket.send", "bytes": b"abc"})
        await send({"type": "websocket.close"})

    async def main() -> None:
        durable = asyncio.Event()
        site, evidence = watched(app, durable)
        request = {**scope("/socket", agent=PERPLEXITY), **WEBSOCKET}
        del request["method"]
        task = asyncio.ensure_future(call(site, request, [{"type": "websocket.connect"}]))
        for _ in range(20):
            await asyncio.sleep(0)
        assert evidence.of("request")
        assert not task.done()
        durable.set()
        got = await task
        assert (b"tdm-reservation", b"1") in got.messages[0]["headers"]
        (done,) = evidence.of("completion")
        expected = (403, 2, True, False) if denies else (101, 5, True, False)
        assert tuple(done.seen[key] for key in ("status", "bytes", "whole", "delivered")) == expected

    asyncio.run(main())


def test_a_websocket_that_nobody_closed_is_not_whole() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "a"})

    site, evidence = watched(app, None)
    request = {**scope("/socket", agent=PERPLEXITY), **WEBSOCKET}

    asyncio.run(call(site, request))

    (done,) = evidence.of("completion")
    assert (done.seen["bytes"], done.seen["whole"]) == (1, False)


@pytest.mark.parametrize("agent", [CHROME, b"curl/8.5.0", None])
def test_people_and_tools_leave_no_record_of_the_signals_they_read(agent: bytes | None) -> None:
    site, evidence = watched(PageApp(), None)

    for path in ("/robots.txt", "/ai-policy", "/license.xml"):
        assert asyncio.run(call(site, scope(path, agent=agent))).status == 200

    assert evidence.of("signal-served") == evidence.of("request") == []
    assert site.runtime is not None
    counted = site.runtime.counters.snapshot()
    assert ("vorbehalt_internal_errors_total", ()) not in counted
    assert not [key for key in counted if key[0] == "vorbehalt_crawler_signals_total"]


def test_the_reference_that_is_shown_is_that_of_the_record() -> None:
    site, evidence = watched(PageApp(), None)

    for _ in range(3):
        got = asyncio.run(call(site, scope(agent=GPTBOT)))
        assert json.loads(got.body)["reference"] == evidence.of("request")[-1].ref


def test_a_proxys_question_is_judged_recorded_counted_and_told() -> None:
    told: list[tuple[str, str]] = []
    site = VorbehaltMiddleware(
        PageApp(),
        config=config(network={"trusted_proxies": ["192.0.2.1"]}),
        forward_auth=True,
        observer=lambda visit, verdict, reference: told.append((visit.path, verdict.action.value)),
    )
    evidence = WatchedEvidence(None)
    assert site.runtime is not None
    site.runtime.evidence = evidence

    def question(agent: bytes, path: bytes) -> Got:
        headers = [(b"x-forwarded-for", b"203.0.113.5"), (b"x-forwarded-uri", path)]
        request = scope("/.vorbehalt/auth", agent=agent, headers=headers, client=("192.0.2.1", 1))
        return asyncio.run(call(site, request))

    reader = question(CHROME, b"/a")
    assert (reader.status, reader.body, reader.header(b"tdm-reservation")) == (204, b"", b"1")
    assert told == []
    assert evidence.of("request") == []
    assert question(PERPLEXITY, b"/b").status == 204
    assert question(GPTBOT, b"/c").status == 403
    assert told == [("/b", "allow"), ("/c", "block")]
    assert [draft.seen["vantage"] for draft in evidence.of("request")] == ["forward-auth"] * 2
    assert evidence.of("completion") == []
    counted = site.runtime.counters.snapshot()
    assert counted["vorbehalt_robots_violations_total", ("GPTBot",)] == 1
    assert isinstance(site.app, PageApp)
    assert site.app.scopes == []
