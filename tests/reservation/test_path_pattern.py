"""Path patterns: matching, overlap, spelling."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.reservation.path_pattern import PathPattern, document_form, normal_form, request_path

patterns = st.text("ab/*$", max_size=8)
paths = st.text("ab/$", max_size=10)
short_patterns = st.from_regex(r"/[ab*]{0,3}\$?", fullmatch=True)
short_paths = ["/" + "".join(tail) for length in range(7) for tail in product("ab", repeat=length)]


def as_expression(pattern: str) -> str:
    anchored = pattern.endswith("$")
    body = ".*".join(re.escape(piece) for piece in pattern.removesuffix("$").split("*"))
    return body + (r"\Z" if anchored else "")


@given(patterns, paths)
def test_a_pattern_matches_like_the_regular_expression_it_stands_for(pattern: str, path: str) -> None:
    expected = re.match(as_expression(pattern), path, re.DOTALL) is not None
    assert PathPattern.of(pattern).matches(path) is expected


@given(short_patterns, short_patterns)
def test_patterns_overlap_exactly_if_some_path_matches_both(one: str, two: str) -> None:
    first, second = PathPattern.of(one), PathPattern.of(two)
    common = any(first.matches(path) and second.matches(path) for path in short_paths)
    assert first.overlaps(second) is common
    assert second.overlaps(first) is common


@given(short_patterns, st.integers(0, 12))
def test_an_outranking_pattern_is_longer_and_means_the_same(text: str, length: int) -> None:
    pattern = PathPattern.of(text)
    stronger = pattern.outranking(length)
    if stronger is None:
        assert pattern.anchored
        assert "*" not in text
        return
    assert stronger.priority > length
    assert [stronger.matches(path) for path in short_paths] == [pattern.matches(path) for path in short_paths]


def test_many_asterisks_do_not_cost_exponential_time() -> None:
    assert not PathPattern.of("/" + "a*" * 500 + "b").matches("/" + "a" * 5000)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/plain", "/plain"),
        ("/%c3%a4", "/%C3%A4"),
        ("/ä", "/%C3%A4"),
        ("/%61", "/%61"),
        ("/100%", "/100%"),
        ("/\udce4", "/%E4"),
    ],
)
def test_the_normal_form_is_googles(pattern: str, expected: str) -> None:
    assert normal_form(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/a b", "/a%20b"),
        ("/Lieder/Ä*$", "/Lieder/%C3%84*$"),
        ("/%7Euser/%2f", "/~user/%2F"),
        ("/price%24", "/price%24"),
        ("/a#b", "/a%23b"),
        ("/100%", "/100%25"),
    ],
)
def test_the_document_form_has_one_spelling(pattern: str, expected: str) -> None:
    assert document_form(pattern) == expected
    assert document_form(expected) == expected


@given(st.text(max_size=20))
def test_the_document_form_can_stand_in_a_line_of_any_document(pattern: str) -> None:
    assert re.fullmatch(r"[\x21-\x7e]*", document_form(pattern))
    assert not set(document_form(pattern)) & set('#"<>')


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a?b=1#c", "/a?b=1"),
        (b"https://label.example/a", "/a"),
        (b"https://label.example", "/"),
        (b"http://label.example?q", "/?q"),
        (b"/go?to=http://other.example/x", "/go?to=http://other.example/x"),
        (b"*", "/*"),
        (b"", "/"),
        (b"/\xe4", "/%E4"),
        (b"/%e4", "/%E4"),
    ],
)
def test_the_request_path_is_what_rules_speak_about(target: bytes, expected: str) -> None:
    assert request_path(target) == expected


@given(st.binary(max_size=40))
def test_any_request_target_gives_an_ascii_path(target: bytes) -> None:
    path = request_path(target)
    assert path.isascii()
    assert path.startswith("/")


def test_a_decoded_pattern_meets_a_decoded_path() -> None:
    pattern = PathPattern.of_decoded("/Lieder/%C3%84*.mp3$")
    assert pattern.matches("/Lieder/Ähre.mp3")
    assert not pattern.matches("/Lieder/%C3%84hre.mp3")
    assert PathPattern.of_decoded("/Ä") == PathPattern.of_decoded("/%c3%84")
    assert PathPattern.of_decoded("/price%24").matches("/price$")
