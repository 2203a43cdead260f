"""Quotas decided by Redis itself: what waits in one event loop goes there together (`line.py`).

For crawlers only, and never for long: after `WAIT_SECONDS`, or while Redis is away, the local state decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from vorbehalt.policy.limit import SHARED_BURSTS, Meter
from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance
from vorbehalt.stores.redis.hybrid import HybridLimits
from vorbehalt.stores.redis.line import Line
from vorbehalt.stores.redis.place import RedisPlace
from vorbehalt.stores.redis.script import Call, Names, packed_take

WAIT_SECONDS = 0.02
MOST_WAITING = 4096
_KEPT_CALLS = 4096


class StrictLimits:
    """Asks Redis before it answers. Nothing bound to an event loop outlives it: each loop has a line of its
    own, whose tasks take it away when they end.

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
        self.lines: dict[asyncio.AbstractEventLoop, Line] = {}
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

    def _open(self, loop: asyncio.AbstractEventLoop) -> Line:
        with self._lock:
            for other in [known for known in self.lines if known.is_closed()]:
                del self.lines[other]
            line = self.lines[loop] = Line(self, loop)
        return line
