"""When a list is due, and what the keeper does about it in the background."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from vorbehalt.identify.networks import RangeList
from vorbehalt.lookups.fetch import Fetched, FetchError
from vorbehalt.lookups.range_files import Attempt, RangeFiles
from vorbehalt.lookups.range_keeper import PERIOD, TICK_SECONDS, RangeKeeper, due
from vorbehalt.lookups.thread import LookupThread

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
SHIPPED_AT = 1_788_220_800_000_000_000  # 2026-09-01T00:00:00Z
START = SHIPPED_AT + 80 * 24 * HOUR


@pytest.mark.parametrize(
    ("since", "failures", "jitter", "expected"),
    [
        (None, 0, 0, True),
        (0, 0, 0, False),
        (20 * HOUR - 1, 0, 0, False),
        (20 * HOUR, 0, 0, True),
        (20 * HOUR, 0, HOUR, False),
        (21 * HOUR, 0, HOUR, True),
        (15 * MINUTE - 1, 1, 0, False),
        (15 * MINUTE, 1, HOUR, True),
        (30 * MINUTE - 1, 2, 0, False),
        (30 * MINUTE, 2, 0, True),
        (16 * HOUR - 1, 7, 0, False),
        (16 * HOUR, 7, 0, True),
        (20 * HOUR - 1, 8, 0, False),
        (20 * HOUR, 8, 0, True),
        (20 * HOUR, 10**9, 0, True),
        (-HOUR, 0, 0, False),
        (-HOUR - 1, 0, 0, True),
    ],
)
def test_when_a_list_is_due(since: int | None, failures: int, jitter: int, expected: bool) -> None:
    last = None if since is None else START - since
    assert due(START, last, failures, jitter) is expected


class World:
    """A clock that only a test moves, and operators that answer or do not."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = START
        self.down: set[str] = set()
        self.broken = False
        self.asked: list[str] = []
        self.changes: list[dict[str, RangeList]] = []
        self.slept: list[float] = []

    async def fetch(self, url: str, *, etag: str = "") -> Fetched:
        name = url.removeprefix("https://").partition(".")[0]
        self.asked.append(name)
        if self.broken:
            raise RuntimeError("a mistake of ours")
        if name in self.down:
            raise FetchError("down")
        return Fetched(url, b"8.8.4.0/24", "")

    def keeper(self, *names: str, jitter: int = 0, thread: LookupThread | None = None) -> RangeKeeper:
        documents = {f"ranges/{name}.json": rule(name) for name in names or ("a", "b")}
        return RangeKeeper(
            thread or LookupThread(),
            documents | {"ranges/page.json": rule("page", "html")},
            self.directory,
            fetch=self.fetch,
            on_change=self.changes.append,
            jitter=jitter,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def round(self, keeper: RangeKeeper) -> list[str]:
        """Run one round; return what it asked for."""
        self.asked.clear()
        asyncio.run(keeper.round())
        return self.asked


def rule(name: str, form: str = "") -> bytes:
    return json.dumps(
        {
            "list": name,
            "source_url": f"https://{name}.example/",
            "fetched_at": "2026-09-01T00:00:00Z",
            "basis": "operator",
            "form": form,
            "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}],
        }
    ).encode()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "ranges")


def test_old_lists_are_fetched_at_the_start_and_handed_on(world: World) -> None:
    keeper = world.keeper()
    assert world.round(keeper) == ["a", "b"]
    (lists,) = world.changes
    assert set(lists) == {"a", "b", "page"}
    assert [lists[name].fetched_at for name in ("a", "b", "page")] == [START, START, SHIPPED_AT]
    assert lists["a"].networks.contains("8.8.4.1")
    assert {name: result.outcome for name, result in keeper.results.items()} == {
        "a": "updated",
        "b": "updated",
    }


def test_they_are_fetched_again_after_twenty_hours_and_what_was_added(world: World) -> None:
    keeper = world.keeper(jitter=HOUR)
    world.round(keeper)
    world.now = START + PERIOD + HOUR - 1
    assert world.round(keeper) == []
    assert len(world.changes) == 1
    world.now += 1
    assert world.round(keeper) == ["a", "b"]
    assert len(world.changes) == 2


