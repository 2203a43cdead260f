"""Structured field values (RFC 9651), read and written strictly: what signatures are spelled in."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Token:
    """A bare word (RFC 9651 section 3.3.4)."""

    text: str


@dataclass(frozen=True, slots=True)
class Date:
    """Seconds since 1970 (RFC 9651 section 3.3.7)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class DisplayString:
    """Text beyond ASCII (RFC 9651 section 3.3.8)."""

    text: str


Bare = bool | int | Decimal | str | bytes | Token | Date | DisplayString
Parameters = Mapping[str, Bare]


@dataclass(frozen=True, slots=True)
class Item:
    """One value with its parameters, in order."""

    value: Bare
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InnerList:
    """Items in parentheses, with parameters of the list itself."""

    items: tuple[Item, ...]
    parameters: Parameters = field(default_factory=dict)


Member = Item | InnerList

_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_NUMBER: Final = re.compile(r"-?([0-9]+)(?:\.([0-9]*))?")
_STRING: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
_DATE: Final = re.compile(r"@(-?[0-9]{1,15})(?![0-9.])")
_DISPLAY: Final = re.compile(r'%"((?:[ !#$&-~]|%[0-9a-f]{2})*)"')
_ESCAPE: Final = re.compile(r'\\(["\\])')
_OWS: Final = re.compile(r"[ \t]*")
_SPACES: Final = re.compile(r" *")
_MOST_DIGITS: Final = 15
_MOST_WHOLE: Final = 12
_MOST_FRACTION: Final = 3
_LARGEST: Final = 999_999_999_999_999
_FIRST_DATE: Final = -62_135_596_800
_LAST_DATE: Final = 253_402_300_799


def parse_dictionary(field_value: bytes) -> dict[str, Member]:
    """Read a Dictionary (RFC 9651 section 4.2.2); of a key that stands twice the last value counts.

    Lines of the field are joined by commas before. Raises ValueError with the place.
    """
    reader = _Reader(field_value)
    found: dict[str, Member] = {}
    if reader.is_at_end():
        return found
    while True:
        key = reader.key()
        if reader.takes("="):
            found[key] = reader.member()
        else:
            found[key] = Item(True, reader.parameters())
        reader.skip(_OWS)
        if reader.is_at_end():
            return found
        reader.expect(",")
        reader.skip(_OWS)
        if reader.is_at_end():
            raise reader.mistake("nothing follows the comma")


def parse_item(field_value: bytes) -> Item:
    """Read a single Item (RFC 9651 section 4.2.3). Raises ValueError with the place."""
    reader = _Reader(field_value)
    item = reader.item()
    if not reader.is_at_end():
        raise reader.mistake("something follows the item")
    return item


def serialize_member(member: Member) -> str:
    """Write an Item or Inner List with its parameters (RFC 9651 sections 4.1.1.1 and 4.1.3).

    Raises ValueError for a value that has no such form.
    """
    if isinstance(member, InnerList):
        inner = " ".join(serialize_member(item) for item in member.items)
        return f"({inner})" + _serialize_parameters(member.parameters)
    return _serialize_bare(member.value) + _serialize_parameters(member.parameters)


def serialize_dictionary(members: Mapping[str, Member]) -> str:
    """Write a Dictionary (RFC 9651 section 4.1.2)."""
    return ", ".join(
        key + _serialize_parameters(member.parameters)
        if isinstance(member, Item) and member.value is True
        else f"{key}={serialize_member(member)}"
        for key, member in members.items()
    )


