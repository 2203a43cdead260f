"""The store in memory stays bounded and forgets the right keys."""

from __future__ import annotations

import pytest

from vorbehalt.policy.rules import Quota
from vorbehalt.stores.memory import CAPACITY, MemoryLimits

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND


def test_it_never_holds_more_keys_than_its_capacity() -> None:
    limits = MemoryLimits(capacity=100)
    quota = Quota(1, 3600)
    for index in range(1000):
        limits.charge(f"key {index}", quota, START + index)
        assert len(limits) <= 100
    assert len(limits) == 100


def test_the_key_that_was_seen_last_is_kept() -> None:
    limits = MemoryLimits(capacity=3)
    quota = Quota(1, 3600)
    for key in ("busy", "a", "b"):
        limits.charge(key, quota, START)
    for key in ("c", "d", "e"):
        assert not limits.charge("busy", quota, START).admitted
        limits.charge(key, quota, START)
    assert not limits.charge("busy", quota, START).admitted
    # Forgotten keys start afresh: a flood makes limits more lenient, never stricter.
    assert limits.charge("a", quota, START).admitted


def test_keys_that_have_refilled_make_room_before_the_capacity_is_reached() -> None:
    limits = MemoryLimits(capacity=1000)
    quota = Quota(60, 60)
    for index in range(100):
        limits.charge(f"key {index}", quota, START)
    for index in range(50):
        limits.charge(f"later {index}", quota, START + 10 * SECOND)
    assert len(limits) == 50


def test_keys_that_have_not_refilled_are_not_dropped_early() -> None:
    limits = MemoryLimits(capacity=1000)
    quota = Quota(1, 3600)
    for index in range(100):
        limits.charge(f"key {index}", quota, START)
    assert len(limits) == 100
    assert not any(limits.charge(f"key {index}", quota, START + SECOND).admitted for index in range(100))


def test_quotas_that_come_and_go_with_reloads_do_not_pile_up() -> None:
    limits = MemoryLimits()
    for index in range(3000):
        limits.charge("key", Quota(index + 1, 60), START)
    assert len(limits._meters) <= 1024


def test_the_default_capacity_is_bounded_and_none_is_refused() -> None:
    assert CAPACITY == 100_000
    with pytest.raises(ValueError, match="at least 1"):
        MemoryLimits(capacity=0)
    one = MemoryLimits(capacity=1)
    one.charge("a", Quota(1, 60), START)
    one.charge("b", Quota(1, 60), START)
    assert len(one) == 1
