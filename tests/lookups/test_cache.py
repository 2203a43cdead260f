"""What was learnt outside holds for its time, and never takes more than its room."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.lookups.cache import TtlCache

SECOND = 1_000_000_000


def test_an_entry_holds_until_its_time_is_over_and_not_longer() -> None:
    cache: TtlCache[str, str] = TtlCache(8)
    cache.put("a", "answer", 100, 60)
    assert cache.get("a", 100) == "answer"
    assert cache.get("a", 100 + 60 * SECOND - 1) == "answer"
    assert cache.get("a", 100 + 60 * SECOND) is None
    assert cache.get("b", 100) is None


def test_each_entry_has_its_own_time() -> None:
    cache: TtlCache[str, str] = TtlCache(8)
    cache.put("positive", "yes", 0, 3600)
    cache.put("negative", "no", 0, 60)
    assert cache.get("positive", 61 * SECOND) == "yes"
    assert cache.get("negative", 61 * SECOND) is None


def test_a_new_value_takes_the_place_and_the_time_of_the_old() -> None:
    cache: TtlCache[str, str] = TtlCache(8)
    cache.put("a", "old", 0, 60)
    cache.put("a", "new", 30 * SECOND, 60)
    assert cache.get("a", 80 * SECOND) == "new"
    assert len(cache) == 1


def test_what_is_forgotten_is_gone() -> None:
    cache: TtlCache[str, str] = TtlCache(8)
    cache.put("a", "x", 0, 60)
    cache.put("b", "x", 0, 60)
    cache.forget("a")
    cache.forget("never there")
    assert cache.get("a", 1) is None
    assert cache.get("b", 1) == "x"
    cache.clear()
    assert len(cache) == 0


def test_the_oldest_eighth_goes_at_once_when_there_is_no_room() -> None:
    cache: TtlCache[int, int] = TtlCache(16)
    for number in range(16):
        cache.put(number, number, 0, 60)
    cache.put(0, 0, 0, 60)  # written again: no longer the oldest
    cache.put(16, 16, 0, 60)
    assert [number for number in range(17) if cache.get(number, 0) is None] == [1, 2]
    assert cache.evicted == 2


def test_an_entry_whose_time_was_over_does_not_count_as_evicted() -> None:
    cache: TtlCache[str, int] = TtlCache(1)
    cache.put("a", 1, 0, 60)
    cache.put("b", 1, 60 * SECOND, 60)
    assert (cache.evicted, cache.get("b", 60 * SECOND)) == (0, 1)


def test_a_cache_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        TtlCache(0)


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(0, 300))))
def test_it_never_takes_more_than_its_room_and_never_tells_what_was_not_put(
    capacity: int, puts: list[tuple[int, int, int]]
) -> None:
    cache: TtlCache[int, int] = TtlCache(capacity)
    last: dict[int, tuple[int, int]] = {}
    for key, value, at in puts:
        cache.put(key, value, at * SECOND, 60)
        last[key] = (value, at + 60)
        assert len(cache) <= capacity
        assert cache.get(key, at * SECOND) == value
    for key, (value, ends) in last.items():
        assert cache.get(key, (ends - 1) * SECOND) in (value, None)
        assert cache.get(key, ends * SECOND) is None


def test_several_threads_may_write_while_others_read() -> None:
    cache: TtlCache[int, int] = TtlCache(64)
    wrong: list[object] = []
    done = threading.Event()

    def write(first: int) -> None:
        for number in range(first, first + 4_000):
            cache.put(number % 500, number % 500, number, 60)

    def read() -> None:
        while not done.is_set():
            wrong.extend(key for key in range(500) if cache.get(key, 0) not in (key, None))

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 250, 777)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert wrong == []
    assert len(cache) <= 64
