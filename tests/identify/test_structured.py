"""Structured fields: what the standard says, and the same as an independent library says."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.identify.structured import (
    Date,
    DisplayString,
    InnerList,
    Item,
    Token,
    parse_dictionary,
    parse_item,
    serialize_dictionary,
    serialize_member,
)


def plain(value: Any) -> Any:
    """Our values in the shape of the library's: (value, parameters)."""
    if isinstance(value, InnerList):
        return [plain(item) for item in value.items], bare_all(value.parameters)
    return bare(value.value), bare_all(value.parameters)


def bare(value: Any) -> Any:
    if isinstance(value, Token):
        return http_sf.Token(value.text)
    if isinstance(value, Date):
        return ("date", value.seconds)
    if isinstance(value, DisplayString):
        return http_sf.DisplayString(value.text)
    return value


def bare_all(parameters: Any) -> Any:
    return {key: bare(value) for key, value in parameters.items()}


def theirs(value: Any) -> Any:
    """The library's dates in our shape; all else as it is."""
    if isinstance(value, dict):
        return {key: theirs(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(theirs(part) for part in value)
    if hasattr(value, "timestamp"):
        return ("date", int(value.timestamp()))
    return value


GOOD = [
    b"",
    b"a=1",
    b"a=-1, b;x=?0;y",
    b"a=?1",
    b"a=(), b=( 1  2 );p",
    b'a=("x" "y";k="v");created=1;tag="t"',
    b"sig1=:aGVsbG8=:",
    b'a="q\\"\\\\"',
    b"a=tok/en:x;type=jwks_uri",
    b"a=1.5, b=-0.125, c=999999999999.999",
    b"a=999999999999999",
    b"a=@1659578233",
    b'a=%"f%c3%bc"',
    b"a=1,\t b=2",
    b"  a=1  ",
    b"*k.-_9=1",
    b"a=1, b=2, a=3;z",
    b"a;x=1;x=2",
]
BAD = [
    b",",
    b"a=1,",
    b"a=1 b=2",
    b"A=1",
    b"a=",
    b'a="x',
    b'a="\xc3\xbc"',
    b'a="\\x"',
    b"a=(1 2",
    b"a=(1,2)",
    b'a=("x""y")',
    b"a=1.",
    b"a=1.2345",
    b"a=1234567890123456",
    b"a=1234567890123.1",
    b"a=-",
    b"a=:a:",
    b"a=:a b=:",
    b"a=?2",
    b"a=@1.5",
    b"a=@x",
    b"a=@253402300800",
    b"a=@-62135596801",
    b'a=%"%C3"',
    b'a=%"%c3"',
    b"a=1; =2",
    b"a=1;",
    b"\ta=1",
    b"a=1\n",
    b"a =1",
    b"=1",
    b"a=1\x00",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_library_reads_is_read_alike(text: bytes) -> None:
    expected = theirs(http_sf.parse(text, tltype="dictionary")) if text.strip() else {}
    assert {key: plain(member) for key, member in parse_dictionary(text).items()} == expected


@pytest.mark.parametrize("text", BAD)
def test_what_is_malformed_is_refused_by_both(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"at character|not ASCII"):
        parse_dictionary(text)
    with pytest.raises(ValueError):  # noqa: PT011 its errors are ValueErrors of many texts
        http_sf.parse(text, tltype="dictionary")


@given(st.text(alphabet='ab1(" );=,:?\\.-*@%\t/', max_size=24))
def test_near_misses_are_judged_as_the_library_judges_them(text: str) -> None:
    raw = text.encode()
    try:
        expected = theirs(http_sf.parse(raw, tltype="dictionary"))
    except ValueError:
        expected = None
    try:
        found: Any = {key: plain(member) for key, member in parse_dictionary(raw).items()}
    except ValueError:
        found = None
    if not text.strip(" "):
        return  # an empty field: the library wants to know of none
    assert found == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for read in (parse_dictionary, parse_item):
        with contextlib.suppress(ValueError):
            read(raw)


values = st.one_of(
    st.booleans(),
    st.integers(-999_999_999_999_999, 999_999_999_999_999),
    st.decimals(-999_999_999_999, 999_999_999_999, places=3),
    st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
    st.binary(max_size=20),
    st.sampled_from([Token("a"), Token("*x/y:z")]),
    st.integers(-62_135_596_800, 253_402_300_799).map(Date),
    st.text(max_size=10).filter(lambda text: text.isprintable()).map(DisplayString),
)
names = st.from_regex(r"[a-z*][a-z0-9_\-.*]{0,8}", fullmatch=True)
parameters = st.dictionaries(names, values, max_size=3)
items = st.builds(Item, values, parameters)
members = st.one_of(items, st.builds(InnerList, st.lists(items, max_size=4).map(tuple), parameters))


@given(st.dictionaries(names, members, min_size=1, max_size=4))
def test_what_is_written_is_read_again_and_read_alike_by_the_library(found: Any) -> None:
    text = serialize_dictionary(found)
    assert parse_dictionary(text.encode()) == found
    assert theirs(http_sf.parse(text.encode(), tltype="dictionary")) == {
        key: plain(member) for key, member in found.items()
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"( 1   2 );a=?1", "(1 2);a"),
        (b"1.50", "1.5"),
        (b"10.0", "10.0"),
        (b"0100", "100"),
        (b"-0", "0"),
        (b":aGk:", ":aGk=:"),
        (b"x;  a;b=?0", "x;a;b=?0"),
    ],
)
def test_writing_gives_the_one_canonical_form(text: bytes, written: str) -> None:
    assert serialize_member(parse_dictionary(b"k=" + text)["k"]) == written


@pytest.mark.parametrize("value", ["\n", "ü", 10**15, -(10**15)])
def test_what_has_no_form_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"string|large"):
        serialize_member(Item(value))


def test_a_decimal_keeps_three_digits() -> None:
    assert serialize_member(Item(Decimal("0.002"))) == "0.002"
    assert serialize_member(Item(Decimal("1000000"))) == "1000000.0"


def test_an_item_ends_where_the_field_ends() -> None:
    assert parse_item(b' "https://a.example" ') == Item("https://a.example")
    with pytest.raises(ValueError, match="something follows"):
        parse_item(b'"a", "b"')
