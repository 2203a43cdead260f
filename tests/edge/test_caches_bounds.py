"""What is remembered for speed is bounded, and the oldest makes room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PageApp, call, config, protect, scope
from caches_support import SETTINGS
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import known_refusals, live
from vorbehalt.evidence.receipt import Draft, Receipt


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
