"""The one background thread in which the outside is asked: no request waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

log = logging.getLogger("vorbehalt.lookups")

Factory = Callable[[], Coroutine[Any, Any, object]]

_WAITING = 1_000
_CONCURRENCY = 64
_CANCEL_SECONDS = 0.5


class _Run:
    """One life of the thread, from start to stop; a later start gets a new one, so that the two never mix."""

    __slots__ = ("__weakref__", "awake", "loop", "stopping", "tasks", "thread", "waiting")

    def __init__(self) -> None:
        # Not asyncio.new_event_loop(): a loop policy of the application is none of our business.
        self.loop = asyncio.SelectorEventLoop()
        self.thread: threading.Thread | None = None
        self.waiting: deque[Factory] = deque()
        self.tasks: set[asyncio.Task[object]] = set()
        self.awake = False
        self.stopping = False


class LookupThread:
    """Runs coroutines in one daemon thread with an event loop of its own; bounded, and it never raises.

    At most `concurrency` run at once, at most `waiting` wait; what comes beyond is dropped and counted. The
    constructor starts nothing. After a fork the child has no thread until it calls `start` again.
    """

    def __init__(self, *, concurrency: int = _CONCURRENCY, waiting: int = _WAITING) -> None:
        self.concurrency = concurrency
        self.capacity = waiting
        self.dropped = 0
        """Look-ups that never began: no room, not started, or stopped before their turn."""
        self.failed = 0
        """Look-ups that ended with an exception of their own; the first is logged in full."""
        self._lock = threading.Lock()
        self._run: _Run | None = None
        _alive.add(self)

    @property
    def running(self) -> bool:
        """Whether look-ups are taken."""
        return self._run is not None

    @property
    def waiting(self) -> int:
        """How many look-ups wait for their turn."""
        run = self._run
        return len(run.waiting) if run is not None else 0

    def start(self) -> None:
        """Start the thread of this process once; safe to call again, and from several threads."""
        with self._lock:
            if self._run is not None:
                return
            run = None
            try:
                run = _Run()
                run.thread = threading.Thread(
                    target=self._live, args=(run,), name="vorbehalt-lookups", daemon=True
                )
                run.thread.start()
            except (OSError, RuntimeError) as error:
                # No descriptors or threads left: claims stay claimed, and requests go on.
                if run is not None:
                    run.loop.close()
                log.error("no look-ups, claims stay unverified: %s", error)
                return
            self._run = run

    def stop(self, timeout: float = 1.0) -> None:
        """Cancel what runs, drop what waits, and wait at most `timeout` seconds for the end."""
        with self._lock:
            run, self._run = self._run, None
            if run is None:
                return
            run.stopping = True
            self.dropped += len(run.waiting)
            run.waiting.clear()
            run.loop.call_soon_threadsafe(run.loop.stop, context=Context())
        thread = run.thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def submit(self, factory: Factory) -> bool:
        """Have the coroutine that `factory` makes run soon, in the thread; False if it was dropped."""
        with self._lock:
            run = self._run
            if run is None or len(run.waiting) >= self.capacity:
                self.dropped += 1
                return False
            run.waiting.append(factory)
            if not run.awake:
                run.awake = True
                # An empty context: what a request carries in its own must not live on in here.
                run.loop.call_soon_threadsafe(self._pump, run, context=Context())
        return True

    def _pump(self, run: _Run) -> None:
        """Begin what waits, as far as the limit allows (in the thread)."""
        while len(run.tasks) < self.concurrency:
            with self._lock:
                if not run.waiting or run.stopping:
                    run.awake = False
                    return
                factory = run.waiting.popleft()
            try:
                task = run.loop.create_task(factory())
            except Exception as error:
                self._count_failure(error)
                continue
            run.tasks.add(task)
            task.add_done_callback(lambda done: self._finish(run, done))
        # `awake` stays: whoever ends next pumps again.

    def _finish(self, run: _Run, task: asyncio.Task[object]) -> None:
        run.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._count_failure(error)
        self._pump(run)

    def _count_failure(self, error: BaseException) -> None:
        with self._lock:
            self.failed += 1
            first = self.failed == 1
        if first:
            log.error("a look-up failed; further ones are only counted", exc_info=error)
        else:
            log.debug("a look-up failed: %r", error)

    def _live(self, run: _Run) -> None:
        loop = run.loop
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            with self._lock:
                # Only where something ended the loop from inside; `stop` has done so already.
                if self._run is run:
                    self._run = None
                    self.dropped += len(run.waiting)
            try:
                # Tasks of tasks too, which libraries may have begun.
                if tasks := asyncio.all_tasks(loop):
                    for task in tasks:
                        task.cancel()
                    loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCEL_SECONDS))
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    def _forked(self) -> None:
        if self._run is not None:
            _abandoned.append(self._run)
        self._lock = threading.Lock()
        self._run = None


_alive: weakref.WeakSet[LookupThread] = weakref.WeakSet()
_abandoned: list[_Run] = []
"""Loops of the parent, in a forked child: closing one would take its sockets out of the epoll both share."""


def _after_fork() -> None:
    for thread in _alive:
        thread._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
