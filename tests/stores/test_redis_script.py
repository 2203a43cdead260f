"""The script in Redis is the pure step, to the nanosecond; its keys say nothing and do not stay."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redis_support import Server
from vorbehalt.errors import StoreError
from vorbehalt.policy.limit import SHARED_BURSTS, Meter
from vorbehalt.policy.rules import Quota
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.place import RedisPlace
from vorbehalt.stores.redis.script import TAGS, Answer, Call, Names, packed_owed, packed_take

from .conftest import Places, new_prefix

pytestmark = pytest.mark.real("redis-server")

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
HOUR = 3600 * SECOND


@pytest.fixture(scope="module")
def link(places: Places) -> Iterator[Link]:
    one = Link(places.place("unix"))
    yield one
    one.close()


def call(place: RedisPlace, key: str, packed: bytes) -> Call:
    return Call(*Names(place).of(key), packed)


QUOTAS = st.builds(
    Quota,
    st.integers(1, 30),
    st.sampled_from([1, 7, 60, 86_400, 31 * 86_400]),
    st.just("prefix"),
    st.integers(0, 5),
)
STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(st.integers(0, 3 * SECOND), st.integers(-HOUR, HOUR), st.just(40 * 86_400 * SECOND)),
        st.integers(0, 5 * SECOND),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(quota=QUOTAS, bursts=st.sampled_from([1, SHARED_BURSTS]), steps=STEPS)
def test_it_decides_as_the_pure_step_does(
    link: Link, quota: Quota, bursts: int, steps: list[tuple[bool, int, int]]
) -> None:
    place = RedisPlace("", prefix=new_prefix())
    meter, tat, now = Meter(quota, bursts), 0, START
    for is_take, gap, owed in steps:
        now += gap
        if is_take:
            tat, expected = meter.step(tat, now)
            answers, _ = link.run([call(place, "key", packed_take(meter))], now)
            assert answers == [Answer(int(expected.admitted), tat - now)]
            assert meter.answer(answers[0].ahead, answers[0].status == 1) == expected
        else:
            ahead = max(0, tat - now)
            ahead = meter.span if ahead > meter.most else ahead
            tat = now + min(ahead + owed, meter.most)
            answers, _ = link.run([call(place, "key", packed_owed(meter, owed))], now)
            assert answers == [Answer(1, tat - now)]


def test_every_key_of_a_batch_is_decided_by_itself_and_in_order(link: Link) -> None:
    place = RedisPlace("", prefix=new_prefix())
    one, three = Meter(Quota(1, 60)), Meter(Quota(3, 60))
    calls = [call(place, key, packed_take(meter)) for key, meter in
             [("a", one), ("b", three), ("a", one), ("b", three), ("c", one)]]  # fmt: skip
    answers, trouble = link.run(calls, START)
    assert [answer.status for answer in answers] == [1, 1, 0, 1, 1]
    assert trouble == ""


def test_without_a_time_the_clock_of_redis_counts(link: Link, places: Places) -> None:
    place = RedisPlace("", prefix=new_prefix())
    meter = Meter(Quota(1, 3600))
    before = time.time()
    assert link.run([call(place, "key", packed_take(meter))])[0] == [Answer(1, meter.cost)]
    (later,), _ = link.run([call(place, "key", packed_take(meter))])
    passed = meter.cost - later.ahead
    assert later.status == 0
    assert 0 <= passed <= (time.time() - before + 0.1) * SECOND


def test_no_key_stays_and_none_is_without_the_prefix(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url, prefix="site-a:")
    link = Link(place)
    meter = Meter(Quota(1, 60))
    link.run(
        [call(place, f"{number}|address|198.51.100.{number}", packed_take(meter)) for number in range(50)]
    )
    link.close()
    keys = redis_server.ask("KEYS", "*")
    assert len(keys) == 50
    assert all(re.fullmatch(rb"site-a:\{[0-9a-f]\}:[0-9a-f]{32}", key) for key in keys)
    lives = [redis_server.ask("PTTL", key) for key in keys]
    assert all(60_000 < life <= 121_000 for life in lives)


def test_a_key_cannot_be_traced_without_the_secret_or_the_password() -> None:
    key = "|seo|30/60|address|198.51.100.7"
    urls = ["redis://:first@h", "redis://:second@h", "redis://h"]
    names = {Names(RedisPlace(url)).of(key)[0] for url in urls}
    names |= {
        Names(RedisPlace("redis://:first@h", secret=secret)).of(key)[0] for secret in ("x" * 16, "y" * 99)
    }
    assert len(names) == 5
    assert Names(RedisPlace("redis://h1", secret="s" * 16)).of(key) == Names(
        RedisPlace("redis://:pw@h2", secret="s" * 16)
    ).of(key)


def test_all_keys_of_a_tag_lie_in_one_slot_of_a_cluster(places: Places) -> None:
    names = Names(places.place("cluster"))
    slots: dict[int, set[int]] = {}
    for number in range(400):
        name, tag = names.of(f"key {number}")
        slots.setdefault(tag, set()).add(places.server("cluster").ask("CLUSTER", "KEYSLOT", name))
    assert len(slots) == TAGS
    assert {len(found) for found in slots.values()} == {1}


def test_a_key_that_holds_something_else_spoils_no_other_and_is_left_alone(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url)
    link = Link(place)
    meter = Meter(Quota(2, 60))
    calls = [call(place, key, packed_take(meter)) for key in ("good", "list", "text")]
    redis_server.ask("RPUSH", calls[1].name, "not ours")
    redis_server.ask("SET", calls[2].name, "not ours")
    answers, trouble = link.run(calls, START)
    assert [answer.status for answer in answers] == [1, -1, -1]
    assert trouble == "a key of ours holds something else; is the prefix used by another program?"
    assert redis_server.ask("GET", calls[2].name) == b"not ours"
    with pytest.raises(StoreError, match="holds something else"):
        link.run(calls[1:], START)
    link.close()


def test_a_script_that_redis_forgot_is_sent_again(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url)
    link = Link(place)
    meter = Meter(Quota(2, 60))
    statuses = []
    for _ in range(3):
        redis_server.ask("SCRIPT", "FLUSH")
        (answer,), _ = link.run([call(place, "key", packed_take(meter))], START)
        statuses.append(answer.status)
    link.close()
    assert statuses == [1, 1, 0]
