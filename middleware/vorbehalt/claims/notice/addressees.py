"""Whom letters go to: a CSV file that its owner keeps, one row for each recipient. Pure: the day is given."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from vorbehalt.claims.notice.kinds import LANGUAGES
from vorbehalt.claims.notice.wording import one_line
from vorbehalt.errors import Problem

COLUMNS = (
    "operator", "legal_name", "kind", "seat", "address", "country", "eu_representative", "rights_contact",
    "email", "language", "source", "date",
)  # fmt: skip
COMPANY, RESEARCH, HERITAGE = KINDS = ("company", "research", "heritage")
NONE = "none"
"""Stands for "there is none", where that may be: no e-mail address, no representative."""
MAX_AGE_DAYS = 180
MAX_CELL = 200
MAX_BYTES = 8 << 20
UNFILLED = re.compile(
    r"FILL IN|\{\{|\}\}|\{%|\[\[|<<|>>|\$\{|\bTODO\b|\bTBD\b|\bXXX+\b|\?\?\?|_{3,}|\.{4,}"
    r"|\[(?:[A-Z][A-Z _-]+|name|date|address|number|amount|Name|Datum|Adresse|Betrag|nom|adresse)\]",
)  # fmt: skip
"""What somebody wanted to fill in later."""

_EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]\\]{1,64}@[A-Za-z0-9.-]{1,190}")
_EEA = {
    *("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IS", "IE", "IT"),
    *("LV", "LI", "LT", "LU", "MT", "NL", "NO", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
}
_DELIMITERS = ",;\t"
Flaw = Callable[[int, str, str], None]


@dataclass(frozen=True, slots=True)
class Addressee:
    """One row. Texts are one line each and harmless; `address` are the lines of the postal address."""

    line: int
    operator: str
    legal_name: str
    kind: str
    seat: str
    address: tuple[str, ...]
    country: str
    eu_representative: str
    rights_contact: str
    email: str
    language: str
    source: str
    date: str

    @property
    def is_research(self) -> bool:
        """True if Article 3 of the directive, not Article 4, is what concerns it."""
        return self.kind in (RESEARCH, HERITAGE)

    @property
    def key(self) -> tuple[str, str, str]:
        """Two rows with the same key are the same recipient."""
        return (self.operator.casefold(), self.legal_name.casefold(), self.email.casefold())


@dataclass(slots=True)
class Book:
    """What a file holds: rows that can be written to, and by line what is wrong with the others.

    A problem at line 0 or 1 means that nothing of the file can be used.
    """

    rows: list[Addressee] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    """By line the operator of every row, of wrong ones too."""
    is_usable: bool = True


def read_addressees(file: str, data: bytes, today: date) -> Book:
    """Read the file (RFC 4180; commas, semicolons or tabs; a BOM may lead; lines with # are comments)."""
    book = Book()

    def flaw(line: int, key: str, message: str) -> None:
        book.problems.append(Problem(file, line, key, "V133", message))

    text = _text(data, flaw)
    if text is None:
        book.is_usable = False
        return book
    seen: dict[tuple[str, str, str], int] = {}
    try:
        rows = _rows(text)
        head_line, head = next(rows, (1, []))
        columns = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in head]
        if not _usable(columns, head_line, flaw):
            book.is_usable = False
            return book
        for line, cells in rows:
            if len(cells) != len(columns):
                flaw(line, "", f"the row has {len(cells)} cells, the first row has {len(columns)}")
                continue
            raw = dict(zip(columns, cells, strict=True))
            book.names[line] = one_line(raw["operator"])
            before = len(book.problems)
            row = _row(line, raw)
            for key, message in _flaws(row, raw, today):
                flaw(line, key, message)
            if (first := seen.setdefault(row.key, line)) != line:
                flaw(line, "legal_name", f"the same recipient as in line {first}")
            if len(book.problems) == before:
                book.rows.append(row)
    except csv.Error as error:
        flaw(_last_line(text), "", f"the file cannot be read as CSV: {error}")
        book.is_usable = False
    return book


