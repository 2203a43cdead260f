"""What is remembered for speed never changes what anybody gets, what is recorded or what is counted."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, Got, PageApp, call, config, protect, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import known_refusals, live, recording, refusals, visits
from vorbehalt.evidence.receipt import Draft, Receipt
from vorbehalt.facts import Standing
from vorbehalt.identify.identity import Identity

CLAUDE = b"Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
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
SETTINGS: dict[str, Any] = {
    "reservation": {
        "capacity": "owner",
        "section": [{"name": "lyrics", "paths": ["/lyrics/"], "ai_input": "allow", "tdm": "allow"}],
    },
    "network": {"trusted_proxies": ["192.0.2.1"]},
    "policy": {
        "open_paths": ["/hooks/"],
        "rule": [
            {
                "name": "our-friends",
                "match": {"token": ["ClaudeBot"], "address": ["8.8.4.0/24"]},
                "action": "allow",
            },
            {
                "name": "no-perplexity",
                "match": {"token": ["PerplexityBot"], "section": ["lyrics"]},
                "action": "block",
            },
        ],
    },
    "host": [
        {
            "names": ["open.example"],
            "site": {"origin": "https://open.example"},
            "policy": {"mode": "observe"},
        }
    ],
    "evidence": {"directory": "memory:"},
}


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


async def flood(site: VorbehaltMiddleware, requests: Any) -> None:
    for request in requests:
        await call(site, request)


def test_memory_is_bounded_under_a_flood_of_paths_hosts_agents_and_forms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, name, value in (
        (live, "_PATHS", 64),
        (live, "_HOSTS", 64),
        (known_refusals, "_KEPT", 64),
        (known_refusals, "_FORMS", 8),
    ):
        monkeypatch.setattr(module, name, value)
    site = VorbehaltMiddleware(PageApp(), config=config(**SETTINGS))

    def requests() -> Any:
        for number in range(400):
            host = b"open%d.example:%d" % (number, number) if number % 2 else b"open.example:%d" % number
            for agent in (CHROME, GPTBOT, b"GPTBot/1.%d" % number):
                request = scope(
                    f"/page/{number}",
                    agent=agent,
                    client=(f"198.51.100.{number % 250}", 1),
                    headers=[(b"accept", b"text/html;v=%d" % number), (b"accept-language", b"de")],
                )
                request["headers"][0] = (b"host", host)
                yield request
            long = scope("/long", agent=GPTBOT + b"x" * 2000, headers=[(b"accept", b"a/b" * 1000)])
            yield long
        yield scope("/" + "x" * 5000)

    asyncio.run(flood(site, requests()))

    assert site.runtime is not None
    kept = site.runtime.live
    assert kept.by_host is not None
    assert len(kept.by_host) <= 64
    assert len(kept.caches) == 2
    for cache in kept.caches.values():
        assert len(cache.paths) <= 64
        assert len(cache.refusals) <= 64
        assert len(cache.ready) <= 4
        assert all(len(forms) <= 8 for forms in cache.ready.values())
        assert all(len(path) <= 512 for path in cache.paths)
        assert all(len(key[0]) <= 1024 for key in cache.refusals)


def test_the_oldest_make_room() -> None:
    kept: dict[int, int] = {}
    for number in range(100):
        live.make_room(kept, 16)
        kept[number] = number
        assert len(kept) <= 16
        assert list(kept) == list(range(number - len(kept) + 1, number + 1))
    assert len(kept) > 12


def test_a_flood_of_hosts_does_not_push_the_real_one_off_the_short_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_HOSTS", 16)
    site = VorbehaltMiddleware(PageApp(), config=config(**SETTINGS))
    junk = []
    for number in range(100):
        request = scope()
        request["headers"][0] = (b"host", b"open.example:%d" % number)
        junk.append(request)
    asyncio.run(flood(site, junk))
    real = scope("/other")
    real["headers"][0] = (b"host", b"open.example")

    asyncio.run(flood(site, [real]))

    assert site.runtime is not None
    assert site.runtime.live.by_host is not None
    assert b"open.example" in site.runtime.live.by_host
    assert "/other" in site.runtime.live.by_host[b"open.example"].paths


def test_a_remembered_refusal_holds_neither_headers_nor_target() -> None:
    site = protect(PageApp())

    asyncio.run(
        call(site, scope(agent=GPTBOT, headers=[(b"cookie", b"c" * 60_000)], query_string=b"q" * 60_000))
    )

    assert site.runtime is not None
    (known,) = site.runtime.live.default.refusals.values()
    assert known.visit.headers == ()
    assert known.visit.target == b""


def test_a_queued_refusal_weighs_what_it_keeps_alive() -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    weights = []
    append = site.runtime.evidence.append

    def weighed(draft: Draft) -> Receipt:
        if draft.type == "request":
            weights.append(draft.weight)
        return append(draft)

    site.runtime.evidence.append = weighed  # type: ignore[method-assign]
    big = [(b"cookie", b"c" * 50_000)]

    for _ in range(3):
        asyncio.run(call(site, scope(agent=GPTBOT, headers=big, query_string=b"q" * 40_000)))

    assert weights[0] == 0
    assert min(weights[1:]) > 90_000


def test_signals_that_change_are_named_in_the_next_refusal(tmp_path: Path) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    plan = site.runtime.live.engine.default

    for _ in range(2):
        asyncio.run(call(site, scope(agent=GPTBOT)))
        asyncio.run(call(site, scope(agent=CHROME)))
    before = plan.bundle.digest
    site.runtime.set_site_robots(plan, b"User-agent: *\nDisallow: /private/\n")
    got = asyncio.run(call(site, scope(agent=GPTBOT)))

    assert got.status == 403
    assert plan.bundle.digest != before
    records = [r for r in site.runtime.evidence.leaves() if r["type"] == "request"]  # type: ignore[attr-defined]
    signals = [record["seen"]["reservation"]["signals"] for record in records]
    assert signals == [before, before, plan.bundle.digest]
    app = site.app
    assert isinstance(app, PageApp)
    asyncio.run(call(site, scope(agent=CHROME)))
    assert app.scopes[-1]["vorbehalt"].reservation == plan.bundle.digest


def test_what_was_worked_out_from_old_signals_is_not_kept_after_they_changed() -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    kept = site.runtime.live
    cache, plan = kept.default, kept.engine.default

    class Slow:
        def reader_verdict(self, section: str, digest: str) -> Any:
            found = policy.reader_verdict(section, digest)
            site.runtime.set_site_robots(plan, b"User-agent: *\nDisallow: /private/\n")  # type: ignore[union-attr]
            return found

    policy, plan.policy = plan.policy, Slow()  # type: ignore[assignment]
    old = kept.learn_reader(cache, "/page", "/page")

    plan.policy = policy
    assert old is not None
    assert old.verdict.reservation != plan.bundle.digest
    assert cache.paths == {}
    assert cache.readers == {}


def test_requests_and_reloads_at_once_never_fail(tmp_path: Path) -> None:
    file = tmp_path / "vorbehalt.toml"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        '[evidence]\ndirectory = "memory:"\n'
    )
    file.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=file)
    assert asyncio.run(call(site, scope())).status == 200
    runtime = site.runtime
    assert runtime is not None
    stop = threading.Event()
    failures: list[BaseException] = []

    def reload() -> None:
        try:
            for number in itertools.count():
                if stop.is_set():
                    return
                runtime.reload(force=True)
                plan = runtime.live.engine.default
                runtime.set_site_robots(plan, b"User-agent: *\nDisallow: /p%d/\n" % number)
        except BaseException as error:
            failures.append(error)

    def ask() -> None:
        async def many() -> None:
            for number in range(300):
                for agent, status in ((CHROME, 200), (GPTBOT, 403), (PERPLEXITY, 200)):
                    got = await call(site, scope(f"/page/{number % 50}", agent=agent))
                    assert got.status == status
                    assert got.header(b"tdm-reservation") == b"1"

        try:
            asyncio.run(many())
        except BaseException as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=target) for target in (reload, ask, ask)]
        for thread in threads:
            thread.start()
        for thread in threads[1:]:
            thread.join(60)
        stop.set()
        threads[0].join(60)
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    assert runtime.counters.snapshot().get(("vorbehalt_internal_errors_total", ()), 0) == 0
    assert runtime.live.engine.default.bundle.digest
    for cache in runtime.live.caches.values():
        digest = cache.plan.bundle.digest
        assert {reader.verdict.reservation for reader in cache.paths.values()} <= {digest}
        assert {known.verdict.reservation for known in cache.refusals.values()} <= {digest}


def test_a_refusal_judged_before_more_was_known_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    kept = site.runtime.live
    judge = kept.engine.judge

    def and_then_an_answer_comes(visit: Any) -> Any:
        verdict = judge(visit)
        kept.forget_refusals()
        return verdict

    monkeypatch.setattr(kept.engine, "judge", and_then_an_answer_comes)
    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403
    assert kept.default.refusals == {}
    monkeypatch.setattr(kept.engine, "judge", judge)
    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403
    assert len(kept.default.refusals) == 1


def test_contradicted_search_engines_are_judged_one_by_one_so_that_the_rule_can_disarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    made = site.runtime.live.engine
    google = made.settings.registry.find("Googlebot")
    assert google is not None
    impostor = Identity(google, Standing.CONTRADICTED, "two fresh negatives")
    monkeypatch.setattr(made, "identify", lambda visit: impostor)
    request = scope(agent=GOOGLE, client=("8.8.8.8", 1))

    statuses = [asyncio.run(call(site, request)).status for _ in range(25)]

    assert statuses[0] == 403
    assert statuses[-1] == 200
    assert site.runtime.live.default.refusals == {}


def test_other_impostors_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    made = site.runtime.live.engine
    gptbot = made.settings.registry.find("GPTBot")
    assert gptbot is not None
    impostor = Identity(gptbot, Standing.CONTRADICTED, "a fresh negative")
    monkeypatch.setattr(made, "identify", lambda visit: impostor)

    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403

    (known,) = site.runtime.live.default.refusals.values()
    assert known.verdict.identity is impostor
