"""What the counters know of a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.patterns.spots import facet, spot_of


@pytest.mark.parametrize(
    ("path", "following"),
    [
        ("/lyrics/7", "/lyrics/8"),
        ("/a/9.html", "/a/10.html"),
        ("/p/007", "/p/008"),
        ("/2026/11/3", "/2026/11/4"),
    ],
)
def test_the_next_id_has_the_next_number(path: str, following: str) -> None:
    assert spot_of(following).trail == spot_of(path).trail + 1


@pytest.mark.parametrize(
    ("path", "other"),
    [("/lyrics/7", "/bands/8"), ("/a/7/x", "/a/8/y"), ("/lyrics/7", "/lyrics/9"), ("/7", "/")],
)
def test_other_series_and_jumps_have_not(path: str, other: str) -> None:
    assert spot_of(other).trail != spot_of(path).trail + 1


def test_a_path_without_a_number_is_in_no_series() -> None:
    assert spot_of("/about").trail == 0
    assert spot_of("/0").trail > 0


def test_only_the_front_page_is_not_deep() -> None:
    assert [spot_of(path).is_deep for path in ("/", "/a", "/a/")] == [False, True, True]


@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_path_and_query_has_its_place(path: str, query: bytes) -> None:
    spot = spot_of(path)

    assert 0 <= spot.register < 64
    assert 1 <= spot.rank <= 59
    assert 0 <= spot.trail < 2**60
    assert 0 <= facet(query) < 64


def test_a_spot_is_the_same_in_every_process() -> None:
    assert spot_of("/lyrics/7").hash == 0x3DC26317DED83CB4
    assert facet(b"q=1") == 49
