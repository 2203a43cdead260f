"""The queue between the event loops and the writer thread: bounded, and never waited for by a loop."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.leaf.budget import Budget
from vorbehalt.evidence.receipt import Draft, Receipt
from vorbehalt.evidence.spool.counts import Counts
from vorbehalt.evidence.spool.unclean import VISIT
from vorbehalt.evidence.writing.losses import CLOSED, INTERNAL, QUEUE_FULL, ROLLUP, Losses
from vorbehalt.evidence.writing.receipts import NEEDS_NO_DISK, NEVER_KEPT, SpoolReceipt
from vorbehalt.evidence.writing.writer import Job

QUEUE_RECORDS = 8_192
QUEUE_BYTES = 16 << 20
_BATCH_RECORDS = 512
_TICK_SECONDS = 1.0
_DRAFT_BYTES = 1_024


class Inbox:
    """Takes drafts from any thread, within their budgets, and hands them to one writer in batches.

    The bell is a bare lock: ringing it costs a loop a fraction of a microsecond, and only when the writer
    waits.
    """

    def __init__(self, losses: Losses, budget: Budget, clock: Callable[[], int], counts: Counts) -> None:
        self._losses = losses
        self._counts = counts
        self._dropped = 0
        self._budget = budget
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: deque[tuple[Draft, SpoolReceipt, int]] = deque()
        self._bytes = 0
        self._bell = threading.Lock()
        self._bell.acquire()
        self._is_idle = False
        self._is_closed = False

    def offer(self, draft: Draft) -> Receipt:
        """Queue a draft, count it in a rollup instead, or refuse it; what is refused is counted as lost."""
        with self._lock:
            if self._is_closed:
                self._losses.lose(CLOSED, draft.type, draft.at)
                return NEVER_KEPT
            if not self._budget.admit(draft):
                if draft.type != "completion":
                    self._counts.visit()
                return NEEDS_NO_DISK
            weight = _weight(draft)
            self._counts.offer()
            if len(self._queue) >= QUEUE_RECORDS or self._bytes + weight > QUEUE_BYTES:
                self._losses.lose(QUEUE_FULL, draft.type, draft.at)
                return NEVER_KEPT
            receipt = SpoolReceipt(self._losses, draft.type, draft.at)
            self._queue.append((draft, receipt, weight))
            self._bytes += weight
            self._ring()
            return receipt

    def count(self, key: tuple[str, ...], at: int, amount: int) -> None:
        """Count one visit in the rollup of its minute."""
        with self._lock:
            if self._is_closed:
                self._losses.lose(CLOSED, "rollup", at)
            else:
                self._budget.count(key, at, amount)
                self._counts.visit()

    def cap(self, is_capped: bool) -> None:
        """From now on visits are only counted, or get their records again."""
        with self._lock:
            self._budget.is_capped = is_capped

    def fail(self, draft: Draft) -> Receipt:
        """Count a draft that nothing can be done with."""
        with self._lock:
            self._counts.offer()
            self._losses.lose(INTERNAL, str(draft.type), self._clock())
        return NEVER_KEPT

    def keep_counts(self, folder: Path, writer: str, disk: Disk) -> None:
        """Go on counting in a page that outlives the process.

        Without the page all works as before; what a kill costs is then unknown, and called so.
        """
        with contextlib.suppress(OSError):
            page = self._counts.create(folder, writer, disk)
            with self._lock:
                self._counts.adopt(page)

    @property
    def is_used(self) -> bool:
        """True if something waits to be written."""
        return bool(self._queue) or self._budget.is_counting

    def close(self) -> bool:
        """Refuse what comes from now on; the writer comes to its end. False if it was closed before."""
        with self._lock:
            if self._is_closed:
                return False
            self._is_closed = True
            self._ring()
            return True

    def take(self, is_wanted: Callable[[], bool]) -> tuple[list[Job], bool]:
        """Wait for something to write; returns a batch, and whether it is the last one.

        A tick now and then lets minutes end, and returns an empty batch if `is_wanted` says that one is
        needed.
        """
        while True:
            with self._lock:
                if self._is_closed or self._queue or self._budget.has_finished:
                    return self._taken()
                self._is_idle = True
            if self._bell.acquire(timeout=_TICK_SECONDS):
                continue
            with self._lock:
                if not self._is_idle:
                    # It rang after all, between the end of the wait and the lock.
                    self._bell.acquire()
                self._is_idle = False
                self._budget.finish(self._clock())
                if self._queue or self._budget.has_finished or is_wanted():
                    return self._taken()

    def _taken(self) -> tuple[list[Job], bool]:
        jobs: list[Job] = []
        while self._queue and len(jobs) < _BATCH_RECORDS:
            draft, receipt, weight = self._queue.popleft()
            self._bytes -= weight
            jobs.append((draft, receipt))
        is_last = self._is_closed and not self._queue
        now = self._clock()
        if (dropped := self._budget.dropped - self._dropped) > 0:
            self._dropped += dropped
            self._losses.lose(ROLLUP, VISIT, now, dropped)
        for minute in self._budget.take(everything=is_last):
            jobs += [(Draft(type="rollup", ref="", at=now, seen=seen), None) for seen in minute.seen()]
        return jobs, is_last

    def _ring(self) -> None:
        if self._is_idle:
            self._is_idle = False
            self._bell.release()


def _weight(draft: Draft) -> int:
    """What a draft holds in memory, roughly; the texts that a client can make long count in full."""
    weight = _DRAFT_BYTES + sum(map(len, draft.private.values()))
    for value in draft.seen.values():
        if type(value) is str:
            weight += len(value)
    headers = draft.seen.get("headers")
    if type(headers) is list:
        for header in headers:
            weight += len(str(header[1]))
    return weight
