"""Whatever happens to Redis: limits go on, nothing is raised, nobody waits, the reason is said."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from process_support import free_port
from redis_support import Server, server
from vorbehalt.policy.rules import Quota
from vorbehalt.stores.redis.backoff import FIRST_SECONDS, MOST_SECONDS, Backoff
from vorbehalt.stores.redis.courier import INTERVAL_SECONDS, Courier
from vorbehalt.stores.redis.hybrid import HybridLimits
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.place import RedisPlace
from vorbehalt.stores.redis.script import Names

pytestmark = pytest.mark.real("redis-server")

SECOND = 1_000_000_000
QUOTA = Quota(1000, 3600)
PASSWORD = "correct horse/battery:staple@7"
ENCODED = "correct%20horse%2Fbattery%3Astaple%407"


@dataclass
class Worker:
    """One worker's limits and its courier, whose turns the test takes itself."""

    place: RedisPlace
    errors: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limits = HybridLimits(Names(self.place))
        self.link = Link(self.place, seconds=0.2)
        self.courier = Courier(
            self.link,
            [self.limits.exchange],
            on_error=lambda: self.errors.append(1),
            backoff=Backoff(lambda: 1.0),
        )

    def admits(self, key: str = "key", quota: Quota = QUOTA) -> bool:
        return self.limits.charge(key, quota, time.time_ns()).admitted

    def turn(self) -> float:
        return self.courier.turn()


