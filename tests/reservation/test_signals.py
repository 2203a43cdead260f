"""Content-Usage and Content-Signal: the spelling, and what a path-blind reader takes from them."""

from __future__ import annotations

import re
from itertools import product
from typing import Any, cast

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms_support import VOCABULARY, Terms
from vorbehalt.reservation import aipref, content_signals
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Stance, Uses

OPEN = Uses("allow", "allow", "allow", "allow")
stances: list[Stance] = ["allow", "reserve"]
every_uses = [Uses(*choice) for choice in product(stances, repeat=4)]
any_uses = st.sampled_from(every_uses)


def test_the_default_terms_are_spelt_as_each_draft_wants() -> None:
    terms = Terms("https://label.example")
    assert aipref.value(terms.uses, VOCABULARY.aipref) == "train-ai=n, ai-use=n, search=y"
    assert content_signals.robots_lines(terms) == ("Content-Signal: search=yes, ai-input=no, ai-train=no",)
    assert aipref.robots_lines(terms) == ("Content-Usage: train-ai=n, ai-use=n, search=y",)


@pytest.mark.parametrize("uses", every_uses, ids=str)
def test_a_structured_field_reader_finds_the_stances_as_tokens(uses: Uses) -> None:
    text = aipref.value(uses, VOCABULARY.aipref).encode()
    parsed = cast(dict[str, Any], http_sf.parse(text, tltype="dictionary"))
    expected = {"train-ai": uses.training, "ai-use": uses.ai_input, "search": uses.search}
    assert set(parsed) == set(expected)
    for label, stance in expected.items():
        value, parameters = parsed[label]
        assert isinstance(value, http_sf.Token)
        assert str(value) == ("y" if stance == "allow" else "n")
        assert parameters == {}


@pytest.mark.parametrize("uses", every_uses, ids=str)
def test_content_signals_are_yes_or_no_for_all_three_keys(uses: Uses) -> None:
    (line,) = content_signals.robots_lines(Terms("https://label.example", uses=uses))
    said = dict(pair.split("=") for pair in line.removeprefix("Content-Signal: ").split(", "))
    assert said == {
        "search": "yes" if uses.search == "allow" else "no",
        "ai-input": "yes" if uses.ai_input == "allow" else "no",
        "ai-train": "yes" if uses.training == "allow" else "no",
    }


@given(any_uses, any_uses)
def test_a_reader_that_knows_no_paths_is_never_told_yes_for_what_is_reserved(rest: Uses, part: Uses) -> None:
    terms = Terms("https://label.example", uses=rest, sections=(Section("part", ("/part/",), part),))
    fields = {"search": "search", "ai-input": "ai_input", "ai-train": "training"}
    for line in content_signals.robots_lines(terms):
        for key, answer in re.findall(r"([a-z-]+)=([a-z]+)", line):
            if answer == "yes":
                assert getattr(rest, fields[key]) == "allow"
                assert getattr(part, fields[key]) == "allow"


@given(any_uses, any_uses)
def test_each_part_of_the_site_has_its_own_content_usage_line(rest: Uses, part: Uses) -> None:
    terms = Terms(
        "https://label.example", uses=rest, sections=(Section("part", ("/a b/", "/long/*$"), part),)
    )
    assert aipref.robots_lines(terms) == (
        f"Content-Usage: {aipref.value(rest, VOCABULARY.aipref)}",
        f"Content-Usage: /long/*$ {aipref.value(part, VOCABULARY.aipref)}",
        f"Content-Usage: /a%20b/ {aipref.value(part, VOCABULARY.aipref)}",
    )


def test_a_reserved_section_of_an_open_site_is_said_with_its_path() -> None:
    terms = Terms("https://label.example", uses=OPEN, sections=(Section("songs", ("/songs/",), Uses()),))
    assert content_signals.robots_lines(terms) == (
        "Content-Signal: search=yes",
        "Content-Signal: /songs/ ai-input=no, ai-train=no",
    )


@pytest.mark.parametrize(
    ("statement", "path", "uses"),
    [
        ("search=yes,ai-train=yes", "", {"search", "training"}),
        ("/blog/ ai-input=Yes", "/blog/", {"ai_input"}),
        ("ai-train=no, use=reference", "", set()),
        ("nonsense", "", set()),
        ("", "", set()),
    ],
)
def test_content_signals_of_others_are_read(statement: str, path: str, uses: set[str]) -> None:
    assert VOCABULARY.content_signals.granted(statement) == (path, uses)


@pytest.mark.parametrize(
    ("statement", "path", "uses"),
    [
        ("train-ai=y, search=n", "", {"training"}),
        ("/blog/ ai-use=y;x=1", "/blog/", {"ai_input"}),
        ('train-ai="y"', "", {"training"}),
        ("train-ai, ai-use=n", "", set()),
        ("=", "", set()),
    ],
)
def test_content_usage_of_others_is_read(statement: str, path: str, uses: set[str]) -> None:
    assert VOCABULARY.aipref.granted(statement) == (path, uses)