def test_after_a_failure_only_what_failed_is_asked_again_ever_later(world: World) -> None:
    keeper = world.keeper()
    world.down = {"b"}
    assert world.round(keeper) == ["a", "b"]
    tries = []
    for minute in range(1, 200):
        world.now = START + minute * MINUTE
        if world.round(keeper):
            assert world.asked == ["b"]
            tries.append(minute)
    assert tries == [15, 45, 105]
    world.down.clear()
    world.now = START + 225 * MINUTE
    assert world.round(keeper) == ["b"]
    world.now += 60 * MINUTE
    assert world.round(keeper) == []


def test_fresh_lists_on_disk_are_handed_on_without_asking_anybody(world: World) -> None:
    world.round(world.keeper())
    other = world.keeper()
    assert world.round(other) == []
    assert len(world.changes) == 2
    assert world.changes[1]["a"].fetched_at == START
    assert world.round(other) == []
    assert len(world.changes) == 2


def test_what_another_process_fetched_is_taken_up(world: World) -> None:
    idle, busy = world.keeper(), world.keeper()
    world.round(idle)
    world.now += PERIOD
    world.round(busy)
    before = len(world.changes)
    assert world.round(idle) == []
    assert len(world.changes) == before + 1
    assert world.changes[-1]["a"].fetched_at == world.now


def test_while_another_process_fetches_nothing_is_asked(world: World) -> None:
    keeper = world.keeper()
    with RangeFiles(world.directory).locked():
        assert world.round(keeper) == []
    assert keeper.errors == 0
    assert world.round(keeper) == ["a", "b"]


def test_an_attempt_before_the_shipped_list_does_not_count(world: World) -> None:
    RangeFiles(world.directory).note([Attempt("a", SHIPPED_AT - HOUR, "failed") for _ in range(3)])
    world.now = SHIPPED_AT + 19 * HOUR
    assert world.round(world.keeper("a")) == []


def test_a_clock_that_was_wrong_for_a_while_lets_nobody_be_asked_every_minute(world: World) -> None:
    world.now = START + 1000 * 24 * HOUR
    world.round(world.keeper())
    world.now = START
    assert world.round(world.keeper()) == ["a", "b"]
    world.now += MINUTE
    assert world.round(world.keeper()) == []


def test_newly_shipped_lists_count_as_fetched_unless_they_are_from_the_future(world: World) -> None:
    files = RangeFiles(world.directory)
    files.note([Attempt("a", SHIPPED_AT - HOUR, "updated")])
    world.now = SHIPPED_AT + 19 * HOUR
    assert world.round(world.keeper("a")) == []
    world.now = SHIPPED_AT - MINUTE
    files.note([Attempt("a", world.now - PERIOD, "updated")])
    assert world.round(world.keeper("a")) == ["a"]
    assert world.round(world.keeper("a")) == []


def test_a_mistake_of_ours_ends_a_round_and_not_the_keeper(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = world.keeper()
    world.broken = True
    turns = iter((False, True))

    async def sleep(seconds: float) -> None:
        world.slept.append(seconds)
        world.broken = False
        if next(turns):
            keeper.stop()

    keeper._sleep = sleep
    asyncio.run(keeper.run())
    assert keeper.errors == 1
    assert "could not be refreshed" in caplog.text
    assert world.slept == [TICK_SECONDS, TICK_SECONDS]
    assert keeper.results["a"].outcome == "updated"


def test_it_runs_in_the_look_up_thread_and_ends_with_it(world: World) -> None:
    told = threading.Event()
    where: list[str] = []

    def on_change(lists: dict[str, RangeList]) -> None:
        where.append(threading.current_thread().name)
        told.set()

    thread = LookupThread()
    keeper = world.keeper(thread=thread)
    keeper._on_change, keeper._sleep = on_change, asyncio.sleep
    assert keeper.start() is False, "a thread that does not run takes nothing"
    thread.start()
    try:
        assert keeper.start() is True
        assert told.wait(10)
    finally:
        thread.stop()
    assert where == ["vorbehalt-lookups"]
    assert thread.failed == 0
