"""Worker processes of the sidecar: started, replaced when they die, ended together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from vorbehalt.errors import VorbehaltError

log = logging.getLogger("vorbehalt")

_HASTY_SECONDS = 2.0
_HASTY_DEATHS = 3


def supervise(work: Callable[[], None], workers: int, at_end: Callable[[], None] = lambda: None) -> None:
    """Run `work` in that many processes until SIGTERM or SIGINT, which are passed on, as is SIGHUP.

    `at_end` is called in this process as soon as the end has begun.
    Call it before any thread is started. Raises VorbehaltError when workers die as soon as they start.
    """
    started: dict[int, float] = {}
    stopping = False
    hasty = 0

    def forward(number: int, _: object) -> None:
        nonlocal stopping
        if number != signal.SIGHUP and not stopping:
            stopping = True
            at_end()
        for pid in list(started):
            with suppress(ProcessLookupError):  # it ended a moment ago
                os.kill(pid, number)

    def start_one() -> None:
        # A signal that comes while a worker is made waits until it reaches the new one, too.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, before.keys())
        try:
            if not stopping:
                started[_fork(work, before, mask)] = time.monotonic()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    before = {
        number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        while not stopping and len(started) < workers:
            start_one()
        while started:
            pid, status = os.waitpid(-1, 0)
            age = time.monotonic() - started.pop(pid, 0.0)
            if stopping:
                continue
            hasty = hasty + 1 if age < _HASTY_SECONDS else 0
            log.error("worker %d ended with status %d", pid, os.waitstatus_to_exitcode(status))
            if hasty >= _HASTY_DEATHS:
                forward(signal.SIGTERM, None)
            else:
                start_one()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if hasty >= _HASTY_DEATHS:
        raise VorbehaltError("the workers end as soon as they start; see the messages above")


def _fork(
    work: Callable[[], None], handlers: Mapping[signal.Signals, Any], mask: set[signal.Signals | int]
) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number, handler in handlers.items():
            # Its work takes over once it is ready; a reload before that is none: it reads what is new anyway.
            signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work()
        code = 0
    except VorbehaltError as error:
        print(error, file=sys.stderr)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)
