"""Shared limits against a real Redis: what a request pays, and what a decision there costs."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import uvloop

from in_process import configuration, driver, starlette
from measure import Budget, Figure, interleaved, table, timed
from redis_support import Server, server
from vorbehalt import VorbehaltMiddleware
from vorbehalt.policy.rules import Quota
from vorbehalt.stores.base import LimitStore
from vorbehalt.stores.memory import MemoryLimits
from vorbehalt.stores.redis.courier import Courier
from vorbehalt.stores.redis.hybrid import HybridLimits
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.place import RedisPlace
from vorbehalt.stores.redis.script import Names
from vorbehalt.stores.redis.strict import StrictLimits

KEYS = [f"|perplexity|120/60|operator|{number}" for number in range(2000)]
QUOTA = Quota(10**6, 3600)
TASKS, DECISIONS = 64, 12_000
CRAWLER = [
    (b"host", b"label.example"),
    (b"user-agent", b"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    (b"accept", b"*/*"),
]
ONE_STEP = """
local now = redis.call('TIME'); now = now[1] * 1e6 + now[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local cost, span = tonumber(ARGV[1]), tonumber(ARGV[2])
if tat + cost - now > span then return {0, tat - now} end
redis.call('SET', KEYS[1], string.format('%d', tat + cost), 'PX', math.ceil(span / 1000))
return {1, tat + cost - now}
"""
"""GCRA as most clients have it: one key, microseconds, the server's clock."""


def charges(store: LimitStore) -> float:
    """Microseconds of one charge."""
    now = time.time_ns()

    def run() -> int:
        for number in range(50_000):
            store.charge(KEYS[number % 2000], QUOTA, now + number)
        return 50_000

    return timed(run)


def protected(redis: str | None) -> VorbehaltMiddleware:
    """A site where a crawler's every request is charged and none is refused."""
    rule = {
        "name": "counted", "match": {"purpose": ["seo"]}, "action": "limit", "limit": "900000000/s per prefix"
    }  # fmt: skip
    settings = {**configuration(), "policy": {"rule": [rule]}}
    if redis is not None:
        settings["state"] = {"redis": redis}
    return VorbehaltMiddleware(starlette(), config=settings)


def decisions(prepare: Callable[[], Awaitable[tuple[Callable[[str], Awaitable[Any]], Any]]]) -> float:
    """Microseconds of one decision while 64 tasks ask one after the other."""

    async def main() -> float:
        ask, close = await prepare()
        keys = itertools.cycle(KEYS)

        async def visitor() -> None:
            for _ in range(DECISIONS // TASKS):
                await ask(next(keys))

        await asyncio.gather(*[visitor() for _ in range(TASKS)])
        started = time.perf_counter()
        await asyncio.gather(*[visitor() for _ in range(TASKS)])
        seconds = time.perf_counter() - started
        await close()
        return seconds / (DECISIONS // TASKS * TASKS) * 1e6

    return float(uvloop.run(main()))


def awaited(url: str) -> Callable[[], Awaitable[tuple[Callable[[str], Awaitable[Any]], Any]]]:
    """One awaited EVALSHA for each request, from a pool of as many connections as there are tasks."""

    async def prepare() -> tuple[Callable[[str], Awaitable[Any]], Any]:
        from redis.asyncio import BlockingConnectionPool, Redis

        pool = BlockingConnectionPool.from_url(url, max_connections=TASKS, protocol=2, timeout=None)
        client = Redis(connection_pool=pool)
        script = await client.script_load(ONE_STEP)

        async def ask(key: str) -> Any:
            return await client.evalsha(script, 1, key, 3600, 3_600_000_000)

        async def close() -> None:
            await client.aclose()
            await pool.aclose()

        return ask, close

    return prepare


def coalesced(url: str) -> Callable[[], Awaitable[tuple[Callable[[str], Awaitable[Any]], Any]]]:
    """Ours, with `state.strict`. A decision that is made locally would be a fault of the benchmark."""

    async def prepare() -> tuple[Callable[[str], Awaitable[Any]], Any]:
        place = RedisPlace(url)
        local = HybridLimits(Names(place))
        strict = StrictLimits(place, local, seconds=5.0)
        strict.start()
        while not next(iter(strict.lines.values())).is_up:  # noqa: ASYNC110 - the line has no event
            await asyncio.sleep(0.001)

        async def ask(key: str) -> Any:
            return await strict.ask(key, QUOTA, time.time_ns())

        async def close() -> None:
            assert local.owed == 0, "decided locally"
            strict.stop()
            while strict.lines:  # noqa: ASYNC110 - the line has no event
                await asyncio.sleep(0.001)

        return ask, close

    return prepare


def run(rounds: int) -> list[Budget]:
    """Print the tables and return the budgets; nothing where there is no Redis."""
    if shutil.which("redis-server") is None:
        print("\nredis-server is not installed: shared limits are not measured")
        return []
    with ExitStack() as stack:
        one = stack.enter_context(server())
        return [*_hybrid(one, rounds, stack), *_strict(one, rounds)]


def _hybrid(one: Server, rounds: int, stack: ExitStack) -> list[Budget]:
    place = RedisPlace(one.unix_url)
    shared = HybridLimits(Names(place))
    courier = Courier(Link(place), [shared.exchange])
    courier.start()
    stack.callback(courier.stop)
    local = MemoryLimits()
    steps = interleaved(
        {"in memory": lambda: charges(local), "hybrid, sending every 100 ms": lambda: charges(shared)}, rounds
    )
    table("One charge of a quota", steps, base="in memory")
    sites = {"limits in memory": protected(None), "limits shared, hybrid": protected(one.unix_url)}
    for site in sites.values():
        stack.callback(site.close)
    figures = interleaved({name: driver(site, CRAWLER, 10_000) for name, site in sites.items()}, rounds)
    table("A crawler's request within its quota, in process", figures, base="limits in memory")
    ratio = _ratio(figures, "limits shared, hybrid", "limits in memory")
    return [Budget("hybrid limits: x limits in memory, a crawler's request", ratio, 1.1)]


def _strict(one: Server, rounds: int) -> list[Budget]:
    budgets = []
    for kind, url, floor in (("TCP", one.url, 5.0), ("unix socket", one.unix_url, 8.0)):
        naive, ours = f"{kind}: one awaited EVALSHA each", f"{kind}: strict, coalesced"
        figures = interleaved(
            {
                naive: lambda url=url: decisions(awaited(url)),  # type: ignore[misc]
                ours: lambda url=url: decisions(coalesced(url)),  # type: ignore[misc]
            },
            rounds,
        )
        table(f"One decision of Redis, {TASKS} tasks asking over {kind}", figures, base=naive)
        # Two processes take turns here: whatever else runs on the machine is in the medians many times over.
        ratio = figures[naive].least / figures[ours].least
        claim = f"strict limits over {kind}, least rounds: x one awaited EVALSHA"
        budgets.append(Budget(claim, ratio, floor, is_floor=True))
    return budgets


def _ratio(figures: dict[str, Figure], one: str, base: str) -> float:
    return figures[one].median / figures[base].median
