"""From the texts of one row to an entry: what is wrong is said field by field, all at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from vorbehalt.facts import normal_path
from vorbehalt.works.entry import BASES, RIGHTS, Contributor, Entry, Notes, Place, Right, Work
from vorbehalt.works.identifiers import SCHEMES, IdentifierError, parse_identifier, read_identifier

PLACES = ("path", "url", "paths", "urls")
WORK_FIELDS = ("id", "ids", *SCHEMES, "title", "contributors", "kind")
RIGHT_FIELDS = (
    "right", "basis", "territory", "from", "to", "share", "us_registration", "us_registration_date",
)  # fmt: skip
FIELDS = (*PLACES, *WORK_FIELDS, *RIGHT_FIELDS)

_ID_FIELDS = ("id", "ids", *SCHEMES)
MAX_TEXT = 500
_REMEMBERED = 4096
_FORMULA = ("=", "+", "-", "@")
_MAX_PATH = 2048
_ISNI = re.compile(r"(.*?)\s*[\[(<]\s*(?:isni[:\s]*)?([0-9 -]{15,30}[0-9Xx])\s*[\])>]\s*", re.S | re.I)
_TERRITORY = re.compile("[A-Z]{2}")
_WORLD = frozenset({"", "WORLD", "WORLDWIDE", "WW", "*"})
_SHARE = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?\s*%?")
_KIND = re.compile(r"[^\W_][\w .+/-]{0,59}")

Row = Mapping[str, str | list[str]]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


# Rows of a catalogue say the same of their rights and people again and again.
_people_known: dict[str, Contributor] = {}
_rights_known: dict[tuple[str, ...], Right] = {}


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[key] = value


class _Row:
    """One row on its way to an entry; `None` from a reader means that a flaw was noted."""

    def __init__(self, line: int, row: Row, notes: Notes) -> None:
        self._line = line
        self._row = row
        self._notes = notes
        self.is_fine = True

    def flaw(self, message: str) -> None:
        self.is_fine = False
        self._notes.flaw(self._line, message)

    def text(self, name: str, longest: int = MAX_TEXT) -> str:
        value = self._row.get(name)
        if not value:
            return ""
        text = ("; ".join(value) if isinstance(value, list) else value).strip()
        if text[:1] == "'" and text[1:2] in _FORMULA:
            text = text[1:]  # as spreadsheets, and `works scan`, keep a text from being a formula
        if len(text) > longest:
            self.flaw(f"{name} is longer than {longest} characters")
            return ""
        if "\x00" in text:
            self.flaw(f"{name} holds a NUL character")
            return ""
        return text

    def listed(self, name: str, separator: str = ";") -> list[str]:
        value = self._row.get(name)
        if not value:
            return []
        parts = value if isinstance(value, list) else value.split(separator)
        return [part for part in map(str.strip, parts) if part]

    def said(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return some fields as they came."""
        row = self._row
        return tuple(
            value if isinstance(value := row.get(name, ""), str) else "\n".join(value) for name in names
        )

    def choice(self, name: str, options: Iterable[str]) -> str:
        text = self.text(name).lower()
        if text and text not in options:
            self.flaw(f"{name} cannot be {_shown(text)}; use {', '.join(options)}")
            return ""
        return text

    def day(self, name: str) -> str:
        text = self.text(name)
        if not text:
            return ""
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            self.flaw(f"{name} {_shown(text)} is no date such as 2026-11-30")
            return ""


def read_entry(line: int, row: Row, rights: Iterable[Row], notes: Notes) -> Entry | None:
    """Return the entry of one row; None if something is wrong with it, which then stands in `notes`.

    `rights` are rows of their own where the form of the catalogue has them (JSON), else the row itself.
    """
    read = _Row(line, row, notes)
    ids = _ids(read)
    if not ids and read.is_fine:
        read.flaw(f"the row has no id; give one of {', '.join(SCHEMES)}")
    places = tuple(dict.fromkeys(_places(read)))
    people = tuple(_people(read))
    kind = read.text("kind", 60)
    if kind and not _KIND.fullmatch(kind):
        read.flaw(f"kind {_shown(kind)} is no word such as song, album, photograph")
    held = []
    for each in rights:
        part = _Row(line, each, notes)
        right = _right(part)
        read.is_fine &= part.is_fine
        if right is not None:
            held.append(right)
    title = read.text("title")
    if not read.is_fine:
        return None
    return Entry(line, Work(ids, title, people, kind, tuple(held)), places)