@pytest.fixture
def worker() -> Iterator[Callable[..., Worker]]:
    made: list[Worker] = []

    def make(url: str, **more: object) -> Worker:
        made.append(Worker(RedisPlace(url, **more)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.link.close()


def broken(one: Worker, says: str) -> None:
    """Assert that Redis fails with these words, and that only the courier notices."""
    before = len(one.errors)
    assert one.admits()
    assert one.turn() > INTERVAL_SECONDS
    assert says in one.courier.problem
    assert len(one.errors) == before + 1
    assert one.admits()


def whole(one: Worker) -> None:
    assert one.admits()
    assert one.turn() == INTERVAL_SECONDS
    assert one.courier.problem == ""


def test_down_at_the_start_and_there_later(worker: Callable[..., Worker]) -> None:
    one = worker(f"redis://127.0.0.1:{free_port()}")
    broken(one, "it cannot be reached")
    broken(one, "it cannot be reached")
    with server("--port", one.place.url.rpartition(":")[2]):
        whole(one)
        one.link.close()


def test_stopped_and_started_again(worker: Callable[..., Worker], redis_server: Server) -> None:
    one = worker(redis_server.unix_url)
    whole(one)
    for _ in range(2):  # the pause begins anew after a success
        redis_server.stop()
        broken(one, "it cannot be reached")
        assert one.turn() == 2 * FIRST_SECONDS
        redis_server.start()
        whole(one)
    # What was known before counts still, though the new server knows nothing.
    assert one.limits.charge("key", QUOTA, time.time_ns()).remaining < QUOTA.count - 3


def test_hanging_delays_nobody_but_the_courier(worker: Callable[..., Worker], redis_server: Server) -> None:
    one = worker(redis_server.unix_url)
    whole(one)
    redis_server.freeze()
    broken(one, "it does not answer in time")
    started = time.monotonic()
    assert all(one.admits(f"key {number}") for number in range(1000))
    assert time.monotonic() - started < 0.2
    redis_server.thaw()
    whole(one)


def test_full(worker: Callable[..., Worker], redis_server: Server) -> None:
    one = worker(redis_server.unix_url)
    whole(one)
    redis_server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis_server.ask("CONFIG", "SET", "maxmemory", "1")
    assert one.admits("other")
    one.turn()
    assert one.courier.problem == "it is full (maxmemory)"
    assert len(one.errors) == 1
    redis_server.ask("CONFIG", "SET", "maxmemory", "0")
    whole(one)


def test_flushed(worker: Callable[..., Worker], redis_server: Server) -> None:
    one, quota = worker(redis_server.unix_url), Quota(3, 3600)
    assert [one.admits("flushed", quota) for _ in range(4)] == [True, True, True, False]
    assert one.turn() == INTERVAL_SECONDS
    redis_server.ask("FLUSHALL")
    assert not one.admits("flushed", quota)
    whole(one)


def test_the_script_forgotten(worker: Callable[..., Worker], redis_server: Server) -> None:
    one = worker(redis_server.unix_url)
    whole(one)
    redis_server.ask("SCRIPT", "FLUSH")
    whole(one)
    assert one.errors == []


def test_a_replica_that_takes_no_writes(worker: Callable[..., Worker], redis_server: Server) -> None:
    with server("--replicaof", "127.0.0.1", str(redis_server.port)) as replica:
        one = worker(replica.unix_url)
        assert one.admits()
        one.turn()
        assert one.courier.problem == "it is a replica that takes no writes"
        replica.ask("REPLICAOF", "NO", "ONE")
        whole(one)


@pytest.mark.parametrize("secret", ["", ":wrong@", "nobody:wrong@"])
def test_a_wrong_password(worker: Callable[..., Worker], secret: str) -> None:
    with server(password=PASSWORD) as locked:
        one = worker(f"redis://{secret}127.0.0.1:{locked.port}")
        broken(one, "it does not know this user and password" if secret else "it asks for a password")
        whole(worker(f"redis://:{ENCODED}@127.0.0.1:{locked.port}"))


def test_a_user_with_the_rights_of_the_docs_and_one_with_too_few(
    worker: Callable[..., Worker], redis_server: Server
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "redis.md").read_text("utf-8")
    (rights,) = re.findall(r"^ACL SETUSER limits on >PASSWORD (.+)$", page, re.M)
    redis_server.ask("ACL", "SETUSER", "limits", "on", ">secret-of-limits", *rights.split())
    redis_server.ask(
        "ACL", "SETUSER", "weak", "on", ">secret-of-weak", "~other:*", "+ping", "+evalsha", "+eval"
    )
    whole(worker(f"redis://limits:secret-of-limits@127.0.0.1:{redis_server.port}/0"))
    one = worker(f"redis://weak:secret-of-weak@127.0.0.1:{redis_server.port}/0")
    assert one.admits()
    one.turn()
    assert one.courier.problem == "its user may not do what is needed (see docs/redis.md, rights)"


def test_a_key_of_another_kind_keeps_nobody_from_sharing(
    worker: Callable[..., Worker], redis_server: Server
) -> None:
    one, other = worker(redis_server.unix_url), worker(redis_server.unix_url)
    name, _ = Names(one.place).of("spoilt")
    redis_server.ask("HSET", name, "a", "b")
    for limits in (one.limits, other.limits):
        assert limits.charge("spoilt", QUOTA, time.time_ns()).admitted
        assert limits.charge("shared", Quota(2, 3600), time.time_ns()).admitted
    for courier in (one.courier, other.courier):
        assert courier.turn() == INTERVAL_SECONDS
        assert "a key of ours holds something else" in courier.problem
    assert not other.limits.charge("shared", Quota(2, 3600), time.time_ns()).admitted


def test_no_fault_tells_the_url_or_the_password(
    worker: Callable[..., Worker], caplog: pytest.LogCaptureFixture, redis_server: Server
) -> None:
    caplog.set_level(logging.DEBUG)
    port = free_port()
    urls = [
        f"redis://user:{ENCODED}@127.0.0.1:{port}/3",
        f"redis://user:{ENCODED}@127.0.0.1:{redis_server.port}/3",
        f"rediss://user:{ENCODED}@127.0.0.1:{redis_server.port}/3",
        f"unix://user:{ENCODED}@/nonexistent/socket",
        f"redis://user:{ENCODED}@no-such-host.invalid:{port}",
    ]
    said = []
    for url in urls:
        for cluster in (False, True):
            one = worker(url, cluster=cluster)
            one.admits()
            one.turn()
            assert one.courier.problem
            said += [one.courier.problem, repr(one.place), repr(one.link)]
    for secret in (PASSWORD, ENCODED):
        assert secret not in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name == "vorbehalt"]
    text = "\n".join([*said, *ours])
    for secret in (PASSWORD, ENCODED, "127.0.0.1", str(port), "no-such-host", "/nonexistent", "user:"):
        assert secret not in text
    assert any("Redis: it cannot be reached" in message for message in ours)


def test_each_change_is_told_once(
    worker: Callable[..., Worker], redis_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one = worker(redis_server.unix_url)
    whole(one)
    redis_server.stop()
    for _ in range(3):
        broken(one, "it cannot be reached")
    redis_server.start()
    whole(one)
    whole(one)
    assert [record.getMessage() for record in caplog.records if record.name == "vorbehalt"] == [
        "limits go on in each worker, counted for itself: Redis: it cannot be reached",
        "limits are shared by all workers again",
    ]


def test_what_comes_and_goes_is_told_once_a_minute(
    redis_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    now, found = [SECOND], ["trouble"]
    courier = Courier(
        Link(RedisPlace(redis_server.unix_url)), [lambda link, at: found[0]], clock=lambda: now[0]
    )
    problems = []
    for second in range(62):
        for said in ("trouble", ""):
            found[0] = said
            courier.turn()
            problems.append(courier.problem)
        now[0] = (second + 1) * SECOND
    courier.link.close()
    assert problems[:4] == ["trouble", "", "trouble", ""]
    assert len([record for record in caplog.records if record.name == "vorbehalt"]) == 4


def test_pauses_grow_to_a_bound_and_differ_between_workers() -> None:
    slow, quick = Backoff(lambda: 1.0), Backoff(lambda: 0.0)
    pauses = [slow.pause() for _ in range(10)]
    assert pauses[:5] == [FIRST_SECONDS * 2**number for number in range(5)]
    assert pauses[-1] == MOST_SECONDS
    assert [quick.pause() for _ in range(10)] == [pause / 2 for pause in pauses]
    slow.reset()
    assert slow.pause() == FIRST_SECONDS
    assert len({Backoff().pause() for _ in range(50)}) > 40


def test_an_idle_courier_finds_out_that_redis_is_gone(redis_server: Server) -> None:
    now = [SECOND]
    courier = Courier(Link(RedisPlace(redis_server.unix_url)), [lambda link, at: None], clock=lambda: now[0])
    courier.turn()
    redis_server.stop()
    courier.turn()
    assert courier.problem == ""
    now[0] += 6 * SECOND
    courier.turn()
    assert courier.problem == "it cannot be reached"


def test_the_thread_delivers_at_its_end_what_is_left(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url)
    limits = HybridLimits(Names(place))
    courier = Courier(Link(place), [limits.exchange])
    courier.start()
    courier.start()
    limits.charge("last", QUOTA, time.time_ns())
    courier.stop()
    courier.stop()
    assert redis_server.ask("DBSIZE") == 1
    assert limits.owed == 0


def test_an_errand_that_fails_by_our_fault_ends_neither_thread_nor_the_others() -> None:
    errors: list[int] = []

    def fails(link: Link, now: int) -> str:
        raise KeyError("a fault of ours")

    with server() as one:
        courier = Courier(Link(RedisPlace(one.unix_url)), [fails], on_error=lambda: errors.append(1))
        assert courier.turn() > 0
        assert courier.problem == "our side of it failed with KeyError"
        assert errors == [1]
