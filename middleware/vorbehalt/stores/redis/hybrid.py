"""Limits decided here and now, and shared afterwards: what was admitted goes to Redis in batches.

Redis adds up what all workers admitted and says how far ahead each quota now is; that corrects the local
state. Only durations travel, never a time of day: a worker whose clock is wrong shares the same quotas.

What W workers admit before they know of one another is remembered as a debt (up to `SHARED_BURSTS` bursts)
and refills like the rest, so in the long run all together get what one would.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

from vorbehalt.errors import StoreError
from vorbehalt.policy.limit import SHARED_BURSTS, Meter
from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance
from vorbehalt.stores.memory import CAPACITY, MemoryLimits
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.script import Call, Names, packed_owed

MOST_OWED = 20_000
"""Keys that may wait to be sent; beyond it, what is admitted counts in this worker only."""
BATCH = 512


class _Owed:
    """What this worker admitted for one key and has not sent yet."""

    __slots__ = ("count", "key", "meter")

    def __init__(self, key: str, meter: Meter) -> None:
        self.key = key
        self.meter = meter
        self.count = 1


class HybridLimits(MemoryLimits):
    """A `LimitStore` for many processes. `charge` never waits for Redis; `exchange` is the courier's errand.

    `charge` may be called by any thread. `server_now` stands in for the clock of Redis, in tests.
    """

    __slots__ = ("_lock", "_names", "_owed", "lost", "server_now")

    def __init__(self, names: Names, capacity: int = CAPACITY, *, server_now: int | None = None) -> None:
        super().__init__(capacity)
        self._names = names
        self._owed: dict[str, _Owed] = {}
        self._lock = threading.Lock()
        self.server_now = server_now
        self.lost = 0
        """Requests that were admitted here and never told to the others."""

    @property
    def owed(self) -> int:
        """How many keys wait to be sent."""
        return len(self._owed)

    def charge(self, key: str, quota: Quota, now: int, *, is_owed: bool = True) -> Allowance:
        """Charge one request (now: nanoseconds UTC) and say what was left, as far as is known here.

        Not owed: Redis may know of it already.
        """
        with self._lock:
            allowance = super().charge(key, quota, now)
            if is_owed and allowance.admitted:
                owed = self._owed.get(key)
                if owed is not None:
                    owed.count += 1
                elif len(self._owed) < MOST_OWED:
                    self._owed[key] = _Owed(key, self._meters[id(quota)])
                else:
                    self.lost += 1
        return allowance

    def learn(self, key: str, tat: int, now: int) -> None:
        """Take over a state that was decided elsewhere, unless what is known here is ahead of it."""
        with self._lock:
            known = self._tats.get(key)
            if known is None:
                self._make_room(now)
                self._tats[key] = tat
            elif tat > known:
                self._tats[key] = tat

    def forked(self) -> None:
        """Called in a child process: what is owed is sent by the parent, whose thread may hold the lock."""
        self._lock = threading.Lock()
        self._owed = {}

    def exchange(self, link: Link, now: int) -> str | None:
        """Send what was admitted since the last time, and correct what is known here. See `Errand`."""
        with self._lock:
            owed, self._owed = self._owed, {}
        if not owed:
            return None
        waiting = iter(owed.values())
        trouble = ""
        try:
            while batch := list(islice(waiting, BATCH)):
                said = self._send(link, batch, now)
                trouble = trouble or said
        except StoreError:
            self._keep(waiting)
            raise
        return trouble

    def _send(self, link: Link, batch: list[_Owed], now: int) -> str:
        sent: list[_Owed] = []
        calls: list[Call] = []
        for owed in batch:
            meter = owed.meter
            # What has refilled since is not owed any more, however long Redis was away.
            ahead = self._tats.get(owed.key, now + meter.span) - now
            amount = min(owed.count * meter.cost, ahead)
            if amount > 0:
                name, tag = self._names.of(owed.key)
                sent.append(owed)
                calls.append(Call(name, tag, packed_owed(meter, amount)))
        if not calls:
            return ""
        try:
            answers, trouble = link.run(calls, self.server_now)
        except StoreError:
            # It may have been done or not; to count it twice could turn somebody away.
            self.lost += sum(owed.count for owed in batch)
            raise
        with self._lock:
            for owed, answer in zip(sent, answers, strict=True):
                known = self._tats.get(owed.key)
                if answer.status < 0 or known is None:
                    continue
                since = self._owed.get(owed.key)
                # Counted from before it was sent: what Redis says can only be too little, never too much.
                tat = now + answer.ahead + (since.count * owed.meter.cost if since else 0)
                if tat > known:
                    self._tats[owed.key] = tat
        return trouble

    def _keep(self, waiting: Iterator[_Owed]) -> None:
        """Put back what was not tried to send."""
        with self._lock:
            for owed in waiting:
                since = self._owed.get(owed.key)
                if since is not None:
                    since.count += owed.count
                elif len(self._owed) < MOST_OWED:
                    self._owed[owed.key] = owed
                else:
                    self.lost += owed.count

    def _meter(self, quota: Quota) -> Meter:
        return self._keep_meter(quota, Meter(quota, SHARED_BURSTS))
