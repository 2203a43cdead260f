"""Promises that a record is durable, kept across threads and event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from vorbehalt.evidence.writing.losses import LATE, Losses

PENDING, DURABLE, FAILED = 0, 1, 2

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class SpoolReceipt:
    """The promise of one record that goes to the spool.

    Lock-free: a waiter is listed before the state is looked at, and the writer sets the state before it looks
    at the waiters, so that one of the two sees the other.
    """

    __slots__ = ("_losses", "_state", "at", "kind", "waiters")

    def __init__(self, losses: Losses, kind: str, at: int) -> None:
        self._state = PENDING
        self._losses = losses
        self.kind = kind
        self.at = at
        self.waiters: list[Waiter] = []

    @property
    def is_durable(self) -> bool:
        return self._state == DURABLE

    @property
    def is_pending(self) -> bool:
        """True while nothing is decided."""
        return self._state == PENDING

    async def durable(self, deadline_seconds: float) -> bool:
        """Wait until the record is durable; False if the deadline passed or the disk failed."""
        if self._state == PENDING:
            loop = asyncio.get_running_loop()
            waiter = (loop, loop.create_future())
            self.waiters.append(waiter)
            if self._state == PENDING:
                timer = loop.call_later(max(0.0, deadline_seconds), _release, [waiter[1]])
                try:
                    await waiter[1]
                finally:
                    timer.cancel()
                if self._state == PENDING:
                    self._losses.delay(LATE, self.kind, self.at)
        return self._state == DURABLE

    def resolve(self, is_durable: bool) -> None:
        """Set the outcome; a record given up may become durable after all. `wake` tells the waiters."""
        if self._state != DURABLE:
            self._state = DURABLE if is_durable else FAILED


class SettledReceipt:
    """The promise of a record that needs no disk, or can never be kept."""

    __slots__ = ("is_durable",)

    def __init__(self, is_durable: bool) -> None:
        self.is_durable = is_durable

    async def durable(self, deadline_seconds: float) -> bool:
        return self.is_durable


NEEDS_NO_DISK = SettledReceipt(True)
NEVER_KEPT = SettledReceipt(False)


def wake(receipts: Iterable[SpoolReceipt]) -> int:
    """Wake all waiters with one call per event loop; returns how many loops were closed already."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for receipt in receipts:
        for loop, future in receipt.waiters:
            by_loop.setdefault(loop, []).append(future)
    closed = 0
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_release, futures)
        except RuntimeError:
            # The loop ended while its answer waited: nobody is left to be told.
            closed += 1
    return closed


def _release(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
