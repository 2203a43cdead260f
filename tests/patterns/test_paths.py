"""Paths that readers asked for: none forgotten within a week, few taken for read that were not."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.patterns.paths import CAPACITY, ERROR, WEEK, Bloom, PathMemory
from vorbehalt.patterns.sketches import HOUR, SECOND, hash64

NOW = 1_795_000_000 * SECOND
HASHES = st.integers(0, 2**64 - 1)


def path(number: int) -> int:
    return hash64(b"/song/%d" % number)


@given(st.sets(HASHES, max_size=200))
def test_what_was_taken_in_is_found(keys: set[int]) -> None:
    bloom = Bloom(200)
    for key in keys:
        bloom.add(key)
    assert all(key in bloom for key in keys)


def test_a_full_filter_has_one_false_hit_in_a_hundred() -> None:
    bloom = Bloom(20_000, ERROR)
    for number in range(20_000):
        bloom.add(path(number))
    false_hits = sum(path(number) in bloom for number in range(100_000, 120_000))
    assert false_hits / 20_000 == pytest.approx(ERROR, abs=0.003)


def test_a_million_paths_take_at_most_1200_kilobytes() -> None:
    assert sys.getsizeof(Bloom(CAPACITY)._bits) <= 1_200_000


def test_a_path_is_unread_until_a_reader_asks_for_it() -> None:
    paths = PathMemory(1_000)
    assert path(1) not in paths
    paths.read(path(1), NOW)
    assert path(1) in paths
    assert path(2) not in paths


@pytest.mark.parametrize(
    ("weeks", "is_known"), [(0.99, True), (1.0, True), (1.99, True), (2.0, False), (5, False)]
)
def test_a_path_is_known_for_one_to_two_weeks(weeks: float, is_known: bool) -> None:
    paths = PathMemory(1_000)
    paths.read(path(1), NOW)
    paths.read(path(2), NOW + int(weeks * WEEK))
    assert (path(1) in paths) is is_known


def test_a_path_that_is_read_in_the_second_week_is_known_in_the_third() -> None:
    paths = PathMemory(1_000)
    for week in range(3):
        paths.read(path(1), NOW + week * WEEK)
    paths.read(path(2), NOW + 3 * WEEK)
    assert path(1) in paths


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    paths = PathMemory(1_000)
    paths.read(path(1), NOW)
    for step in range(1, 5):
        paths.read(path(2), NOW - step * 4 * WEEK)
    assert path(1) in paths


def test_the_exact_part_is_bounded() -> None:
    paths = PathMemory(1_000)
    for number in range(20_000):
        paths.read(path(number), NOW)
        assert len(paths.front) <= 8_192
    assert path(3) in paths


def test_a_new_worker_does_not_know_the_site_and_learns_it_from_readers() -> None:
    paths = PathMemory(1_000)
    assert not paths.knows_the_site
    for view in range(10):
        paths.read(path(view % 5), NOW)
    assert not paths.knows_the_site
    for view in range(60):
        paths.read(path(view % 5), NOW)
    assert paths.knows_the_site


def test_a_site_whose_readers_never_read_the_same_is_never_known() -> None:
    paths = PathMemory(5_000)
    for view in range(2_000):
        paths.read(path(view), NOW)
    assert not paths.knows_the_site


def test_only_first_pages_say_whether_the_site_is_known() -> None:
    paths = PathMemory(1_000)
    for _ in range(200):
        paths.read(path(1), NOW, is_first=False)
    assert not paths.knows_the_site
    for _ in range(200):
        paths.read(path(1), NOW)
    assert paths.knows_the_site
    for number in range(2, 500):
        paths.read(path(number), NOW, is_first=False)
    assert paths.knows_the_site
    assert path(300) in paths


def test_paths_read_long_ago_make_room_even_after_a_pause() -> None:
    paths = PathMemory(1_000)
    paths.read(path(1), NOW)
    paths.read(path(2), NOW + WEEK + HOUR)
    paths.read(path(3), NOW + 2 * WEEK + 2 * HOUR)
    assert (path(1) in paths, path(2) in paths) == (False, True)


def test_weeks_begin_on_time() -> None:
    paths = PathMemory(1_000)
    for week in range(3):
        paths.read(path(week), NOW + week * WEEK)
    assert [path(week) in paths for week in range(3)] == [False, True, True]
