"""Limits shared by workers, seen from the request: who waits for Redis, who never does, and what is told."""

from __future__ import annotations

import asyncio
import json
import select
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from asgi_support import CHROME, PERPLEXITY, PageApp, call, config, protect, scope
from process_support import free_port, wait_for
from redis_support import Server, server
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.runtime import Runtime
from vorbehalt.stores.redis.strict import StrictLimits

pytestmark = pytest.mark.real("redis-server")

VISITOR = ("8.8.8.8", 50123)
RULES = [
    {"name": "crawlers", "match": {"purpose": ["search"]}, "action": "limit", "limit": "5/hour per prefix"},
    {"name": "people", "match": {"path": ["/shop/"]}, "action": "limit", "limit": "3/hour per prefix"},
]


@pytest.fixture
def redis() -> Iterator[Server]:
    with server() as one:
        yield one


def worker(url: str, *, strict: bool = False, **sections: Any) -> VorbehaltMiddleware:
    state = {"redis": url, "strict": strict}
    return protect(PageApp(), state=state, policy={"rule": RULES}, **sections)


def runtime_of(site: VorbehaltMiddleware) -> Runtime:
    assert site.runtime is not None
    return site.runtime


async def statuses(site: VorbehaltMiddleware, number: int, agent: bytes, path: str = "/page") -> list[int]:
    asked = (call(site, scope(path, agent=agent, client=VISITOR)) for _ in range(number))
    return [got.status for got in await asyncio.gather(*asked)]


async def connected(site: VorbehaltMiddleware) -> StrictLimits:
    """Ask once as somebody without a quota, and wait until Redis decides in this loop."""
    await statuses(site, 1, CHROME)
    strict = runtime_of(site).sharing.strict
    assert strict is not None
    strict.seconds = 5.0
    strict.start()
    while not strict.lines[asyncio.get_running_loop()].is_up:  # noqa: ASYNC110 - the line has no event
        await asyncio.sleep(0.001)
    return strict


def test_strict_workers_keep_a_crawler_to_one_quota_exactly(redis: Server) -> None:
    sites = [worker(redis.unix_url, strict=True) for _ in range(3)]
    found: list[int] = []

    async def main(site: VorbehaltMiddleware) -> None:
        await connected(site)
        found.extend(await statuses(site, 10, PERPLEXITY))

    threads = [threading.Thread(target=lambda one=one: asyncio.run(main(one))) for one in sites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] * 5 + [429] * 25


def test_without_strict_workers_know_of_each_other_after_a_moment(redis: Server) -> None:
    first, second = worker(redis.unix_url), worker(redis.unix_url)
    assert asyncio.run(statuses(first, 6, PERPLEXITY)) == [200] * 5 + [429]
    wait_for(lambda: redis.ask("DBSIZE") == 1, "nothing is shared")
    # What the second admits before it knows is a debt: then it refuses for longer than one would.
    limits = runtime_of(second).sharing.limits

    def knows() -> bool:
        return max(limits._tats.values()) > time.time_ns() + 3600e9

    for _ in range(4):  # alone it would admit five; on a slow machine one report may be given up
        assert asyncio.run(statuses(second, 1, PERPLEXITY)) == [200]
        deadline = time.monotonic() + 5
        while not knows() and time.monotonic() < deadline:
            select.select([], [], [], 0.02)
        if knows():
            break
    assert knows(), "nothing comes back"
    assert asyncio.run(statuses(second, 5, PERPLEXITY)) == [429] * 5


def test_a_limit_of_redis_says_when_to_come_back(redis: Server) -> None:
    site = worker(redis.unix_url, strict=True)

    async def main() -> Any:
        await connected(site)
        await statuses(site, 5, PERPLEXITY)
        return await call(site, scope("/page", agent=PERPLEXITY, client=VISITOR))

    got = asyncio.run(main())
    assert got.status == 429
    assert 700 < int(got.header(b"retry-after") or b"") <= 720
    assert (got.header(b"ratelimit-policy") or b"").endswith(b";q=5;w=3600")


def test_people_never_wait_for_redis_not_even_where_a_quota_concerns_them(redis: Server) -> None:
    site = worker(redis.unix_url, strict=True)

    async def main() -> float:
        strict = await connected(site)
        strict.seconds = 60.0
        redis.freeze()
        started = time.monotonic()
        assert await statuses(site, 20, CHROME) == [200] * 20
        assert sorted(await statuses(site, 5, CHROME, "/shop/a")) == [200, 200, 200, 429, 429]
        return time.monotonic() - started

    assert asyncio.run(main()) < 1.0
    redis.thaw()


