"""Quotas decided by Redis itself: what waits in one event loop goes there in one script call at a time.

For crawlers only, and never for long: after `WAIT_SECONDS`, or while Redis is away, the local state decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from vorbehalt.errors import StoreError
from vorbehalt.policy.limit import SHARED_BURSTS, Meter
from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance
from vorbehalt.stores.redis.backoff import Backoff
from vorbehalt.stores.redis.faults import sentence_of, sentence_of_code
from vorbehalt.stores.redis.hybrid import BATCH, HybridLimits
from vorbehalt.stores.redis.place import CONNECT_SECONDS, RedisPlace, open_async_client
from vorbehalt.stores.redis.script import (
    Answer,
    Call,
    Names,
    arguments,
    by_tag,
    command,
    packed_take,
    read_answers,
    sha,
    source,
)

WAIT_SECONDS = 0.02
MOST_WAITING = 4096
_KEPT_CALLS = 4096

_UNCERTAIN = Answer(-1, 0)
"""Redis was asked and did not answer: it may have charged the request or not."""

_Waiting = tuple["asyncio.Future[Answer | None]", Call]


class StrictLimits:
    """Asks Redis before it answers. Nothing bound to an event loop outlives it: each loop has a line of its
    own, whose task takes it away when it ends.

    `local` decides when Redis does not. `on_trouble` is told what was wrong, in words. `server_now`
    (nanoseconds UTC) stands in for the clock of Redis, in tests.
    """

    def __init__(
        self,
        place: RedisPlace,
        local: HybridLimits,
        *,
        on_trouble: Callable[[str], None] = lambda _: None,
        seconds: float = WAIT_SECONDS,
    ) -> None:
        self.place = place
        self.local = local
        self.seconds = seconds
        self.on_trouble = on_trouble
        self.server_now: int | None = None
        self.problem = ""
        """Why Redis decides nothing just now, in words; empty while it does."""
        self.lines: dict[asyncio.AbstractEventLoop, _Line] = {}
        self._names = Names(place)
        self._calls: dict[tuple[str, int], tuple[Call, Meter]] = {}
        self._lock = threading.Lock()

    async def ask(self, key: str, quota: Quota, now: int) -> Allowance:
        """Charge one request (now: nanoseconds UTC) and say what was left. Never raises for Redis' sake."""
        loop = asyncio.get_running_loop()
        line = self.lines.get(loop) or self._open(loop)
        if not line.is_up or len(line.waiting) >= MOST_WAITING:
            return self.local.charge(key, quota, now)
        call, meter = self._calls.get((key, id(quota))) or self._prepare(key, quota)
        answer = await line.put(call)
        if answer is None or answer.status < 0:
            return self.local.charge(key, quota, now, is_owed=answer is None)
        self.local.learn(key, now + answer.ahead, now)
        return meter.answer(answer.ahead, answer.status == 1)

    def start(self) -> None:
        """Connect in the running loop, before anybody waits. Returns at once."""
        loop = asyncio.get_running_loop()
        if loop not in self.lines:
            self._open(loop)

    def stop(self) -> None:
        """End the lines of all loops. Any thread; returns at once."""
        for loop, line in list(self.lines.items()):
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(line.end)

    def forked(self) -> None:
        """Called in a child process: the lines are the parent's."""
        self.lines = {}
        self._lock = threading.Lock()

    def _prepare(self, key: str, quota: Quota) -> tuple[Call, Meter]:
        if len(self._calls) >= _KEPT_CALLS:
            self._calls.clear()
        meter = Meter(quota, SHARED_BURSTS)  # keeps the quota alive, so that its id is not given again
        name, tag = self._names.of(key)
        found = self._calls[key, id(quota)] = (Call(name, tag, packed_take(meter)), meter)
        return found

    def _open(self, loop: asyncio.AbstractEventLoop) -> _Line:
        with self._lock:
            for other in [known for known in self.lines if known.is_closed()]:
                del self.lines[other]
            line = self.lines[loop] = _Line(self, loop)
        return line


