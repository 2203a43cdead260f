"""Which section a path belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms_support import Terms
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.sections import SectionIndex, section_of
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

OPEN = Uses("allow", "allow", "allow", "allow")
TERMS = Terms(
    "https://label.example",
    sections=(
        Section("press", ("/press/",), OPEN),
        Section("embargo", ("/press/embargo/", "/*.draft$"), Uses()),
        Section("umlaut", ("/Lieder/%C3%84", "/price%24"), Uses()),
    ),
)


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/press/kit.zip", "press"),
        ("/press", ""),
        ("/press/embargo/x", "embargo"),
        ("/press/x.draft", "embargo"),
        ("/x.draft2", ""),
        ("/Press/", ""),
        ("/Lieder/Ähre", "umlaut"),
        ("/price$", "umlaut"),
        ("/", ""),
        ("", ""),
    ],
)
def test_the_longest_pattern_names_the_section(path: str, section: str) -> None:
    assert SectionIndex(TERMS).find(path) == section
    assert section_of(TERMS, path) == section


def test_of_equally_long_patterns_the_more_reserved_section_wins() -> None:
    for first, second in ((OPEN, Uses()), (Uses(), OPEN)):
        terms = Terms("", sections=(Section("one", ("/a*c/",), first), Section("two", ("/ab*/",), second)))
        assert section_of(terms, "/abc/") == ("two" if first == OPEN else "one")


@given(st.text("/ab", max_size=6), st.lists(st.text("ab/*$", min_size=1, max_size=4), max_size=5))
def test_no_longer_pattern_of_another_section_matches(path: str, patterns: list[str]) -> None:
    texts = ["/" + pattern for pattern in patterns]
    terms = Terms("", sections=tuple(Section(text, (text,), Uses()) for text in texts))
    matching = [len(text) for text in texts if PathPattern.of(text).matches(path)]
    assert len(section_of(terms, path)) == max(matching, default=0)


def test_without_sections_everything_is_the_rest_of_the_site() -> None:
    assert section_of(Terms("https://label.example"), "/anything") == ""