@pytest.mark.parametrize("strict", [False, True])
def test_without_redis_everybody_is_answered_and_health_says_why(strict: bool) -> None:
    port = free_port()
    site = worker(f"redis://user:top-secret@127.0.0.1:{port}", strict=strict)

    async def main() -> Any:
        found = await statuses(site, 6, PERPLEXITY), await statuses(site, 3, CHROME)
        runtime = runtime_of(site)
        while not runtime.sharing.sentences():  # noqa: ASYNC110 - said by another thread
            await asyncio.sleep(0.005)
        told = await call(site, scope("/.vorbehalt/health", client=VISITOR))
        return found, json.loads(told.body), runtime.counters.snapshot()

    found, health, counted = asyncio.run(main())
    assert found == ([200] * 5 + [429], [200] * 3)
    assert health["state"] == "yellow"
    said = "limits are counted by each worker for itself: Redis: it cannot be reached"
    assert said in health["reasons"]
    assert "top-secret" not in json.dumps(health)
    assert str(port) not in json.dumps(health)
    assert counted["vorbehalt_store_errors_total", ()] >= 1


def test_a_redis_that_hangs_costs_a_crawler_a_moment_and_nobody_an_answer(redis: Server) -> None:
    site = worker(redis.unix_url, strict=True)

    async def main() -> tuple[list[int], float]:
        strict = await connected(site)
        strict.seconds = 0.02
        await statuses(site, 1, PERPLEXITY)
        redis.freeze()
        started = time.monotonic()
        found = await statuses(site, 6, PERPLEXITY)
        seconds = time.monotonic() - started
        assert runtime_of(site).sharing.sentences() == [
            "quotas of crawlers are not decided by Redis (state.strict), but in each worker:"
            " it does not answer in time"
        ]
        return found, seconds

    found, seconds = asyncio.run(main())
    redis.thaw()
    assert sorted(found) == [200] * 4 + [429] * 2
    assert seconds < 1.0


def test_a_proxy_that_asks_gets_the_answer_of_redis(redis: Server) -> None:
    settings = config(
        state={"redis": redis.unix_url, "strict": True},
        policy={"rule": RULES},
        network={"trusted_proxies": ["loopback"]},
    )
    sites = [VorbehaltMiddleware(PageApp(), config=settings, forward_auth=True) for _ in range(2)]

    async def main() -> list[int]:
        found = []
        for site in sites:
            await connected(site)
        headers = [(b"x-forwarded-for", b"8.8.8.8"), (b"x-original-uri", b"/page")]
        for number in range(8):
            asked = scope("/.vorbehalt/auth", agent=PERPLEXITY, headers=headers, client=("127.0.0.1", 1))
            found.append((await call(sites[number % 2], asked)).status)
        return found

    assert asyncio.run(main()) == [204] * 5 + [403] * 3


def test_a_fault_of_ours_while_it_waits_lets_the_request_pass(redis: Server) -> None:
    site = worker(redis.unix_url, strict=True)

    async def fails(key: str, quota: object, now: int) -> None:
        raise RuntimeError("a fault of ours")

    async def main() -> list[int]:
        strict = await connected(site)
        strict.ask = fails  # type: ignore[method-assign, assignment]
        return await statuses(site, 2, PERPLEXITY)

    assert asyncio.run(main()) == [200, 200]
    assert runtime_of(site).live.unjudged == 2


def test_nothing_of_an_event_loop_stays_behind(redis: Server) -> None:
    site = worker(redis.unix_url, strict=True)
    for _ in range(3):
        asyncio.run(connected(site))
        assert runtime_of(site).sharing.strict.lines == {}  # type: ignore[union-attr]
    site.close()
    assert not any(thread.name == "vorbehalt-redis" for thread in threading.enumerate())


def test_signatures_are_checked_against_what_other_workers_saw(redis: Server) -> None:
    alone = protect(PageApp(), network={"signatures": True})
    shared = worker(redis.unix_url, network={"signatures": True})
    for site, name in ((alone, "NonceMemory"), (shared, "SharedNonces")):
        runtime = runtime_of(site)
        assert type(runtime.sharing.nonces).__name__ == name
        assert runtime.outside._nonces is runtime.sharing.nonces


def test_another_redis_needs_a_restart(tmp_path: Any) -> None:
    path = tmp_path / "vorbehalt.toml"
    text = 'format = 1\n[site]\norigin = "https://label.example"\n[evidence]\ndirectory = "off"\n[state]\n'
    path.write_text(text + 'redis = "redis://127.0.0.1:1"\n')
    site = VorbehaltMiddleware(PageApp(), config=path)
    path.write_text(text + 'redis = "redis://127.0.0.1:2"\n')
    assert runtime_of(site).reload(force=True)
    assert runtime_of(site).reasons["config"] == "only a restart puts the change of state.redis into effect"