def _text(data: bytes, flaw: Flaw) -> str | None:
    if len(data) > MAX_BYTES:
        flaw(0, "", f"the file is larger than {MAX_BYTES >> 20} MiB")
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        flaw(1, "", "the file is UTF-16; save it as CSV UTF-8")
        return None
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        flaw(line, "", "the line is not UTF-8; save the file as CSV UTF-8")
        return None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line at which each row begins, and its cells. Comments and empty rows are passed over."""
    lines = text.replace("\r\n", "\n").split("\n")
    position = 0
    begins = 0
    between = True

    def feed() -> Iterator[str]:
        nonlocal position, begins, between
        while position < len(lines):
            line = lines[position]
            position += 1
            if between:
                if line.lstrip().startswith("#") or not line.strip():
                    continue
                if position == 1 and re.fullmatch(r"sep=.", line.strip(), re.I):
                    continue
                begins = position
                between = False
            yield line + "\n"

    first = next((line for line in lines if line.strip() and not line.lstrip().startswith(("#", "sep="))), "")
    delimiter = max(_DELIMITERS, key=first.count)
    for cells in csv.reader(feed(), delimiter=delimiter, strict=True):
        between = True
        if any(map(str.strip, cells)):
            yield begins, cells


def _usable(columns: Sequence[str], line: int, flaw: Flaw) -> bool:
    if not any(columns):
        flaw(1, "", "the file is empty; vorbehalt notice addressees --example prints one to begin with")
        return False
    missing = [name for name in COLUMNS if name not in columns]
    twice = [name for name in dict.fromkeys(columns) if name and columns.count(name) > 1]
    if missing:
        flaw(line, missing[0], f"the first row lacks the columns {', '.join(missing)}")
    if twice:
        flaw(line, twice[0], f"two columns are called {', '.join(twice)}")
    return not missing and not twice


def _row(line: int, raw: Mapping[str, str]) -> Addressee:
    said = {name: one_line(raw[name].replace("\n", " ")) for name in COLUMNS}
    kept = {name: "" if said[name].lower() == NONE else said[name] for name in ("eu_representative", "email")}
    address = tuple(filter(None, map(one_line, re.split(r"[\n|]", raw["address"]))))
    return Addressee(
        line=line,
        operator=said["operator"],
        legal_name=said["legal_name"],
        kind=said["kind"].lower(),
        seat=said["seat"],
        address=address,
        country=said["country"].upper(),
        rights_contact=said["rights_contact"],
        language=said["language"].lower(),
        source=said["source"],
        date=said["date"],
        **kept,
    )


def _flaws(row: Addressee, raw: Mapping[str, str], today: date) -> Iterator[tuple[str, str]]:
    needs_none = row.country in _EEA or not re.fullmatch("[A-Z]{2}", row.country)
    for name in COLUMNS:
        cell = raw[name].strip()
        if not cell and not (name == "eu_representative" and needs_none):
            what = f"; write {NONE} if there is none" if name in ("eu_representative", "email") else ""
            yield name, f"{name} is empty{what}"
        elif len(cell) > MAX_CELL:
            yield name, f"{name} is longer than {MAX_CELL} characters"
        elif found := UNFILLED.search(cell):
            yield name, f"{name} still holds a placeholder: {one_line(found[0])}"
    if row.kind and row.kind not in KINDS:
        yield "kind", f"kind is one of {', '.join(KINDS)}"
    if row.country and not re.fullmatch("[A-Z]{2}", row.country):
        yield "country", "country is a code of two letters such as IE"
    if row.language and row.language not in LANGUAGES:
        yield "language", f"language is one of {', '.join(LANGUAGES)}"
    if row.email and not _EMAIL.fullmatch(row.email):
        yield "email", f"email is no address, or write {NONE}"
    yield from _age(row.date, today)


def _age(text: str, today: date) -> Iterator[tuple[str, str]]:
    if not text:
        return
    try:
        day = date.fromisoformat(text)
    except ValueError:
        yield "date", "date is a day like 2026-11-23: when the row was last checked"
        return
    if day > today:
        yield "date", f"{day} is in the future"
    elif (age := (today - day).days) > MAX_AGE_DAYS:
        yield (
            "date",
            f"the row was last checked {age} days ago; more than {MAX_AGE_DAYS} stop a letter:"
            " check it at its source and enter today's date",
        )


def _last_line(text: str) -> int:
    return text.rstrip("\n").count("\n") + 1


EXAMPLE = """\
# Whom letters go to. The file is yours: keep it where you keep your correspondence, never in the evidence.
# One row for each recipient. Lines that begin with # are passed over. Commas, semicolons or tabs.
#
# operator           the operator as the rules name it (vorbehalt rules show); for a party that runs no known
#                    crawler, its name: a declaration, a preservation request or a reminder may go to it
# legal_name         the legal person that you write to
# kind               company; research (research organisation) or heritage (library, museum, archive): these
#                    never get the wording of Article 4
# seat               town of the registered seat
# address            postal address; | or a line break in quotation marks between its lines
# country            code of two letters
# eu_representative  name and address of the representative in the Union; may be empty for a seat in the EEA;
#                    none: you looked, and there is none
# rights_contact     the person or office for copyright matters
# email              for the draft; none: the letter goes by post
# language           de, en or fr
# source             where all this was found (register, imprint), so that it can be checked again
# date               the day you last checked the row; more than 180 days ago stops the letter
operator,legal_name,kind,seat,address,country,eu_representative,rights_contact,email,language,source,date
OpenAI,FILL IN: legal name,company,FILL IN: town,FILL IN: street and number|FILL IN: postcode and town,IE,,\
FILL IN: who deals with copyright,none,en,FILL IN: register or imprint,FILL IN: 2026-11-23
"""
