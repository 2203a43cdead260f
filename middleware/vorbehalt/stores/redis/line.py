"""What waits in one event loop for a decision of Redis, and the two tasks that carry it there.

While Redis works on what one of them has brought, the loop works on what the other has brought back. Each has
a connection of its own and one call under way at a time. Where one of them meets trouble the line is down:
what waits is decided locally, and both connect anew, one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import TYPE_CHECKING, Any

from vorbehalt.errors import StoreError
from vorbehalt.stores.redis.backoff import Backoff
from vorbehalt.stores.redis.faults import sentence_of, sentence_of_code
from vorbehalt.stores.redis.hybrid import BATCH
from vorbehalt.stores.redis.place import CONNECT_SECONDS, open_async_client
from vorbehalt.stores.redis.script import Answer, Call, arguments, by_tag, command, read_answers, sha, source

if TYPE_CHECKING:
    from vorbehalt.stores.redis.strict import StrictLimits

CARRIERS = 2
WORTH_HALVING = 32
"""What waits is shared among idle carriers from here on; a call costs as much as a few decisions."""

_UNCERTAIN = Answer(-1, 0)
"""Redis was asked and did not answer: it may have charged the request or not."""

Waiting = tuple["asyncio.Future[Answer | None]", Call]


class _IsDown(Exception):
    """Another carrier has met trouble; it has said so."""


class Line:
    """The line of one event loop. `is_up`: whoever lines up now is carried to Redis."""

    __slots__ = (
        "_loop",
        "_tasks",
        "backoff",
        "connecting",
        "idle",
        "is_in_trouble",
        "is_up",
        "oldest",
        "owner",
        "waiting",
    )

    def __init__(self, owner: StrictLimits, loop: asyncio.AbstractEventLoop) -> None:
        self.owner = owner
        self.is_up = False
        self.waiting: list[Waiting] = []
        self.oldest = 0.0
        """Since when the first of those that wait does, by the loop's clock."""
        self.idle: list[asyncio.Future[None]] = []
        """One for each carrier that has nothing to do."""
        self.connecting = asyncio.Lock()
        self.backoff = Backoff()
        self.is_in_trouble = False
        """Something failed, and nothing has worked since: who connects lets some time pass first."""
        self._loop = loop
        # A context of their own: the request that happens to be the first is none of their business.
        self._tasks = {
            loop.create_task(_Carrier(self, loop).run(), context=contextvars.Context())
            for _ in range(CARRIERS)
        }
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def put(self, call: Call) -> asyncio.Future[Answer | None]:
        """Line up; the future gets the answer, None where Redis was not asked in time."""
        future: asyncio.Future[Answer | None] = self._loop.create_future()
        if not self.waiting:
            self.oldest = self._loop.time()
            self.wake()
        self.waiting.append((future, call))
        return future

    def take(self) -> list[Waiting]:
        """What one carrier is to carry: all, or half of it where another one is idle."""
        size = len(self.waiting)
        if self.idle and size >= WORTH_HALVING:
            size = (size + 1) // 2
            self.wake()
        size = min(size, BATCH)
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken

    def wake(self) -> None:
        """Let a carrier that has nothing to do look here."""
        while self.idle:
            one = self.idle.pop()
            if not one.done():  # a carrier that is being cancelled takes its own away too late
                one.set_result(None)
                return

    def served(self) -> None:
        """Redis has answered."""
        self.is_up = True
        self.is_in_trouble = False
        self.backoff.reset()
        self.owner.problem = ""

    def fail(self, problem: str) -> None:
        """Redis has not: all that waits is decided locally, until it does again."""
        self.is_up = False
        self.is_in_trouble = True
        self.owner.problem = problem
        resolve(self.waiting, None)
        self.waiting = []
        idle, self.idle = self.idle, []
        for one in idle:
            if not one.done():
                one.set_exception(_IsDown())
        self.owner.on_trouble(problem)

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            resolve(self.waiting, None)
            self.waiting = []
            self.owner.lines.pop(self._loop, None)


class _Carrier:
    """Takes what waits in a line to Redis and comes back with the answers, again and again."""

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self._line = line
        self._loop = loop
        self._batch: list[Waiting] = []

    async def run(self) -> None:
        """Connect whenever there is no connection; ends by being cancelled."""
        while True:
            async with self._line.connecting:
                client = await self._connected()
            await self._carry(client)

    async def _connected(self) -> Any:
        """Try until there is a connection."""
        line = self._line
        while True:
            if line.is_in_trouble:
                await asyncio.sleep(line.backoff.pause())
            try:
                client = await open_async_client(line.owner.place, line.owner.seconds + CONNECT_SECONDS)
            except Exception as error:
                if line.is_up:  # the other one has a connection: that there is no second one is no trouble
                    await asyncio.sleep(line.backoff.pause())
                else:
                    line.fail(_words(error))
            else:
                if _is_cancelled():
                    await client.aclose()
                    raise asyncio.CancelledError
                line.is_up = True
                return client

    async def _carry(self, client: Any) -> None:
        """Serve until something fails."""
        try:
            while not _is_cancelled():
                await self._serve(client)
            raise asyncio.CancelledError
        except _IsDown:
            pass
        except Exception as error:
            self._line.fail(_words(error))
        finally:
            resolve(self._batch, _UNCERTAIN)
            self._batch = []
            with contextlib.suppress(Exception):  # it is thrown away, whatever state it is in
                await client.aclose()

    async def _serve(self, client: Any) -> None:
        line = self._line
        if not line.waiting:
            wake: asyncio.Future[None] = self._loop.create_future()
            line.idle.append(wake)
            await wake
        self._batch = batch = line.take()
        if not batch:  # another one was faster
            return
        async with asyncio.timeout_at(line.oldest + line.owner.seconds):
            answers, trouble = await self._call(client, [call for _, call in batch])
        for (future, _), answer in zip(batch, answers, strict=True):
            if not future.done():  # whoever asked may have left
                future.set_result(answer)
        self._batch = []
        if trouble:
            if all(answer.status < 0 for answer in answers):
                raise StoreError(trouble)
            line.owner.on_trouble(trouble)
        line.served()

    async def _call(self, client: Any, calls: list[Call]) -> tuple[list[Answer], str]:
        if not self._line.owner.place.cluster:
            return await self._script(client, calls)
        groups = by_tag(calls)
        found = await asyncio.gather(*[self._script(client, [calls[i] for i in group]) for group in groups])
        answers: dict[int, Answer] = {}
        for group, (part, _) in zip(groups, found, strict=True):
            answers.update(zip(group, part, strict=True))
        return [answers[i] for i in range(len(calls))], next((said for _, said in found if said), "")

    async def _script(self, client: Any, calls: list[Call]) -> tuple[list[Answer], str]:
        from redis.exceptions import NoScriptError

        now = self._line.owner.server_now
        try:
            if self._line.owner.place.cluster:
                body, error = await client.evalsha(sha(), len(calls), *arguments(calls, now))
            else:
                await client.connection.send_packed_command(command(calls, now), check_health=False)
                body, error = await client.connection.read_response()
        except NoScriptError:
            body, error = await client.eval(source(), len(calls), *arguments(calls, now))
        return read_answers(body), sentence_of_code(error.decode("utf-8", "replace")) if error else ""


def _is_cancelled() -> bool:
    """True if this task is to end: `asyncio.wait_for`, which redis-py uses, loses a cancellation at times."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else sentence_of(error)


def resolve(batch: list[Waiting], answer: Answer | None) -> None:
    """Give all that still wait the same answer."""
    for future, _ in batch:
        if not future.done():
            future.set_result(answer)
