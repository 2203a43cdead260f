"""What every store of limits must do, whichever it is. A new store joins by one line in `STORES`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vorbehalt.policy.limit import step
from vorbehalt.policy.rules import Quota
from vorbehalt.stores.base import LimitStore
from vorbehalt.stores.memory import MemoryLimits
from vorbehalt.stores.redis.place import RedisPlace

from .conftest import HybridAt, Places, StrictAt

Factory = Callable[[Places], LimitStore]
NewStore = Callable[[Factory], LimitStore]

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND

KINDS = ("tcp", "unix", "tls", "cluster")


def of_kind(store: Callable[[RedisPlace], LimitStore], kind: str) -> Factory:
    return lambda places: store(places.place(kind))


STORES: dict[str, Factory] = {
    "memory": lambda _: MemoryLimits(),
    **{f"hybrid {kind}": of_kind(HybridAt, kind) for kind in KINDS},
    **{f"strict {kind}": of_kind(StrictAt, kind) for kind in KINDS},
}
EACH = [
    pytest.param(name, marks=[] if name == "memory" else pytest.mark.real("redis-server")) for name in STORES
]


@pytest.fixture(params=EACH)
def store(request: pytest.FixtureRequest, new_store: NewStore) -> LimitStore:
    return new_store(STORES[request.param])


def test_a_quota_admits_its_count_and_then_no_more(store: LimitStore) -> None:
    quota = Quota(5, 60)
    answers = [store.charge("key", quota, START) for _ in range(7)]
    assert [answer.admitted for answer in answers] == [True] * 5 + [False] * 2
    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert answers[-1].retry_after_seconds == 12


def test_a_quota_refills_with_time(store: LimitStore) -> None:
    quota = Quota(2, 60)
    for _ in range(2):
        store.charge("key", quota, START)
    assert not store.charge("key", quota, START + 29 * SECOND).admitted
    assert store.charge("key", quota, START + 30 * SECOND).admitted
    assert not store.charge("key", quota, START + 30 * SECOND).admitted


def test_keys_do_not_touch_each_other(store: LimitStore) -> None:
    quota = Quota(1, 60)
    assert store.charge("one", quota, START).admitted
    assert store.charge("two", quota, START).admitted
    assert not store.charge("one", quota, START).admitted


def test_any_text_is_a_key(store: LimitStore) -> None:
    for key in ("", "\x00", "a b", "ü", "k" * 10_000):
        assert store.charge(key, Quota(1, 60), START).admitted
        assert not store.charge(key, Quota(1, 60), START).admitted


def test_time_may_go_back(store: LimitStore) -> None:
    quota = Quota(1, 60)
    store.charge("key", quota, START)
    assert store.charge("key", quota, START - 3600 * SECOND).retry_after_seconds <= 60


@pytest.mark.parametrize("name", EACH)
@settings(deadline=None, max_examples=50)
@given(
    charges=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5 * SECOND)), max_size=60),
    quota=st.builds(
        Quota, st.integers(1, 20), st.sampled_from([1, 7, 60]), st.just("prefix"), st.integers(0, 5)
    ),
)
def test_every_answer_is_that_of_the_pure_step(
    name: str, new_store: NewStore, charges: list[tuple[str, int]], quota: Quota
) -> None:
    store, tats, now = new_store(STORES[name]), dict.fromkeys("abc", 0), START
    for key, gap in charges:
        now += gap
        tats[key], expected = step(tats[key], now, quota)
        assert store.charge(key, quota, now) == expected
