"""Nonces of signatures that other workers saw: a worker's own are at once in its memory, the others' follow.

They travel in one stream, which every worker reads to its end ten times a second. So a copy of a signed
request that reaches another worker is noticed about 0.2 seconds after the first came; before that it is not.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any, Protocol

from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.place import RedisPlace

MOST_WAITING = 10_000
STREAM_ENTRIES = 65_536
STREAM_SECONDS = 86_400
FRESH_NANOSECONDS = 2_000_000_000
_BATCH = 500


class Memory(Protocol):
    """The nonces that this process knows."""

    def name(self, agent: str, nonce: str) -> bytes: ...

    def seen(self, agent: str, nonce: str, expires: int, now: int) -> bool | None: ...

    def learn(self, name: bytes, expires: int, now: int) -> None: ...


class SharedNonces:
    """A store of nonces for many processes. `seen` never waits; `exchange` is the courier's errand.

    While Redis is away a nonce that is new here "could not be checked": another worker may have seen it.
    """

    def __init__(self, place: RedisPlace, memory: Memory) -> None:
        self._memory = memory
        # All in one slot of a cluster, as a stream is one key.
        self._stream = f"{place.prefix}{{n}}:nonces"
        self._new: deque[tuple[bytes, int]] = deque(maxlen=MOST_WAITING)
        self._last = "-"
        self._read_at = 0

    def seen(self, agent: str, nonce: str, expires: int, now: int) -> bool | None:
        """Return whether the nonce was seen before; None: could not be checked (nanoseconds UTC)."""
        found = self._memory.seen(agent, nonce, expires, now)
        if found is False:
            self._new.append((self._memory.name(agent, nonce), expires))
            if abs(now - self._read_at) > FRESH_NANOSECONDS:
                return None
        return found

    def exchange(self, link: Link, now: int) -> str:
        """Tell the others what is new here, and learn what is new there. See `Errand`."""
        new: list[tuple[bytes, int]] = []
        while self._new and len(new) < MOST_WAITING:
            new.append(self._new.popleft())
        try:
            for start in range(0, len(new), _BATCH):
                link.do(partial(self._write, new[start : start + _BATCH]))
            while len(entries := link.do(self._read)) >= _BATCH:
                self._take(entries, now)
            self._take(entries, now)
        except BaseException:
            # To tell them twice changes nothing.
            self._new.extend(new[: MOST_WAITING - len(self._new)])
            raise
        self._read_at = now
        return ""

    def _write(self, new: list[tuple[bytes, int]], client: Any) -> None:
        pipeline = client.pipeline(transaction=False)
        for name, expires in new:
            pipeline.xadd(self._stream, {"n": name, "e": expires}, maxlen=STREAM_ENTRIES, approximate=True)
        pipeline.expire(self._stream, STREAM_SECONDS)
        pipeline.execute()

    def _read(self, client: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
        found: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(
            self._stream, self._last if self._last == "-" else f"({self._last}", "+", count=_BATCH
        )
        return found

    def _take(self, entries: list[tuple[bytes, dict[bytes, bytes]]], now: int) -> None:
        for id, fields in entries:
            self._last = id.decode("ascii", "replace")
            expires = fields.get(b"e", b"")
            if expires.isdigit() and len(expires) < 25:
                self._memory.learn(fields.get(b"n", b""), int(expires), now)