class _Reader:
    """Goes through one field value from left to right."""

    __slots__ = ("_at", "_end", "_text")

    def __init__(self, field_value: bytes) -> None:
        try:
            self._text = field_value.decode("ascii").strip(" ")
        except UnicodeDecodeError as error:
            raise ValueError("not ASCII") from error
        self._at = 0
        self._end = len(self._text)

    def mistake(self, what: str) -> ValueError:
        return ValueError(f"{what} (at character {self._at})")

    def is_at_end(self) -> bool:
        return self._at >= self._end

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()

    def takes(self, mark: str) -> bool:
        if self._text.startswith(mark, self._at):
            self._at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.takes(mark):
            raise self.mistake(f"{mark!r} is missing")

    def key(self) -> str:
        return self._match(_KEY, "no key")[0]

    def member(self) -> Member:
        return self._inner_list() if self._text.startswith("(", self._at) else self.item()

    def item(self) -> Item:
        return Item(self._bare(), self.parameters())

    def parameters(self) -> dict[str, Bare]:
        found: dict[str, Bare] = {}
        while self.takes(";"):
            self.skip(_SPACES)
            key = self.key()
            found[key] = self._bare() if self.takes("=") else True
        return found

    def _inner_list(self) -> InnerList:
        self.expect("(")
        items: list[Item] = []
        while True:
            self.skip(_SPACES)
            if self.takes(")"):
                return InnerList(tuple(items), self.parameters())
            items.append(self.item())
            if self._text[self._at : self._at + 1] not in (" ", ")"):
                raise self.mistake("items of a list are parted by spaces")

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise self.mistake(what)
        self._at = match.end()
        return match

    def _bare(self) -> Bare:
        first = self._text[self._at : self._at + 1]
        if first == '"':
            return _ESCAPE.sub(r"\1", self._match(_STRING, "no string")[1])
        if first == ":":
            return self._bytes()
        if first == "?":
            self._at += 1
            if self.takes("1"):
                return True
            self.expect("0")
            return False
        if first == "@":
            seconds = int(self._match(_DATE, "no date")[1])
            if not _FIRST_DATE <= seconds <= _LAST_DATE:
                raise self.mistake("a date outside the years 1 to 9999")
            return Date(seconds)
        if first == "%":
            return self._display()
        if first == "-" or "0" <= first <= "9":
            return self._number()
        return Token(self._match(_TOKEN, "no value")[0])

    def _number(self) -> int | Decimal:
        match = self._match(_NUMBER, "no number")
        whole, fraction = match[1], match[2]
        if fraction is None:
            if len(whole) > _MOST_DIGITS:
                raise self.mistake("too many digits")
            return int(match[0])
        if len(whole) > _MOST_WHOLE or not 1 <= len(fraction) <= _MOST_FRACTION:
            raise self.mistake("no decimal")
        return Decimal(match[0])

    def _bytes(self) -> bytes:
        text = self._match(_BYTES, "no byte sequence")[1].rstrip("=")
        try:
            return b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError as error:
            raise self.mistake("no base64") from error

    def _display(self) -> DisplayString:
        text = self._match(_DISPLAY, "no display string")[1]
        raw = re.sub(rb"%([0-9a-f]{2})", lambda hit: bytes.fromhex(hit[1].decode()), text.encode("ascii"))
        try:
            return DisplayString(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise self.mistake("a display string must be UTF-8") from error


def _serialize_parameters(parameters: Parameters) -> str:
    return "".join(
        f";{key}" if value is True else f";{key}={_serialize_bare(value)}"
        for key, value in parameters.items()
    )


def _serialize_bare(value: Bare) -> str:
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, int):
        if not -_LARGEST <= value <= _LARGEST:
            raise ValueError(f"{value} is too large for an integer")
        return str(value)
    if isinstance(value, Decimal):
        text = str(value.quantize(Decimal("0.001")).normalize() + 0)
        return text if "." in text else f"{value:.1f}"
    if isinstance(value, str):
        if not value.isascii() or not value.isprintable():
            raise ValueError("a string is printable ASCII")
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f":{b64encode(value).decode('ascii')}:"
    if isinstance(value, Token):
        return value.text
    if isinstance(value, Date):
        return f"@{value.seconds}"
    shown = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'%"' else f"%{byte:02x}"
        for byte in value.text.encode("utf-8")
    )
    return f'%"{shown}"'
