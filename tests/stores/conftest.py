"""Redis for the tests of the stores: one of each kind for the whole run, and a store at each of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from redis_support import Server, cluster, server
from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance
from vorbehalt.stores.base import LimitStore
from vorbehalt.stores.redis.hybrid import HybridLimits
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.place import RedisPlace
from vorbehalt.stores.redis.script import Names
from vorbehalt.stores.redis.strict import StrictLimits

_numbers = itertools.count()


def new_prefix() -> str:
    return f"test{next(_numbers)}:"


class HybridAt:
    """A hybrid store that talks to Redis after every charge. Redis' clock is that of the test."""

    def __init__(self, place: RedisPlace) -> None:
        self._limits = HybridLimits(Names(place))
        self._link = Link(place)

    def charge(self, key: str, quota: Quota, now: int) -> Allowance:
        self._limits.server_now = now
        allowance = self._limits.charge(key, quota, now)
        assert self._limits.exchange(self._link, now) in (None, "")
        return allowance

    def close(self) -> None:
        self._link.close()


class StrictAt:
    """A strict store in an event loop of its own; every answer must come from Redis."""

    def __init__(self, place: RedisPlace) -> None:
        self._local = HybridLimits(Names(place))
        self._troubles: list[str] = []
        self._strict = StrictLimits(place, self._local, on_trouble=self._troubles.append, seconds=10)
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(connected(self._strict))

    def charge(self, key: str, quota: Quota, now: int) -> Allowance:
        self._strict.server_now = now
        allowance = self._loop.run_until_complete(self._strict.ask(key, quota, now))
        assert self._troubles == []
        assert self._local.owed == 0, "decided locally"
        return allowance

    def close(self) -> None:
        self._strict.stop()
        self._loop.run_until_complete(settled(self._strict))
        self._loop.close()


async def connected(strict: StrictLimits) -> None:
    """Wait until decisions of this loop go to Redis."""
    strict.start()
    while not strict.lines[asyncio.get_running_loop()].is_up:  # noqa: ASYNC110 - the line has no event
        await asyncio.sleep(0.001)


async def settled(strict: StrictLimits) -> None:
    """Wait until this loop's line is gone."""
    while strict.lines:  # noqa: ASYNC110 - the line has no event
        await asyncio.sleep(0.001)


class Places:
    """Where a Redis of each kind is; started at the first use."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._servers: dict[str, Server] = {}

    def server(self, kind: str) -> Server:
        name = "tcp" if kind == "unix" else kind
        if name not in self._servers:
            if name == "cluster":
                self._servers[name] = self._stack.enter_context(cluster())[0]
            else:
                self._servers[name] = self._stack.enter_context(server(tls=name == "tls"))
        return self._servers[name]

    def place(self, kind: str) -> RedisPlace:
        one = self.server(kind)
        url = one.unix_url if kind == "unix" else one.url
        return RedisPlace(url, cluster=kind == "cluster", prefix=new_prefix())


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(stack)


class Afresh:
    """Gives one store new keys, so that it is as good as a new one."""

    def __init__(self, store: LimitStore) -> None:
        self._store = store
        self._number = next(_numbers)

    def charge(self, key: str, quota: Quota, now: int) -> Allowance:
        return self._store.charge(f"{self._number}{key}", quota, now)


@pytest.fixture(scope="session")
def new_store(places: Places) -> Iterator[Callable[[Callable[[Places], LimitStore]], LimitStore]]:
    """Make a store, or one that is as good as new."""
    made: dict[object, LimitStore] = {}

    def make(factory: Callable[[Places], LimitStore]) -> LimitStore:
        if factory not in made:
            made[factory] = factory(places)
        return Afresh(made[factory])

    yield make
    for store in made.values():
        if isinstance(store, HybridAt | StrictAt):
            store.close()


@pytest.fixture
def redis_server() -> Iterator[Server]:
    """A server that the test may freeze, fill and stop."""
    with server() as one:
        yield one
