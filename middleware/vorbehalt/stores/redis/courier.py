"""The one thread of a process that talks to Redis: every 100 ms what is new goes there and comes back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from vorbehalt.errors import StoreError
from vorbehalt.stores.redis.backoff import Backoff
from vorbehalt.stores.redis.link import Link

log = logging.getLogger("vorbehalt")

INTERVAL_SECONDS = 0.1
SILENCE_SECONDS = 5.0
REPEAT_SECONDS = 60
_PATIENCE_SECONDS = 1.5

Errand = Callable[[Link, int], str | None]
"""(link, now in nanoseconds UTC) -> what was wrong with single keys ("" if nothing), None: nothing was to do.
StoreError if it could not be done."""


class Courier:
    """Runs errands in turn, in a thread of its own. After a failure it rests, longer each time, with jitter.

    `problem` says what is wrong, in words; empty while all is well. `on_error` is called once for every
    failure. Starts nothing in the constructor.
    """

    def __init__(
        self,
        link: Link,
        errands: list[Errand],
        *,
        on_error: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
    ) -> None:
        self.link = link
        self.errands = errands
        self.problem = ""
        self._on_error = on_error
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._heard_at = 0
        self._told, self._told_at, self._is_told = "", 0, False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; idempotent."""
        if self._thread is None:
            self._stopping = threading.Event()
            self._thread = threading.Thread(
                target=self._work, args=(self._stopping,), name="vorbehalt-redis", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Deliver what is left, if Redis answers, and end. Waits at most a second and a half."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join(_PATIENCE_SECONDS)

    def forked(self) -> None:
        """Called in a child process: the thread and the connection are the parent's."""
        self._thread = None
        self.link.forget()

    def _work(self, stopping: threading.Event) -> None:
        pause = 0.0
        while not stopping.wait(pause):
            pause = self.turn()
        if self.link.is_open:
            self.turn()
        self.link.close()

    def turn(self) -> float:
        """Run every errand once; return the seconds until the next turn. Never raises."""
        try:
            trouble = self._run()
        except StoreError as error:
            self._say(str(error))
        except Exception as error:  # the thread must outlive any surprise: nobody else would notice its end
            log.exception("an errand to Redis failed")
            self.link.close()
            self._say(f"our side of it failed with {type(error).__name__}")
        else:
            self._backoff.reset()
            if trouble is not None:
                self._say(trouble)
            return INTERVAL_SECONDS
        return self._backoff.pause()

    def _run(self) -> str | None:
        self.link.open()
        said: list[str] = []
        for errand in self.errands:
            try:
                trouble = errand(self.link, self._clock())
            except StoreError as error:
                if not self.link.is_open:
                    raise
                # Refused by a server that answers: the other errands may have better luck.
                trouble = str(error)
            if trouble is not None:
                said.append(trouble)
        now = self._clock()
        if not said:
            if self.problem == "" and 0 <= now - self._heard_at < SILENCE_SECONDS * 1e9:
                return None
            self.link.ping()
        self._heard_at = now
        return next((trouble for trouble in said if trouble), "")

    def _say(self, problem: str) -> None:
        """Take note of how things stand; a change is told."""
        if problem:
            self._on_error()
        if problem == self.problem:
            return
        self.problem = problem
        now = self._clock()
        if not problem:
            if self._is_told:
                log.warning("limits are shared by all workers again")
            self._is_told = False
        elif problem != self._told or not 0 <= now - self._told_at < REPEAT_SECONDS * 1e9:
            # What comes and goes is told once a minute.
            self._told, self._told_at, self._is_told = problem, now, True
            log.warning("limits go on in each worker, counted for itself: Redis: %s", problem)
