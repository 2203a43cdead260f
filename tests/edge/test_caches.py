"""What is remembered for speed never changes what anybody gets, what is recorded or what is counted."""

from __future__ import annotations

import asyncio
import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, Got, PageApp, call, config, protect, scope
from caches_support import GOOGLE, SETTINGS
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import recording, refusals, visits

CLAUDE = b"Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
TIMED = ("vorbehalt_decision", "vorbehalt_refused_bytes", "vorbehalt_evidence_records")
"""What depends on the clock or on a sample, and may differ."""
AGENTS = (GPTBOT, CLAUDE, PERPLEXITY, GOOGLE, CHROME, FIREFOX, b"curl/8.5.0", b"", None)
PATHS = (
    "/page",
    "//page",
    "/a/../page",
    "/lyrics/1",
    "//lyrics/1",
    "/lyrics/../page",
    "/LYRICS/1",
    "http://label.example/lyrics/1",
    "http://label.example/page",
    "http://label.example/robots.txt",
    "http://label.example/.well-known/x",
    "/.well-known/x",
    "/.well-known/../page",
    "/robots.txt",
    "/robots.txt/",
    "/hooks/pay",
    "/hooks/../lyrics/1",
    "/ai-policy",
    "/.vorbehalt/health/x",
    "*",
    "",
    "/" + "x" * 600,
)
HOSTS = (b"label.example", b"LABEL.example:443", b"open.example", b"open.example:8080", b"who.example", b"")
CLIENTS = (
    ("203.0.113.9", 1),
    ("8.8.8.8", 1),
    ("8.8.4.4", 1),
    ("127.0.0.1", 1),
    ("192.0.2.1", 1),
    ["8.8.8.8", 1],
    ("testclient", 50000),
    None,
)
EXTRAS: tuple[tuple[tuple[bytes, bytes], ...], ...] = (
    (),
    (),
    ((b"x-forwarded-for", b"8.8.8.8"),),
    ((b"x-forwarded-for", b"8.8.4.4, 192.0.2.1"),),
    ((b"x-forwarded-for", b"8.8.8.8"), (b"x-forwarded-for", b"9.9.9.9")),
    ((b"forwarded", b"for=8.8.8.8"),),
    ((b"x-real-ip", b"9.9.9.9"),),
    ((b"accept", b"text/html"), (b"accept-language", b"de")),
    ((b"accept", b"application/json"),),
    ((b"user-agent", GPTBOT),),
    ((b"cookie", b"a=1"), (b"cookie", b"b=2")),
    ((b"if-none-match", b"*"),),
    ((b"signature-agent", b'"https://chatgpt.com"'),),
    ((b"referer", b"https://chatgpt.com/"),),
)


class Recorded:
    """A site, what it was asked, and what it would have put on record."""

    def __init__(self, *, forgets: bool) -> None:
        self.app = PageApp()
        self.site = VorbehaltMiddleware(self.app, config=config(**SETTINGS))
        self.forgets = forgets

    async def ask(self, request: dict[str, Any]) -> tuple[Any, ...]:
        runtime = self.site.runtime
        assert runtime is not None
        if self.forgets:
            runtime.live.forget_readers()
            runtime.live.engine.claims.known.clear()
            runtime.live.engine._identities.clear()
        asked = len(self.app.scopes)
        got = await call(self.site, request)
        return _shown(got), [_verdict(scope) for scope in self.app.scopes[asked:]]

    def records(self) -> list[Any]:
        assert self.site.runtime is not None
        return [
            _without_luck({key: value for key, value in leaf.items() if key in ("type", "seen", "private")})
            for leaf in self.site.runtime.evidence.leaves()  # type: ignore[attr-defined]
            if leaf["type"] in ("request", "completion", "signal-served", "rollup")
        ]

    def counted(self) -> dict[Any, int]:
        assert self.site.runtime is not None
        return {
            key: value
            for key, value in self.site.runtime.counters.snapshot().items()
            if value and not key[0].startswith(TIMED)
        }


def _shown(got: Got) -> Any:
    return [
        {
            key: sorted(value) if key == "headers" else re.sub(rb"VB-[0-9A-Z-]+", b"VB", value)
            for key, value in message.items()
            if key in ("type", "status", "headers", "body") and not isinstance(value, int | str)
        }
        | {"type": message["type"], "status": message.get("status")}
        for message in got.messages
    ]


def _verdict(scope: Any) -> Any:
    verdict = scope.get("vorbehalt")
    return (scope["path"], None if verdict is None else verdict.as_json())


def _without_luck(leaf: Any) -> Any:
    """Without references, salts and times."""
    text = json.dumps(leaf)
    text = re.sub(r"VB-[0-9A-Z-]+", "VB", text)
    text = re.sub(r'"(c|pseudonym|p)": "[^"]*"', '"c": ""', text)
    text = re.sub(r'"(since|at)": "[0-9]+"', '"at": ""', text)
    return re.sub(r'"(first_at|last_at|minute|start)": "[^"]*"', '"at": ""', text)


