"""Whatever of ours fails, the visitor gets the app's answer, once, and nothing of ours is seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, config, protect, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import answers, asgi, carrying, deciding, recording, refusals, respond, signal_answers
from vorbehalt.edge.forward_auth import AUTH_PATH
from vorbehalt.edge.reverse_proxy.plain import plain_app

ERRORS = ("vorbehalt_internal_errors_total", ())


def broken(*_: Any, **__: Any) -> Any:
    raise ValueError("a fault of ours")


Fault = Callable[[VorbehaltMiddleware, pytest.MonkeyPatch], None]


def _of_engine(name: str) -> Fault:
    return lambda site, patch: patch.setattr(site.runtime.live.engine, name, broken)  # type: ignore[union-attr]


def _of_module(module: Any, name: str) -> Fault:
    return lambda site, patch: patch.setattr(module, name, broken)


def _of_live(name: str) -> Fault:
    return lambda site, patch: patch.setattr(site.runtime.live, name, broken)  # type: ignore[union-attr]


def _of_evidence(name: str) -> Fault:
    return lambda site, patch: patch.setattr(site.runtime.evidence, name, broken)  # type: ignore[union-attr]


def _in_both(name: str) -> Fault:
    def inject(site: VorbehaltMiddleware, patch: pytest.MonkeyPatch) -> None:
        for module in (deciding, answers):
            patch.setattr(module, name, broken)

    return inject


FAULTS: dict[str, Fault] = {
    "judge": _of_engine("judge"),
    "plan": _of_engine("plan"),
    "visit": _of_module(asgi, "visit_of"),
    "decide": _of_module(asgi, "decide"),
    "resolve": lambda site, patch: patch.setattr(
        site.runtime.live.addresses.__class__,  # type: ignore[union-attr]
        "resolve",
        broken,
    ),
    "render a refusal": _of_module(respond, "refusal_messages"),
    "open a record": _in_both("open_record"),
    "draft": _of_module(recording, "request_draft"),
    "append": _of_evidence("append"),
    "count of the evidence": _of_evidence("count"),
    "counters": _of_live("count"),
    "seconds": _of_live("count_duration"),
    "cells": _of_live("request_cells"),
    "learning": _of_live("learn_reader"),
    "referrals": _of_live("count_referral"),
    "refused bytes": _of_live("count_refused"),
    "sources": _of_live("note_source"),
    "robots": _of_module(deciding, "violates_robots"),
    "apply on the short way": _of_module(carrying, "apply"),
    "apply": _of_module(answers, "apply"),
    "key of a refusal": _of_module(refusals, "key_of"),
    "prepared refusal": _of_module(refusals, "again"),
}
MAY_STILL_BE_REFUSED = {
    "seconds", "learning", "referrals", "apply", "apply on the short way", "key of a refusal",
    "prepared refusal", "count of the evidence", "cells",
}  # fmt: skip


@pytest.mark.parametrize("is_warm", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_ours_lets_the_request_pass_once(
    fault: str, is_warm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its Content-Signal is one of the headers that have to be looked at.
    app = PageApp(headers=((b"content-type", b"text/html"), (b"content-signal", b"ai-train=yes")))
    site = protect(app)
    assert site.runtime is not None
    referer = [(b"referer", b"https://chatgpt.com/")]
    agents = (CHROME, GPTBOT, PERPLEXITY)
    for agent in agents * (2 if is_warm else 0):
        ask(site, agent=agent, headers=referer)
    FAULTS[fault](site, monkeypatch)

    for agent in agents:
        app.scopes.clear()
        before = site.runtime.counters.snapshot().get(ERRORS, 0)
        got = [ask(site, agent=agent, headers=referer) for _ in range(2)]

        for one in got:
            assert one.status == 200 or (agent == GPTBOT and one.status == 403)
            assert [m["type"] for m in one.messages] == ["http.response.start", "http.response.body"]
        passed = [one for one in got if one.status == 200]
        assert len(app.pages) == len(passed)
        assert all(one.body == b"a page" for one in passed)
        if agent != GPTBOT or is_warm:
            continue
        assert len(passed) == 2 or fault in MAY_STILL_BE_REFUSED
        assert passed == [] or site.runtime.counters.snapshot().get(ERRORS, 0) > before


def test_counters_that_fail_altogether_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead:
        @property
        def cells(self) -> Any:
            raise ValueError("a fault of ours")

        inc = slot = snapshot = open = close = broken
        directory = None
        is_shared = False

    for agent in (CHROME, GPTBOT, PERPLEXITY):
        app = PageApp()
        site = protect(app)
        for _ in range(2):
            ask(site, agent=CHROME)
            ask(site, agent=agent)
        app.scopes.clear()
        assert site.runtime is not None
        monkeypatch.setattr(site.runtime.live, "counters", Dead())

        got = [ask(site, agent=agent) for _ in range(3)]

        assert all(one.status in ((200,) if agent != GPTBOT else (200, 403)) for one in got)
        assert len(app.pages) == sum(one.status == 200 for one in got)
        assert site.runtime.live.uncounted_errors > 0


@pytest.mark.parametrize("path", ["/robots.txt", "/.well-known/tdmrep.json", "/ai-policy"])
@pytest.mark.parametrize("agent", [CHROME, GPTBOT])
@pytest.mark.parametrize(
    "fault", ["judge", "document", "open a record", "counters", "plan", "documents", "app robots"]
)
def test_a_fault_of_ours_never_hides_a_signal_path(
    path: str, agent: bytes, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PageApp()
    site = protect(app)
    assert site.runtime is not None
    ask(site)
    if fault == "document":
        monkeypatch.setattr(respond, "document_messages", broken)
    elif fault == "documents":
        monkeypatch.setattr(site.runtime.live.engine.default, "sections", None)
    elif fault == "app robots":
        monkeypatch.setattr(site.runtime, "set_site_robots", broken)
    elif fault == "open a record":
        monkeypatch.setattr(signal_answers, "open_record", broken)
    else:
        FAULTS[fault](site, monkeypatch)
    app.scopes.clear()

    got = ask(site, path, agent=agent)

    assert got.status in (200, 404)
    if fault in ("open a record", "counters"):
        assert got.status == 200
    starts = [m for m in got.messages if m["type"] == "http.response.start"]
    assert len(starts) == 1
    assert len([s for s in app.scopes if s.get("vorbehalt", 0) is not None]) <= 1
    assert site.runtime.counters.snapshot().get(ERRORS, 0) or fault == "app robots"


@pytest.mark.parametrize(
    "fault", ["visit", "resolve", "judge", "plan", "append", "counters", "open a record"]
)
def test_a_proxys_question_is_answered_yes_when_in_doubt(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = VorbehaltMiddleware(
        plain_app, config=config(network={"trusted_proxies": ["192.0.2.1"]}), forward_auth=True
    )
    headers = [
        (b"x-forwarded-for", b"8.8.8.8"),
        (b"x-forwarded-uri", b"/page"),
        (b"x-forwarded-method", b"GET"),
    ]
    client = ("192.0.2.1", 1)
    path = AUTH_PATH
    assert ask(site, path, agent=GPTBOT, headers=headers, client=client).status == 403
    FAULTS[fault](site, monkeypatch)

    assert ask(site, path, agent=GPTBOT, headers=headers, client=client).status == 204
    assert ask(site, path, agent=CHROME, headers=headers, client=client).status == 204
    assert ask(site, "/elsewhere", headers=headers, client=client).status == 404


def test_an_observer_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    app = PageApp()
    site = VorbehaltMiddleware(app, config=config(), observer=broken)

    with caplog.at_level(logging.ERROR, "vorbehalt"):
        assert ask(site, agent=GPTBOT).status == 403
        assert ask(site, agent=PERPLEXITY).status == 200
        assert ask(site, "/robots.txt", agent=GPTBOT).status == 200
    assert len(app.pages) == 1
    assert site.runtime is not None
    assert site.runtime.counters.snapshot()[ERRORS] == 3
    assert "observer" in caplog.text


class FaultyReceipt:
    is_durable = False

    async def durable(self, deadline_seconds: float) -> bool:
        raise ValueError("a fault of ours")


@pytest.mark.parametrize(("agent", "status"), [(GPTBOT, 403), (PERPLEXITY, 200)])
def test_a_promise_that_fails_changes_no_answer(
    agent: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PageApp()
    site = protect(app)
    ask(site)
    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.evidence, "append", lambda draft: FaultyReceipt())

    for _ in range(3):
        assert ask(site, agent=agent).status == status
        assert ask(site, "/robots.txt", agent=agent).status == 200
    assert site.runtime.counters.snapshot()[ERRORS] == 6


def test_a_completion_that_fails_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    monkeypatch.setattr(recording, "completion_draft", broken)

    got = ask(site, agent=PERPLEXITY)

    assert (got.status, got.body) == (200, b"a page")
    assert site.runtime is not None
    assert site.runtime.counters.snapshot()[ERRORS] == 1


def test_a_message_that_nobody_knows_is_passed_on() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.new", "what": 1})
        await send({"type": "http.response.zerocopysend", "file": object()})
        await send({"type": "http.response.body"})

    for agent in (CHROME, CHROME, PERPLEXITY):
        got = ask(protect(app), agent=agent)

        assert [m["type"][14:] for m in got.messages] == ["start", "new", "zerocopysend", "body"]
        assert got.header(b"tdm-reservation") == b"1"


@pytest.mark.parametrize("agent", [CHROME, PERPLEXITY])
def test_what_the_server_raises_in_send_reaches_the_app_and_the_server_unchanged(agent: bytes) -> None:
    seen: list[BaseException] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x"})
        except OSError as error:
            seen.append(error)
            raise

    gone = OSError("the client is gone")

    async def main(site: VorbehaltMiddleware) -> None:
        async def send(message: Any) -> None:
            raise gone

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        with pytest.raises(OSError, match="the client is gone") as caught:
            await site(scope(agent=agent), receive, send)
        assert caught.value is gone

    site = protect(app)
    for _ in range(3):
        asyncio.run(main(site))
    assert seen == [gone] * 3


def test_the_app_may_catch_what_send_raises_and_answer_nothing() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except OSError:
            return

    async def main() -> None:
        async def send(message: Any) -> None:
            raise OSError("gone")

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        for _ in range(2):
            for agent in (CHROME, PERPLEXITY):
                await protect(app)(scope(agent=agent), receive, send)

    asyncio.run(main())


@pytest.mark.parametrize("when", ["app", "record", "send"])
def test_cancellation_passes_wherever_it_comes(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait_forever(*_: Any) -> Any:
        await asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if when == "app":
            await wait_forever()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    class Never:
        is_durable = False
        durable = wait_forever

    async def main(agent: bytes, path: str) -> None:
        site = protect(app)
        assert site.runtime is not None
        if when == "record":
            monkeypatch.setattr(site.runtime.evidence, "append", lambda draft: Never())

        async def send(message: Any) -> None:
            if when == "send":
                await wait_forever()

        task = asyncio.ensure_future(site(scope(path, agent=agent), wait_forever, send))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for agent in (GPTBOT, PERPLEXITY) if when == "record" else (CHROME, PERPLEXITY):
        asyncio.run(main(agent, "/page"))
