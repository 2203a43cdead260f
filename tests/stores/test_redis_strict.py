"""Decisions of Redis itself: one call for all that waits, never for long, bound to no event loop."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from redis_support import Server, server
from vorbehalt.policy.rules import Quota
from vorbehalt.stores.redis.hybrid import HybridLimits
from vorbehalt.stores.redis.line import CARRIERS, Line
from vorbehalt.stores.redis.place import RedisPlace, open_async_client
from vorbehalt.stores.redis.script import Names
from vorbehalt.stores.redis.strict import MOST_WAITING, WAIT_SECONDS, StrictLimits

from .conftest import Places, connected, settled

pytestmark = pytest.mark.real("redis-server")

QUOTA = Quota(50, 3600)
RUNNERS = [asyncio.run, uvloop.run]


def strict_at(place: RedisPlace, seconds: float = 5.0) -> tuple[StrictLimits, list[str]]:
    troubles: list[str] = []
    local = HybridLimits(Names(place))
    return StrictLimits(place, local, on_trouble=troubles.append, seconds=seconds), troubles


def calls_of(one: Server) -> int:
    stats = one.ask("INFO", "commandstats")
    found = (stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))
    return sum(int(number) for number in found)


async def many(strict: StrictLimits, number: int, quota: Quota = QUOTA) -> int:
    """Ask so many at once; return how many were admitted."""
    asked = (strict.ask("key", quota, time.time_ns()) for _ in range(number))
    return sum(allowance.admitted for allowance in await asyncio.gather(*asked))


async def all_idle(strict: StrictLimits) -> Line:
    """Wait until each carrier of this loop's line has a connection and nothing to do."""
    await connected(strict)
    line = strict.lines[asyncio.get_running_loop()]
    while len(line.idle) < CARRIERS:  # noqa: ASYNC110 - the line has no event
        await asyncio.sleep(0.001)
    return line


@pytest.mark.parametrize("run", RUNNERS)
def test_what_waits_goes_in_one_call_and_the_quota_is_exact(
    run: Callable[[Awaitable[int]], int], redis_server: Server
) -> None:
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url))

    async def main() -> int:
        await connected(strict)
        return await many(strict, 200)

    assert run(main()) == 50
    assert calls_of(redis_server) <= 3
    assert troubles == []
    assert strict.local.owed == 0
    assert strict.lines == {}


@pytest.mark.parametrize("kind", ["unix", "cluster"])
def test_workers_that_ask_redis_admit_exactly_the_quota_together(kind: str, places: Places) -> None:
    place = places.place(kind)
    workers = [strict_at(place)[0] for _ in range(4)]
    admitted: list[int] = []

    async def main(strict: StrictLimits) -> None:
        await connected(strict)
        admitted.append(await many(strict, 40))

    threads = [threading.Thread(target=lambda one=one: asyncio.run(main(one))) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 50


def test_one_store_serves_the_loops_of_many_threads_and_keeps_none(places: Places) -> None:
    strict, troubles = strict_at(places.place("unix"))
    admitted: list[int] = []

    async def main() -> None:
        await connected(strict)
        admitted.append(await many(strict, 30))

    for _ in range(3):
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(admitted) == 50
    assert strict.lines == {}
    assert troubles == []


def test_nobody_waits_longer_for_a_redis_that_hangs_and_the_local_state_decides(redis_server: Server) -> None:
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url), seconds=WAIT_SECONDS)

    async def main() -> tuple[float, float]:
        await connected(strict)
        assert await many(strict, 1) == 1
        redis_server.freeze()
        started = time.monotonic()
        # Two waves: those that are on their way, and those that line up behind them.
        first = asyncio.ensure_future(many(strict, 30))
        await asyncio.sleep(0.01)
        assert await many(strict, 30) + await first == 49  # one was admitted by Redis
        hung = time.monotonic() - started
        started = time.monotonic()
        await many(strict, 100)
        after = time.monotonic() - started
        redis_server.thaw()
        await connected(strict)
        return hung, after

    hung, after = asyncio.run(main())
    assert hung < 10 * WAIT_SECONDS  # 20 ms, on a machine that others use as well
    assert after < WAIT_SECONDS  # nobody else waits for it
    assert troubles[0] == "it does not answer in time"


def test_what_redis_may_have_charged_is_not_told_it_again_and_the_rest_is(redis_server: Server) -> None:
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url), seconds=WAIT_SECONDS)

    async def main() -> tuple[int, int]:
        await connected(strict)
        redis_server.freeze()
        assert await many(strict, 1) == 1
        asked = strict.local.owed
        assert await many(strict, 1) == 1
        redis_server.thaw()
        return asked, strict.local.owed

    assert asyncio.run(main()) == (0, 1)
    assert strict.problem == troubles[0] == "it does not answer in time"


def test_without_redis_the_local_state_decides_at_once_and_tells_it_later() -> None:
    strict, troubles = strict_at(RedisPlace("unix:///nonexistent/redis"))

    async def main() -> int:
        admitted = await many(strict, 80)
        while not troubles:  # noqa: ASYNC110 - the line has no event
            await asyncio.sleep(0.001)
        return admitted

    assert asyncio.run(main()) == 50
    assert strict.local.owed == 1
    assert troubles == ["it cannot be reached"]


