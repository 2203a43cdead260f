"""Identifiers: one spelling of each, and a check digit that is wrong never passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.works.identifiers import SCHEMES, IdentifierError, parse_identifier, read_identifier


@pytest.mark.parametrize(
    ("scheme", "text", "spelling"),
    [
        ("isrc", "ISRC DE-UM7-26-00001", "isrc:DEUM72600001"),
        ("isrc", "usrc17607839", "isrc:USRC17607839"),
        ("iswc", "T-034.524.680-1", "iswc:T0345246801"),
        ("isbn", "0-306-40615-2", "isbn:9780306406157"),
        ("isbn", "978-0-306-40615-7", "isbn:9780306406157"),
        ("isbn", "0-8044-2957-X", "isbn:9780804429573"),
        ("issn", "0378-5955", "issn:0378-5955"),
        ("issn", "2434561x", "issn:2434-561X"),
        ("isni", "0000 0001 2103 2683", "isni:0000000121032683"),
        ("isni", "0000-0001-2150-090X", "isni:000000012150090X"),
        ("doi", "https://doi.org/10.1000/Ab%3Cc", "doi:10.1000/ab<c"),
        ("doi", "DOI: 10.1000/182", "doi:10.1000/182"),
        ("iscc", "ISCC:KACYPXW445FTYNJ3", "iscc:KACYPXW445FTYNJ3"),
        ("own", "LP-17/3", "own:LP-17/3"),
        ("own", "Löffel musik", "own:L%C3%B6ffel%20musik"),
    ],
)
def test_each_kind_has_one_spelling(scheme: str, text: str, spelling: str) -> None:
    assert parse_identifier(scheme, text) == spelling
    assert read_identifier(spelling) == spelling


@pytest.mark.parametrize(
    ("text", "digit"),
    [
        ("iswc:T-034.524.680-2", "1, not 2"),
        ("isbn:0-306-40615-3", "2, not 3"),
        ("isbn:9780306406158", "7, not 8"),
        ("issn:0378-5954", "5, not 4"),
        ("issn:2434-5610", "X, not 0"),
        ("isni:0000000121032684", "3, not 4"),
    ],
)
def test_a_wrong_check_digit_is_named_with_the_right_one(text: str, digit: str) -> None:
    with pytest.raises(IdentifierError, match=f"check digit of .* is wrong: it would be {digit}"):
        read_identifier(text)


@pytest.mark.parametrize(
    "text",
    ["isrc:DEUM7260000", "isrc:12UM72600001", "iswc:034", "isbn:977", "issn:1", "isni:1", "doi:11.1/x",
     "iscc:0189", "own:", "own:\x1b", "", "isbn:\ud800"],
)  # fmt: skip
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError):
        read_identifier(text)


@pytest.mark.parametrize(
    ("scheme", "good"),
    [("isbn", "9780306406157"), ("issn", "03785955"), ("isni", "0000000121032683")],
)
def test_no_single_wrong_digit_passes(scheme: str, good: str) -> None:
    for place in range(len(good)):
        for digit in "0123456789":
            if good[place] == digit or (scheme == "isbn" and place < 3):
                continue
            with pytest.raises(IdentifierError):
                parse_identifier(scheme, good[:place] + digit + good[place + 1 :])


@given(st.sampled_from(SCHEMES), st.text(max_size=40))
def test_any_text_is_one_printable_word_or_refused(scheme: str, text: str) -> None:
    said = ""
    found = f"{scheme}:x"
    try:
        found = parse_identifier(scheme, text)
        assert read_identifier(found) == found
    except IdentifierError as error:
        said = str(error)
    assert (said + found).isprintable()
    assert found.isascii()
    assert " " not in found
