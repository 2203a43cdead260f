"""Limits in the memory of one process: bounded, and forgetting the least recently seen first."""

from __future__ import annotations

from collections import OrderedDict

from vorbehalt.policy.limit import Meter
from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance

CAPACITY = 100_000
_METERS = 1024


class MemoryLimits:
    """A `LimitStore` for one process. Without a shared store, a limit holds per worker.

    Beyond `capacity` keys the least recently charged one is forgotten: a flood of new keys can only make
    limits more lenient. Keys that have refilled are dropped a few at a time as new ones arrive.
    Use it from one thread.
    """

    __slots__ = ("_capacity", "_meters", "_tats")

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ValueError("the capacity must be at least 1")
        self._capacity = capacity
        self._tats: OrderedDict[str, int] = OrderedDict()
        # Hashing a Quota costs as much as the whole step, hence by identity; a meter keeps its quota alive.
        self._meters: dict[int, Meter] = {}

    def __len__(self) -> int:
        return len(self._tats)

    def charge(self, key: str, quota: Quota, now: int) -> Allowance:
        """Charge one request (now: nanoseconds UTC) and say what was left."""
        meter = self._meters.get(id(quota))
        if meter is None:
            meter = self._meter(quota)
        tats = self._tats
        tat = tats.get(key)
        if tat is None:
            self._make_room(now)
            tats[key], allowance = meter.step(0, now)
        else:
            tats[key], allowance = meter.step(tat, now)
            tats.move_to_end(key)
        return allowance

    def _meter(self, quota: Quota) -> Meter:
        return self._keep_meter(quota, Meter(quota))

    def _keep_meter(self, quota: Quota, meter: Meter) -> Meter:
        if len(self._meters) >= _METERS:
            self._meters.clear()
        self._meters[id(quota)] = meter
        return meter

    def _make_room(self, now: int) -> None:
        # At most two per new key: eviction never pauses a request.
        tats = self._tats
        for _ in range(2):
            if not tats:
                return
            oldest = next(iter(tats))
            if tats[oldest] > now and len(tats) < self._capacity:
                return
            del tats[oldest]