def test_it_comes_back_by_itself_with_one_connection_at_a_time(redis_server: Server) -> None:
    strict, _ = strict_at(RedisPlace(redis_server.unix_url))

    async def main() -> None:
        await connected(strict)
        redis_server.stop()
        assert await many(strict, 10) == 10
        redis_server.start()
        for _ in range(100):
            await many(strict, 10)
        await connected(strict)
        assert not (await strict.ask("other", Quota(1, 60), time.time_ns())).retry_after_seconds

    asyncio.run(main())
    stats = redis_server.ask("INFO", "stats")
    assert int(stats["total_connections_received"]) < 20  # most are the pings of the test itself


def test_so_many_may_wait_and_no_more(places: Places) -> None:
    strict, _ = strict_at(places.place("unix"))

    async def main() -> int:
        await connected(strict)
        waiting = asyncio.ensure_future(many(strict, MOST_WAITING + 1, Quota(10**6, 60)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found = strict.local.owed
        assert await waiting == MOST_WAITING + 1
        return found

    assert asyncio.run(main()) == 1


def test_with_a_single_connection_redis_decides_all_the_same(
    redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the server takes no more clients."""
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url))
    tried = []

    async def only_one(place: RedisPlace, seconds: float) -> object:
        tried.append(place)
        if len(tried) > 1:
            raise ConnectionError("max number of clients reached")
        return await open_async_client(place, seconds)

    monkeypatch.setattr("vorbehalt.stores.redis.line.open_async_client", only_one)

    async def main() -> int:
        await connected(strict)
        while len(tried) < 3:  # noqa: ASYNC110 - the line has no event
            await asyncio.sleep(0.001)
        return await many(strict, 80)

    assert asyncio.run(main()) == 50
    assert (troubles, strict.problem, strict.local.owed) == ([], "", 0)


def test_two_calls_are_under_way_where_many_wait_and_both_connections_are_made_anew(
    redis_server: Server,
) -> None:
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url))

    async def main() -> int:
        await all_idle(strict)
        before = calls_of(redis_server)
        assert await many(strict, 100, Quota(10**6, 60)) == 100
        found = calls_of(redis_server) - before
        redis_server.stop()
        await many(strict, 1, Quota(10**6, 60))
        redis_server.start()
        await all_idle(strict)
        assert await many(strict, 100, Quota(10**6, 60)) == 100
        return found

    # Each may have to send the script itself.
    assert 2 <= asyncio.run(main()) <= 4
    assert troubles
    assert strict.problem == ""


def test_who_leaves_while_waiting_disturbs_nobody(places: Places) -> None:
    strict, troubles = strict_at(places.place("unix"))

    async def main() -> int:
        await connected(strict)
        asked = [asyncio.ensure_future(many(strict, 1)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        found = await asyncio.gather(*asked, return_exceptions=True)
        return sum(isinstance(one, asyncio.CancelledError) for one in found)

    assert asyncio.run(main()) == 10
    assert troubles == []


def test_a_key_of_another_kind_is_decided_locally(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url)
    strict, troubles = strict_at(place)
    redis_server.ask("RPUSH", Names(place).of("key")[0], "not ours")

    async def main() -> int:
        await connected(strict)
        asked = [strict.ask("key", QUOTA, time.time_ns()), strict.ask("good", QUOTA, time.time_ns())]
        return sum(allowance.admitted for allowance in await asyncio.gather(*asked))

    assert asyncio.run(main()) == 2
    assert strict.local.owed == 0
    assert troubles == ["a key of ours holds something else; is the prefix used by another program?"]


def test_a_script_that_redis_forgot_is_sent_again(redis_server: Server) -> None:
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url))

    async def main() -> int:
        await connected(strict)
        admitted = 0
        for _ in range(3):
            redis_server.ask("SCRIPT", "FLUSH")
            admitted += await many(strict, 30)
        return admitted

    assert asyncio.run(main()) == 50
    assert troubles == []


def test_a_full_redis_leaves_it_to_the_local_state() -> None:
    with server("--maxmemory", "1", "--maxmemory-policy", "noeviction") as full:
        strict, troubles = strict_at(RedisPlace(full.unix_url))

        async def main() -> int:
            await connected(strict)
            return await many(strict, 80)

        assert asyncio.run(main()) == 50
        assert troubles[0] == "it is full (maxmemory)"


def test_it_can_be_stopped_from_another_thread_and_used_again(places: Places) -> None:
    strict, _ = strict_at(places.place("unix"))

    async def main() -> None:
        await connected(strict)
        await asyncio.to_thread(strict.stop)
        await settled(strict)
        await connected(strict)
        assert await many(strict, 1) == 1

    asyncio.run(main())
    strict.stop()


def test_who_asks_while_the_line_ends_is_decided_locally(redis_server: Server) -> None:
    strict, troubles = strict_at(RedisPlace(redis_server.unix_url))

    async def main() -> bool:
        (await all_idle(strict)).end()
        return (await strict.ask("key", QUOTA, time.time_ns())).admitted

    assert asyncio.run(main()) is True
    assert (strict.local.owed, troubles) == (1, [])


def test_a_child_process_has_connections_of_its_own(places: Places) -> None:
    strict, _ = strict_at(places.place("unix"))

    async def main(expected: int) -> None:
        await connected(strict)
        assert await many(strict, 60) == expected

    asyncio.run(main(50))
    pid = os.fork()
    if not pid:
        code = 1
        try:
            strict.forked()
            asyncio.run(main(0))
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
