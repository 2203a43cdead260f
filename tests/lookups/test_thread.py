"""The look-up thread takes what it is given or says no; it never raises, waits or outgrows its room."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from vorbehalt.lookups.thread import LookupThread


@pytest.fixture
def narrow() -> Iterator[LookupThread]:
    """One at a time, three waiting."""
    lookups = LookupThread(concurrency=1, waiting=3)
    lookups.start()
    yield lookups
    lookups.stop(5)


class Gate:
    """Coroutines that stand still until the test opens the gate."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.finished = threading.Event()
        self.count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: asyncio.Event | None = None

    async def __call__(self) -> None:
        if self._opened is None:
            self._loop, self._opened = asyncio.get_running_loop(), asyncio.Event()
        self.entered.set()
        await self._opened.wait()
        self.count += 1

    async def last(self) -> None:
        self.finished.set()

    def open(self) -> None:
        assert self._loop is not None
        assert self._opened is not None
        self._loop.call_soon_threadsafe(self._opened.set)


def test_a_coroutine_runs_in_the_one_thread_with_a_loop_of_its_own(thread: LookupThread) -> None:
    ran = threading.Event()
    names: list[str] = []

    async def look() -> None:
        await asyncio.sleep(0)
        names.append(threading.current_thread().name)
        ran.set()

    thread.start()
    assert thread.submit(look)
    assert ran.wait(5)
    assert names == ["vorbehalt-lookups"]
    assert sum(running.name == "vorbehalt-lookups" for running in threading.enumerate()) == 1
    assert all(running.daemon for running in threading.enumerate() if running.name == "vorbehalt-lookups")


def test_what_finds_no_room_is_dropped_and_counted(narrow: LookupThread) -> None:
    gate = Gate()
    assert narrow.submit(gate)
    assert gate.entered.wait(5)
    assert [narrow.submit(gate) for _ in range(5)] == [True, True, True, False, False]
    assert (narrow.waiting, narrow.dropped) == (3, 2)
    gate.open()
    # It is taken once there is room again, and comes after all the others.
    while not narrow.submit(gate.last):
        pass
    assert gate.finished.wait(5)
    assert gate.count == 4
    assert narrow.waiting == 0


def test_no_more_run_at_once_than_allowed() -> None:
    lookups = LookupThread(concurrency=3)
    lookups.start()
    running, most, done = 0, 0, threading.Event()

    async def look() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1

    async def last() -> None:
        done.set()

    assert all(lookups.submit(look) for _ in range(50))
    assert lookups.submit(last)
    assert done.wait(5)
    lookups.stop(5)
    assert most == 3


def test_a_failure_is_counted_and_the_next_one_runs(
    narrow: LookupThread, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()

    async def fail() -> None:
        raise OSError("no network")

    def no_coroutine() -> None:
        raise ValueError("not even begun")

    with caplog.at_level(logging.ERROR, "vorbehalt.lookups"):
        assert narrow.submit(fail)
        assert narrow.submit(no_coroutine)  # type: ignore[arg-type]
        assert narrow.submit(gate.last)
        assert gate.finished.wait(5)
    assert narrow.failed == 2
    assert len(caplog.records) == 1, "only the first is told in full"
    assert "no network" in str(caplog.records[0].exc_info)


def test_nothing_is_taken_before_the_start_and_after_the_end() -> None:
    lookups = LookupThread()
    gate = Gate()
    assert not lookups.submit(gate)
    assert not lookups.running
    lookups.start()
    assert lookups.running
    lookups.stop(5)
    assert not lookups.running
    assert not lookups.submit(gate)
    assert lookups.dropped == 2
    assert gate.count == 0


def test_stop_cancels_what_runs_drops_what_waits_and_ends_the_thread(narrow: LookupThread) -> None:
    gate, cancelled = Gate(), threading.Event()
    ran_in: list[threading.Thread] = []

    async def hang() -> None:
        ran_in.append(threading.current_thread())
        try:
            await gate()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    assert narrow.submit(hang)
    assert gate.entered.wait(5)
    assert narrow.submit(gate.last)
    narrow.stop(5)
    assert cancelled.is_set()
    assert not gate.finished.is_set()
    assert [thread.is_alive() for thread in ran_in] == [False]
    assert (narrow.dropped, narrow.failed) == (1, 0)
    narrow.stop()
    narrow.start()
    assert narrow.submit(gate.last)
    assert gate.finished.wait(5)


def test_stop_does_not_wait_for_one_that_will_not_end() -> None:
    lookups = LookupThread()
    lookups.start()
    entered, free = threading.Event(), threading.Event()
    ran_in: list[threading.Thread] = []

    async def block() -> None:
        ran_in.append(threading.current_thread())
        entered.set()
        free.wait(30)

    assert lookups.submit(block)
    assert entered.wait(5)
    lookups.stop(0.01)
    assert not lookups.running
    free.set()
    ran_in[0].join(5)  # other tests count the threads of this name


def test_what_a_request_carries_in_its_context_does_not_live_on_in_a_look_up(thread: LookupThread) -> None:
    carried: contextvars.ContextVar[str] = contextvars.ContextVar("carried", default="nothing")
    seen: list[str] = []
    done = threading.Event()

    async def look() -> None:
        seen.append(carried.get())
        done.set()

    carried.set("a visitor's session")
    assert thread.submit(look)
    assert done.wait(5)
    assert seen == ["nothing"]


def test_without_a_thread_left_it_says_so_and_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    lookups = LookupThread()
    lookups.start()
    assert not lookups.running
    assert "claims stay unverified: can't start new thread" in caplog.text


def test_a_loop_that_something_ended_from_inside_can_be_started_again(thread: LookupThread) -> None:
    stopped = threading.Event()

    async def end() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.stop)
        stopped.set()

    assert thread.submit(end)
    assert stopped.wait(5)
    for running in threading.enumerate():
        if running.name == "vorbehalt-lookups":
            running.join(5)
    assert not thread.running
    assert not thread.submit(end)
    gate = Gate()
    thread.start()
    assert thread.submit(gate.last)
    assert gate.finished.wait(5)


_FORKS = """
import os, sys, threading
from vorbehalt.lookups.thread import LookupThread

def runs(lookups):
    ran = threading.Event()
    async def look():
        ran.set()
    return lookups.submit(look) and ran.wait(5)

lookups = LookupThread()
lookups.start()
assert runs(lookups)
lookups._lock.acquire()  # as if another thread of the parent were inside
child = os.fork()
if child == 0:
    assert not lookups.running
    assert not runs(lookups)
    lookups.start()
    assert runs(lookups)
    lookups.stop(5)
    os._exit(0)
lookups._lock.release()
_, status = os.waitpid(child, 0)
assert status == 0, status
assert runs(lookups), "the child has hurt its parent's loop"
"""


def test_after_a_fork_the_child_begins_anew_and_the_parent_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORKS],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_ends_though_a_look_up_still_hangs() -> None:
    program = (
        "import asyncio\nfrom vorbehalt.lookups.thread import LookupThread\n"
        "t = LookupThread()\nt.start()\nt.submit(lambda: asyncio.sleep(3600))\nprint('end')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
