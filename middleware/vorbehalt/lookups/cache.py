"""What was learnt outside, for as long as it holds: written by the look-up thread, read by event loops."""

from __future__ import annotations

import os
import threading
import weakref
from itertools import islice
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_SECOND = 1_000_000_000


class TtlCache(Generic[K, V]):
    """A bounded mapping whose entries end; the time is always an argument, in nanoseconds.

    Reads take no lock and change nothing. Beyond `capacity` the oldest written eighth goes at once.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a cache holds at least one entry")
        self.capacity = capacity
        self.evicted = 0
        """Entries that had to go before their time."""
        self._entries: dict[K, tuple[int, V]] = {}
        self._lock = threading.Lock()
        _alive.add(self)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K, at_ns: int) -> V | None:
        """Return what is held for a key, or None if there is nothing or its time is over."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and at_ns < entry[0] else None

    def put(self, key: K, value: V, at_ns: int, ttl_seconds: float) -> None:
        """Hold a value from `at_ns` on for `ttl_seconds`; every entry has a time of its own."""
        ends = at_ns + int(ttl_seconds * _SECOND)
        with self._lock:
            entries = self._entries
            # Out first, so that the order of the mapping is that of writing.
            entries.pop(key, None)
            if len(entries) >= self.capacity:
                self._make_room(at_ns)
            entries[key] = (ends, value)

    def forget(self, key: K) -> None:
        """Drop what is held for a key."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()

    def _make_room(self, at_ns: int) -> None:
        # A chunk at once: taking out the first entry alone would search past all that went before.
        oldest = list(islice(self._entries.items(), (self.capacity >> 3) or 1))
        for key, (ends, _) in oldest:
            del self._entries[key]
            self.evicted += ends > at_ns


_alive: weakref.WeakSet[TtlCache[Any, Any]] = weakref.WeakSet()


def _after_fork() -> None:
    for cache in _alive:
        # The parent's thread may have held it; entries are never half written.
        cache._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
