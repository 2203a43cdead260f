"""The words of the pages in one language, and numbers, sizes and times as people of it write them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vorbehalt.errors import EvidenceError

LANGUAGES = ("en", "de")
_DECIMAL = {"en": ".", "de": ","}


class Say:
    """Calling it with a key of `words/LANGUAGE.toml` gives its words, with values put in by name."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise EvidenceError(f"no dossier in the language {language!r}: there are {', '.join(LANGUAGES)}")
        self.language = language
        self._words = _read(language)

    def __call__(self, key: str, **values: object) -> str:
        group, _, name = key.partition(".")
        text: str = self._words[group][name]
        return text.format_map(values) if values else text

    def term(self, group: str, code: str) -> str:
        """Return the words for a code of the records; one that is not known is shown as it stands."""
        found: str = self._words[group].get(code, code)
        return found

    def number(self, value: int) -> str:
        """Return a count; thousands are separated by a narrow space that does not break."""
        return f"{value:,}".replace(",", "\u202f")

    def size(self, value: int) -> str:
        """Return a number of bytes in decimal units, cut and not rounded up."""
        unit, scale = next(
            (unit, scale)
            for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("bytes", 1))
            if value >= scale or scale == 1
        )
        if scale == 1:
            return f"{value}\u202f{self('word.bytes')}"
        return f"{value // scale}{_DECIMAL[self.language]}{value * 10 // scale % 10}\u202f{unit}"

    def moment(self, text: str) -> str:
        """Return RFC 3339 UTC as date and time; empty: a dash."""
        return text.replace("T", " ").replace("Z", "\u00a0UTC") if text else "–"

    def day(self, text: str) -> str:
        """Return the date of RFC 3339 or ISO 8601."""
        return text[:10] if text else "–"


@cache
def _read(language: str) -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((files(__package__) / "words" / f"{language}.toml").read_text("utf-8"))
