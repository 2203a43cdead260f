"""Several workers keep to one quota, though each decides for itself and no clock is like another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redis_support import Server
from vorbehalt.errors import StoreError
from vorbehalt.policy.rules import Quota
from vorbehalt.stores.redis.hybrid import BATCH, MOST_OWED, HybridLimits
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.place import RedisPlace
from vorbehalt.stores.redis.script import Answer, Call, Names

from .conftest import Places, new_prefix

pytestmark = pytest.mark.real("redis-server")

SECOND = 1_000_000_000
TENTH = SECOND // 10
HOUR = 3600 * SECOND
START = 1_800_000_000 * SECOND


class Fleet:
    """Workers with wrong clocks at one Redis, which all talk to it every tenth of a second."""

    def __init__(self, place: RedisPlace, skews: list[int]) -> None:
        self.workers = [(HybridLimits(Names(place)), Link(place), skew) for skew in skews]

    def charge(self, number: int, quota: Quota, now: int, key: str = "key") -> bool:
        limits, _, skew = self.workers[number]
        return limits.charge(key, quota, now + skew).admitted

    def exchange(self, now: int) -> None:
        for limits, link, skew in self.workers:
            limits.server_now = now
            limits.exchange(link, now + skew)

    def close(self) -> None:
        for _, link, _ in self.workers:
            link.close()


@pytest.fixture
def place(places: Places) -> RedisPlace:
    return places.place("unix")


def flood(fleet: Fleet, quota: Quota, seconds: int, a_tenth: int) -> list[int]:
    """Charge every worker so often each tenth of a second; return what was admitted in each second."""
    admitted = [0] * seconds
    for tick in range(seconds * 10):
        now = START + tick * TENTH
        for number in range(len(fleet.workers)):
            admitted[tick // 10] += sum(fleet.charge(number, quota, now) for _ in range(a_tenth))
        fleet.exchange(now + TENTH // 2)
    return admitted


@pytest.mark.parametrize("skews", [[0, 0], [0, HOUR], [-HOUR, 7 * SECOND, HOUR, 0]])
def test_together_they_admit_what_one_would_and_at_most_a_burst_each_before_they_know(
    place: RedisPlace, skews: list[int]
) -> None:
    quota, seconds, workers = Quota(60, 60), 300, len(skews)
    fleet = Fleet(place, skews)
    admitted = flood(fleet, quota, seconds, a_tenth=70)
    fleet.close()
    one = quota.count + seconds
    # The bound of docs/redis.md: what one would admit, and a burst for each other worker in the first 0.1 s.
    assert sum(admitted) <= one + (workers - 1) * quota.count
    # And the debt is repaid: in the long run all together get no more than one would.
    assert sum(admitted) <= one + workers
    assert sum(admitted) >= one - workers - 1


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quota=st.builds(Quota, st.integers(1, 20), st.sampled_from([1, 5, 20]), st.just("prefix")),
    ticks=st.lists(st.lists(st.sampled_from([0, 0, 0, 1, 5, 40]), min_size=3, max_size=3), max_size=60),
    pauses=st.lists(st.sampled_from([1, 1, 1, 30, 300]), min_size=60, max_size=60),
)
def test_whoever_asks_which_worker_when_the_bound_holds(
    place: RedisPlace, quota: Quota, ticks: list[list[int]], pauses: list[int]
) -> None:
    fleet = Fleet(replace(place, prefix=new_prefix()), [0, HOUR, -HOUR])
    now, admitted = START, 0
    for asked, pause in zip(ticks, pauses, strict=False):
        for number, times in enumerate(asked):
            admitted += sum(fleet.charge(number, quota, now) for _ in range(times))
        fleet.exchange(now)
        assert admitted <= 3 * quota.count + (now - START) * quota.count / (quota.period_seconds * SECOND)
        now += pause * TENTH
    fleet.close()


def test_a_worker_that_is_asked_later_knows_what_the_others_admitted(place: RedisPlace) -> None:
    fleet, quota = Fleet(place, [0, HOUR]), Quota(10, 600)
    assert [fleet.charge(0, quota, START) for _ in range(10)] == [True] * 10
    fleet.exchange(START)
    assert fleet.charge(1, quota, START)  # nothing is known here yet
    fleet.exchange(START)
    assert not fleet.charge(1, quota, START)
    fleet.close()


def test_a_debt_is_paid_before_anything_is_admitted_again(place: RedisPlace) -> None:
    fleet, quota = Fleet(place, [0, 0, 0]), Quota(10, 10)
    for number in range(3):
        assert all(fleet.charge(number, quota, START) for _ in range(10))
    fleet.exchange(START)
    # Three bursts are out, two of them too many: 20 seconds until one more fits in. Who told it last knows.
    assert not fleet.charge(2, quota, START + 19 * SECOND)
    assert fleet.charge(2, quota, START + 21 * SECOND)
    # Who told it first learns the rest with the next request that it admits.
    assert fleet.charge(0, quota, START + 19 * SECOND)
    fleet.exchange(START + 19 * SECOND)
    assert not fleet.charge(0, quota, START + 21 * SECOND)
    fleet.close()


def test_what_has_refilled_while_redis_was_away_is_not_owed_any_more(place: RedisPlace) -> None:
    fleet, quota = Fleet(place, [0, 0]), Quota(10, 10)
    for second in range(600):
        assert fleet.charge(0, quota, START + second * SECOND)
    # 600 were admitted, one of them is not refilled yet.
    fleet.exchange(START + 599 * SECOND)
    assert fleet.charge(1, quota, START + 599 * SECOND)
    fleet.exchange(START + 599 * SECOND)  # now it knows
    assert all(fleet.charge(1, quota, START + 599 * SECOND) for _ in range(8))
    assert not fleet.charge(1, quota, START + 599 * SECOND)
    fleet.close()


class Busy(Link):
    """A connection during whose calls requests come in; it may break at the second call."""

    def __init__(self, place: RedisPlace, meanwhile: Callable[[], object], *, breaks: bool = False) -> None:
        super().__init__(place)
        self.meanwhile = meanwhile
        self.left = 1 if breaks else 1000

    def run(self, calls: Sequence[Call], now: int | None = None) -> tuple[list[Answer], str]:
        self.meanwhile()
        if self.left == 0:
            raise StoreError("it broke")
        self.left -= 1
        return super().run(calls, now)


def test_what_is_admitted_while_redis_answers_is_not_forgotten(place: RedisPlace) -> None:
    (limits, other), quota = (HybridLimits(Names(place)) for _ in range(2)), Quota(10, 86_400)
    link = Busy(place, lambda: limits.charge("key", quota, START))
    limits.server_now = other.server_now = START
    for _ in range(3):
        other.charge("key", quota, START)
    other.exchange(link, START)  # one is charged to the first meanwhile
    limits.exchange(link, START)  # and another one
    link.close()
    # Three of the other, two of its own.
    assert limits.charge("key", quota, START).remaining == 10 - 3 - 2 - 1


def test_a_batch_that_breaks_off_loses_what_was_sent_and_keeps_the_rest(place: RedisPlace) -> None:
    limits, quota = HybridLimits(Names(place)), Quota(10, 86_400)
    for number in range(3 * BATCH):
        limits.charge(f"key {number}", quota, START)
    link = Busy(place, lambda: None, breaks=True)
    with pytest.raises(StoreError, match="it broke"):
        limits.exchange(link, START)
    assert (limits.owed, limits.lost) == (BATCH, BATCH)
    link.left = 1
    limits.exchange(link, START)
    link.close()
    assert limits.owed == 0


def test_what_was_decided_elsewhere_never_makes_less_of_what_is_known() -> None:
    limits, quota = HybridLimits(Names(RedisPlace(""))), Quota(10, 10)
    limits.learn("key", START + 5 * SECOND, START)
    limits.learn("key", START + 2 * SECOND, START)
    assert limits.charge("key", quota, START).remaining == 4


def test_a_flush_of_redis_makes_nobody_forget_what_it_knows_itself(redis_server: Server) -> None:
    fleet, quota = Fleet(RedisPlace(redis_server.unix_url), [0]), Quota(5, 600)
    assert all(fleet.charge(0, quota, START) for _ in range(5))
    fleet.exchange(START)
    redis_server.ask("FLUSHALL")
    fleet.exchange(START)
    assert not fleet.charge(0, quota, START)
    fleet.close()


def test_what_waits_to_be_sent_is_bounded_and_the_rest_is_counted() -> None:
    limits, quota = HybridLimits(Names(RedisPlace("redis://127.0.0.1:1"))), Quota(5, 600)
    for number in range(MOST_OWED + 100):
        assert limits.charge(f"key {number}", quota, START).admitted
    assert limits.owed == MOST_OWED
    assert limits.lost == 100


def test_threads_that_charge_and_send_at_once_lose_nothing(place: RedisPlace) -> None:
    limits, link = HybridLimits(Names(place)), Link(place)
    quota, each = Quota(100_000, 86_400), 2000
    done = threading.Event()

    def charge() -> None:
        for number in range(each):
            assert limits.charge(f"key {number % 7}", quota, START).admitted

    def send() -> None:
        while not done.is_set():
            limits.exchange(link, START)

    limits.server_now = START
    threads = [threading.Thread(target=charge) for _ in range(3)]
    sender = threading.Thread(target=send)
    for thread in (*threads, sender):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    sender.join()
    limits.exchange(link, START)
    fresh = HybridLimits(Names(place))
    fresh.server_now = START
    left = 0
    for number in range(7):
        fresh.charge(f"key {number}", quota, START)
        fresh.exchange(link, START)
        left += fresh.charge(f"key {number}", quota, START).remaining
    link.close()
    # Seven keys, each asked twice by the fresh worker.
    assert 7 * quota.count - left - 14 == 3 * each


def test_a_child_process_sends_nothing_of_its_parents_and_counts_on(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url)
    limits, link, quota = HybridLimits(Names(place)), Link(place), Quota(10, 86_400)
    limits.server_now = START
    limits.charge("key", quota, START)
    limits.exchange(link, START)
    limits.charge("key", quota, START)
    limits._lock.acquire()  # as the parent's thread may do at this moment
    pid = os.fork()
    if not pid:
        code = 1
        try:
            limits.forked()
            link.forget()
            assert limits.charge("key", quota, START).remaining == 7
            limits.exchange(link, START)
            code = 0
        finally:
            os._exit(code)
    limits._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    limits.exchange(link, START)
    link.close()
    # One before the fork, one of each process after it.
    assert limits.charge("key", quota, START).remaining == 6


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before