class _Line:
    """What waits in one event loop, and the task that carries it to Redis: one call at a time."""

    __slots__ = ("_backoff", "_batch", "_loop", "_oldest", "_owner", "_task", "_wake", "is_up", "waiting")

    def __init__(self, owner: StrictLimits, loop: asyncio.AbstractEventLoop) -> None:
        self.is_up = False
        self.waiting: list[_Waiting] = []
        self._batch: list[_Waiting] = []
        self._owner = owner
        self._loop = loop
        self._oldest = 0.0
        self._wake: asyncio.Future[None] | None = None
        self._backoff = Backoff()
        # A context of its own: the request that happens to be the first is none of its business.
        self._task = loop.create_task(self._run(), context=contextvars.Context())

    def put(self, call: Call) -> asyncio.Future[Answer | None]:
        """Line up; the future gets the answer, None where Redis was not asked in time."""
        future: asyncio.Future[Answer | None] = self._loop.create_future()
        if not self.waiting:
            self._oldest = self._loop.time()
            if self._wake is not None:
                self._wake.set_result(None)
                self._wake = None
        self.waiting.append((future, call))
        return future

    def end(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._connection()
                await asyncio.sleep(self._backoff.pause())
        finally:
            self._give_up()
            self._owner.lines.pop(self._loop, None)

    async def _connection(self) -> None:
        """Connect, and serve until something fails."""
        client: Any = None
        try:
            client = await open_async_client(self._owner.place, self._owner.seconds + CONNECT_SECONDS)
            self.is_up = True
            while True:
                await self._serve(client)
        except Exception as error:
            self._owner.problem = str(error) if isinstance(error, StoreError) else sentence_of(error)
            self._owner.on_trouble(self._owner.problem)
        finally:
            self.is_up = False
            self._give_up()
            if client is not None:
                with contextlib.suppress(Exception):  # it is thrown away, whatever state it is in
                    await client.aclose()

    async def _serve(self, client: Any) -> None:
        if not self.waiting:
            self._wake = self._loop.create_future()
            await self._wake
        self._batch, self.waiting = self.waiting[:BATCH], self.waiting[BATCH:]
        batch = self._batch
        async with asyncio.timeout_at(self._oldest + self._owner.seconds):
            answers, trouble = await self._call(client, [call for _, call in batch])
        for (future, _), answer in zip(batch, answers, strict=True):
            if not future.done():  # whoever asked may have left
                future.set_result(answer)
        self._batch = []
        if trouble:
            if all(answer.status < 0 for answer in answers):
                raise StoreError(trouble)
            self._owner.on_trouble(trouble)
        self._backoff.reset()
        self._owner.problem = ""

    async def _call(self, client: Any, calls: list[Call]) -> tuple[list[Answer], str]:
        if not self._owner.place.cluster:
            return await self._script(client, calls)
        groups = by_tag(calls)
        found = await asyncio.gather(*[self._script(client, [calls[i] for i in group]) for group in groups])
        answers: dict[int, Answer] = {}
        for group, (part, _) in zip(groups, found, strict=True):
            answers.update(zip(group, part, strict=True))
        return [answers[i] for i in range(len(calls))], next((said for _, said in found if said), "")

    async def _script(self, client: Any, calls: list[Call]) -> tuple[list[Answer], str]:
        from redis.exceptions import NoScriptError

        now = self._owner.server_now
        try:
            if self._owner.place.cluster:
                body, error = await client.evalsha(sha(), len(calls), *arguments(calls, now))
            else:
                await client.connection.send_packed_command(command(calls, now), check_health=False)
                body, error = await client.connection.read_response()
        except NoScriptError:
            body, error = await client.eval(source(), len(calls), *arguments(calls, now))
        return read_answers(body), sentence_of_code(error.decode("utf-8", "replace")) if error else ""

    def _give_up(self) -> None:
        """Let all that waits be decided locally."""
        for batch, answer in ((self._batch, _UNCERTAIN), (self.waiting, None)):
            for future, _ in batch:
                if not future.done():
                    future.set_result(answer)
        self._batch, self.waiting = [], []
        self._wake = None