def random_requests(number: int, seed: int) -> list[dict[str, Any]]:
    luck = random.Random(seed)
    requests = []
    for _ in range(number):
        path = luck.choice(PATHS)
        root = luck.choice(("", "", "", "/lyrics", "/shop"))
        request = scope(
            path,
            agent=luck.choice(AGENTS),
            headers=luck.choice(EXTRAS),
            method=luck.choice(("GET", "GET", "GET", "HEAD", "POST")),
            client=luck.choice(CLIENTS),
            root_path=root,
            query_string=luck.choice((b"", b"", b"q=1")),
        )
        request["headers"][0] = (b"host", luck.choice(HOSTS))
        if luck.random() < 0.1:
            request |= {"type": "websocket", "scheme": "wss"}
            del request["method"]
            request["extensions"] = luck.choice(({}, {"websocket.http.response": {}}))
        requests.append(request)
    return requests


@pytest.mark.parametrize("seed", range(4))
def test_a_warm_site_answers_records_and_counts_like_one_that_remembers_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Budgets are by the minute: both must see the same one.
    for module in (visits, refusals, recording):
        monkeypatch.setattr(module, "time_ns", lambda: 1_790_000_000_000_000_000)
    warm, cold = Recorded(forgets=False), Recorded(forgets=True)

    async def both() -> None:
        for request in random_requests(600, seed):
            again = {**request, "headers": list(request["headers"])}
            assert await warm.ask(request) == await cold.ask(again), request

    asyncio.run(both())

    assert warm.records() == cold.records()
    assert warm.counted() == cold.counted()
    kept = warm.site.runtime
    assert kept is not None
    assert sum(len(cache.refusals) for cache in kept.live.caches.values()) > 5
    assert sum(len(cache.paths) for cache in kept.live.caches.values()) > 10


def test_refusals_for_two_hosts_of_one_plan_are_told_apart_in_the_record() -> None:
    recorded = Recorded(forgets=False)

    async def ask(host: bytes) -> None:
        request = scope(agent=GPTBOT)
        request["headers"][0] = (b"host", host)
        await recorded.ask(request)

    for host in (b"label.example", b"other.example") * 2:
        asyncio.run(ask(host))

    assert recorded.site.runtime is not None
    kept = recorded.site.runtime.live.default.refusals.values()
    assert sorted(known.rollup[0] for known in kept) == ["label.example", "other.example"]


def test_a_real_ip_header_makes_the_address_untrusted_for_a_remembered_refusal_too() -> None:
    recorded = Recorded(forgets=False)
    client = ("8.8.8.8", 1)

    asyncio.run(recorded.ask(scope(agent=GPTBOT, client=client)))
    asyncio.run(recorded.ask(scope(agent=GPTBOT, client=client, headers=[(b"x-real-ip", b"9.9.9.9")])))

    assert recorded.site.runtime is not None
    sources = [
        leaf["seen"]["source"]
        for leaf in recorded.site.runtime.evidence.leaves()  # type: ignore[attr-defined]
        if leaf["type"] == "request"
    ]
    standings = [
        leaf["seen"]["claim"]["standing"]
        for leaf in recorded.site.runtime.evidence.leaves()  # type: ignore[attr-defined]
        if leaf["type"] == "request"
    ]
    assert sources == ["direct", "untrusted"]
    assert standings[1] == "claimed"


def test_an_absolute_target_is_remembered_by_its_path() -> None:
    section = {"name": "lyrics", "paths": ["/lyrics/"]}
    section |= dict.fromkeys(("training", "ai_input", "tdm"), "allow")
    site = protect(PageApp(), reservation={"section": [section]})

    got = [
        asyncio.run(call(site, scope("http://label.example/lyrics/1"))).header(b"tdm-reservation")
        for _ in range(3)
    ]

    assert got == [b"0", b"0", b"0"]


def test_a_crawler_is_not_refused_on_an_open_path_that_a_reader_asked_for_in_absolute_form() -> None:
    site = protect(PageApp())
    target = "http://label.example/.well-known/security.txt"

    assert asyncio.run(call(site, scope("/page", agent=GPTBOT))).status == 403
    assert asyncio.run(call(site, scope(target))).status == 200
    assert asyncio.run(call(site, scope(target, agent=GPTBOT))).status == 200


def test_a_rule_that_ends_is_asked_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    until = datetime(2035, 1, 1, tzinfo=UTC)
    rule = {"name": "for-now", "match": {"token": ["Googlebot"]}, "action": "block", "until": until}
    everybody = {"name": "closed-for-now", "match": {}, "action": "block", "until": until}
    before, after = (int((until.timestamp() + offset) * 1e9) for offset in (-60, 60))
    for rules, agent in (([rule], GOOGLE), ([everybody], CHROME)):
        site = protect(PageApp(), policy={"rule": rules, "may_refuse_search_engines": True})
        statuses = []
        for moment in (before, before, after, after):
            for module in (visits, refusals):
                monkeypatch.setattr(module, "time_ns", lambda moment=moment: moment)
            statuses.append(asyncio.run(call(site, scope(agent=agent))).status)
        assert statuses == [403, 403, 200, 200]


def test_the_minute_is_part_of_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    minute = 60_000_000_000
    for number in range(3):
        monkeypatch.setattr(refusals, "time_ns", lambda number=number: (29_000_000 + number) * minute)
        assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403
    assert site.runtime is not None
    assert len(site.runtime.live.default.refusals) == 3
