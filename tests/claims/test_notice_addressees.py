"""The file of addressees: read as people save it, and every mistake named with its line."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO

import pytest

from notice_support import row
from vorbehalt.claims.notice.addressees import COLUMNS, EXAMPLE, Book, read_addressees

TODAY = date(2026, 11, 26)


def book_of(*rows: dict[str, str], delimiter: str = ",") -> Book:
    out = StringIO()
    table = csv.DictWriter(out, COLUMNS, delimiter=delimiter)
    table.writeheader()
    table.writerows({**one, "date": one.get("date", "")} for one in rows)
    return read_addressees("a.csv", out.getvalue().encode(), TODAY)


def fine(**changed: str) -> dict[str, str]:
    return row(**{"date": "2026-11-01", **changed})


def said(book: Book) -> list[str]:
    return [str(problem) for problem in book.problems]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_is_read_with_any_delimiter_bom_comments_and_lines_in_quotes(delimiter: str) -> None:
    out = StringIO()
    table = csv.writer(out, delimiter=delimiter)
    table.writerow([name.upper().replace("_", " ") for name in COLUMNS])
    one = fine(legal_name='The "Example", Ltd', address="1 Quay Street\n# 2nd floor\nDublin 2")
    table.writerow([one[name] for name in COLUMNS])
    table.writerow([fine(email="none")[name] for name in COLUMNS])
    text = f"\ufeff# kept by the legal department\r\n\r\n{out.getvalue()}\r\n# the end\r\n"
    book = read_addressees("a.csv", text.encode(), TODAY)
    assert said(book) == []
    first, second = book.rows
    assert (first.line, second.line) == (4, 7)
    assert first.legal_name == 'The "Example", Ltd'
    assert first.address == ("1 Quay Street", "# 2nd floor", "Dublin 2")
    assert (second.email, second.address) == ("", ("1 Quay Street", "Dublin 2"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        *(({name: ""}, f"{name} is empty") for name in COLUMNS if name != "eu_representative"),
        (
            {"eu_representative": "", "country": "US"},
            "eu_representative is empty; write none if there is none",
        ),
        ({"kind": "firm"}, "kind is one of company, research, heritage"),
        ({"country": "Ireland"}, "country is a code of two letters such as IE"),
        ({"language": "it"}, "language is one of de, en, fr"),
        ({"email": "nobody"}, "email is no address, or write none"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email is no address, or write none"),
        ({"date": "26.11.2026"}, "date is a day like 2026-11-23: when the row was last checked"),
        ({"date": "2026-11-27"}, "2026-11-27 is in the future"),
        ({"date": "2026-05-29"}, "the row was last checked 181 days ago"),
        ({"legal_name": "FILL IN: name"}, "legal_name still holds a placeholder: FILL IN"),
        ({"address": "{{ address }}"}, "address still holds a placeholder: {{"),
        ({"rights_contact": "[NAME]"}, "rights_contact still holds a placeholder: [NAME]"),
        ({"seat": "TBD"}, "seat still holds a placeholder: TBD"),
        ({"source": "_____"}, "source still holds a placeholder: _____"),
        ({"legal_name": "x" * 201}, "legal_name is longer than 200 characters"),
    ],
)
def test_what_is_missing_wrong_or_old_stops_the_row_with_its_line(
    changed: dict[str, str], message: str
) -> None:
    book = book_of(fine(operator="First"), fine(**changed), fine(operator="Last"))
    assert [line[: len(f"a.csv:3: V133 {message}")] for line in said(book)] == [f"a.csv:3: V133 {message}"]
    assert [one.operator for one in book.rows] == ["First", "Last"]


def test_a_row_is_good_for_180_days_and_no_longer() -> None:
    assert said(book_of(fine(date="2026-05-30"))) == []
    assert len(said(book_of(fine(date="2026-05-29")))) == 1


def test_a_seat_in_the_eea_needs_no_representative_and_none_says_that_there_is_none() -> None:
    assert said(book_of(fine(country="NO", eu_representative=""))) == []
    book = book_of(fine(country="US", eu_representative="None"))
    assert (said(book), book.rows[0].eu_representative) == ([], "")


def test_all_mistakes_of_a_row_are_named_at_once() -> None:
    assert len(said(book_of(fine(kind="x", country="x", language="x", email="x", date="x")))) == 5


def test_the_same_recipient_twice_is_named() -> None:
    assert said(book_of(fine(), fine(legal_name="EXAMPLE AI LTD"))) == [
        "a.csv:3: V133 the same recipient as in line 2"
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.csv:1: V133 the file is empty"),
        (b"# only this\n\n", "a.csv:1: V133 the file is empty"),
        (b"operator,legal_name\nx,y\n", "a.csv:1: V133 the first row lacks the columns kind, seat"),
        (",".join((*COLUMNS, "email")).encode(), "a.csv:1: V133 two columns are called email"),
        (b"\xff\xfea\x00", "a.csv:1: V133 the file is UTF-16; save it as CSV UTF-8"),
        (b"# \xe4\noperator", "a.csv:1: V133 the line is not UTF-8"),
        (b"ok\n\xe4", "a.csv:2: V133 the line is not UTF-8"),
        (",".join(COLUMNS).encode() + b'\n"open', "a.csv:2: V133 the file cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(data: bytes, message: str) -> None:
    book = read_addressees("a.csv", data, TODAY)
    assert not book.is_usable
    assert said(book)[0].startswith(message)


def test_a_row_with_too_few_cells_is_named_and_the_others_are_read() -> None:
    out = StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    table.writerow(["OpenAI", "x"])
    table.writerow([fine()[name] for name in COLUMNS])
    book = read_addressees("a.csv", out.getvalue().encode(), TODAY)
    assert said(book) == ["a.csv:2: V133 the row has 2 cells, the first row has 12"]
    assert len(book.rows) == 1


def test_the_template_is_read_and_stops_until_it_is_filled_in() -> None:
    book = read_addressees("a.csv", EXAMPLE.encode(), TODAY)
    assert (book.is_usable, book.rows) == (True, [])
    keys = {problem.key for problem in book.problems}
    assert keys == {"legal_name", "seat", "address", "rights_contact", "source", "date"}