def _ids(read: _Row) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in _ID_FIELDS:
        for text in read.listed(name):
            try:
                found[parse_identifier(name, text) if name in SCHEMES else read_identifier(text)] = None
            except IdentifierError as error:
                read.flaw(str(error))
    return tuple(found)


def _places(read: _Row) -> Iterator[Place]:
    for name in PLACES:
        for text in read.listed(name, "\n" if name in ("path", "url") else ";"):
            if len(text) > _MAX_PATH:
                read.flaw(f"{name} is longer than {_MAX_PATH} characters")
                continue
            try:
                yield read_place(text)
            except ValueError as error:
                read.flaw(f"{name} {_shown(text)} {error}")


def read_place(text: str) -> Place:
    """Return the place of a path or a URL. ValueError says what is wrong, as the end of a sentence."""
    host = ""
    path = text
    if not text.startswith("/") or text.startswith("//"):
        try:
            parts = urlsplit(text)
            host = (parts.hostname or "").rstrip(".")
        except ValueError:
            raise ValueError("is no URL") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("is neither a path that begins with / nor a URL")
        path = text[text.find("://") + 3 :]
        path = path[path.find("/") :] if "/" in path else "/"
    if "?" in path or "#" in path:
        raise ValueError("holds a query or fragment, by which no work is found")
    return Place(normal_path(unquote(path, errors="surrogateescape")), host)


def _people(read: _Row) -> Iterator[Contributor]:
    for text in read.listed("contributors"):
        if (known := _people_known.get(text)) is not None:
            yield known
            continue
        isni = ""
        name = text
        if found := _ISNI.fullmatch(text):
            name = found[1].strip()
            try:
                isni = parse_identifier("isni", found[2]).partition(":")[2]
            except IdentifierError as error:
                read.flaw(str(error))
        if not 0 < len(name) <= MAX_TEXT:
            read.flaw("a contributor has no name, or one longer than 500 characters")
        person = Contributor(name, isni)
        if read.is_fine:
            _remember(_people_known, text, person)
        yield person


def _right(read: _Row) -> Right | None:
    said = read.said(RIGHT_FIELDS)
    if (known := _rights_known.get(said)) is None and any(said):
        known = _right_of(read)
        if known is not None and read.is_fine:
            _remember(_rights_known, said, known)
    return known


def _right_of(read: _Row) -> Right | None:
    right = read.choice("right", RIGHTS)
    basis = read.choice("basis", BASES)
    since, until = read.day("from"), read.day("to")
    if since and until and since > until:
        read.flaw(f"the right ends on {until}, before it begins on {since}")
    said = Right(
        right,
        basis,
        _territory(read),
        since,
        until,
        _share(read),
        read.text("us_registration", 40),
        read.day("us_registration_date"),
    )
    if not right:
        if read.is_fine and said != Right(""):
            read.flaw(f"the row says something of a right, but not of which; right is {', '.join(RIGHTS)}")
        return None
    return said


def _territory(read: _Row) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in re.split(r"[;,\s]+", " ".join(read.listed("territory")).upper()):
        if text in _WORLD:
            continue
        if not _TERRITORY.fullmatch(text):
            read.flaw(f"territory {_shown(text)} is no country code such as DE, nor world")
        found["GB" if text == "UK" else text] = None
    return tuple(sorted(found))


def _share(read: _Row) -> int | None:
    text = read.text("share")
    if not text:
        return None
    found = _SHARE.fullmatch(text)
    share = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else -1
    if not 0 < share <= 10_000:
        read.flaw(f"share {_shown(text)} is no percentage above 0 and up to 100, such as 33.33")
        return None
    return share


def _shown(text: str) -> str:
    cut = text if len(text) <= 80 else f"{text[:77]}..."
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + '"'
