"""Rules documents (TOML) of this room to typed values: strict, and all mistakes at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, TypeVar

from vorbehalt.errors import RulesError

Table = Mapping[str, object]
Parameter = int | float | str | tuple[str, ...]
T = TypeVar("T")

FORMAT: Final = 1
_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    date: "date",
    bool: "boolean",
    dict: "table",
    int: "number",
}


class Reader:
    """Takes typed values out of the tables of one document and notes what is wrong, with the place."""

    __slots__ = ("_mistakes", "file", "place")

    def __init__(self, file: str, mistakes: list[str]) -> None:
        self.file = file
        self.place = ""
        self._mistakes = mistakes

    def fail(self, message: str) -> None:
        """Note a mistake."""
        self._mistakes.append(f"{self.file}: {self.place + ': ' if self.place else ''}{message}")

    def load(self, documents: Mapping[str, bytes]) -> Table:
        """The document as a table; empty after a mistake that leaves nothing to read."""
        body = documents.get(self.file)
        if body is None:
            self._mistakes.append(f"{self.file} is missing")
            return {}
        try:
            table: Table = tomllib.loads(body.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            self.fail(f"not readable as TOML: {error}")
            return {}
        if table.get("format") != FORMAT or table.get("format") is True:
            self.fail(f"format must be {FORMAT}")
            return {}
        return table

    def known(self, table: Table, keys: frozenset[str]) -> None:
        """Note every key that has no meaning."""
        if not table.keys() <= keys:
            self.fail(f"unknown key {', '.join(sorted(table.keys() - keys))}")

    def value(self, table: Table, key: str, kind: type[T], default: T) -> T:
        """The value of a key, or the default, which is noted as a mistake unless the key may be missing."""
        value = table.get(key, default)
        # bool is an int and datetime a date to isinstance; neither is meant where the other is.
        wrong = isinstance(value, bool) and kind is not bool
        wrong |= isinstance(value, datetime) and kind is date
        if wrong or not isinstance(value, kind):
            self.fail(f"{key} must be a {_NAMES.get(kind, kind.__name__)}, not {value!r}")
            return default
        return value

    def text(self, table: Table, key: str) -> str:
        """A text that must be there."""
        text = self.value(table, key, str, "")
        if not text.strip():
            self.fail(f"{key} is missing or empty")
        return text

    def number(self, table: Table, key: str, least: int, most: int) -> int:
        """A whole number that must be there, within bounds."""
        if key not in table:
            self.fail(f"{key} is missing")
            return least
        number = self.value(table, key, int, least)
        if not least <= number <= most:
            self.fail(f"{key} must be from {least} to {most}, not {number}")
        return number

    def one_of(self, table: Table, key: str, allowed: Sequence[str], default: str = "") -> str:
        """One of some words."""
        word = self.value(table, key, str, default)
        if word not in allowed:
            self.fail(f"{key} must be one of {' '.join(allowed)}, not {word!r}")
            return allowed[0]
        return word

    def texts(self, table: Table, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not there."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.fail(f"{key} must be a list of non-empty strings, not {value!r}")
            return ()
        return tuple(value)

    def table(self, table: Table, key: str) -> Table:
        """A table below; empty if it is not there."""
        value = table.get(key, {})
        if not isinstance(value, dict):
            self.fail(f"{key} must be a table")
            return {}
        return value

    def tables(self, table: Table, key: str) -> list[Table]:
        """The tables of `[[key]]`."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fail(f"{key} must be written as [[{key}]]")
            return []
        return value

    def parameters(self, table: Table, key: str) -> dict[str, Parameter]:
        """Numbers, texts and lists of texts by name."""
        found: dict[str, Parameter] = {}
        for name, value in self.table(table, key).items():
            if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
                found[name] = tuple(value)
            elif isinstance(value, int | float | str) and not isinstance(value, bool):
                found[name] = value
            else:
                self.fail(f"{key}.{name} must be a number, a string or a list of strings, not {value!r}")
        return found


def settle(mistakes: Sequence[str]) -> None:
    """Raise RulesError with all mistakes, one a line, if there are any."""
    if mistakes:
        raise RulesError("\n".join(mistakes))
