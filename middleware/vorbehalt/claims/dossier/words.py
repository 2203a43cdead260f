"""The sentences of a dossier, by language and code. None accuses anybody; figures come in by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vorbehalt.claims.dossier.contents_told import (
    Statement,
)
from vorbehalt.claims.dossier.words_de import WORDS as GERMAN
from vorbehalt.claims.dossier.words_en import WORDS as ENGLISH

LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "de": GERMAN}


class Words:
    """What a code means in one language. KeyError for a code that no language has: a fault of ours."""

    def __init__(self, language: str, operator: str) -> None:
        self._said = LANGUAGES[language]
        self._operator = operator

    def say(self, code: str, **texts: object) -> str:
        return self._said[code].format(operator=self._operator, **texts)

    def statement(self, code: str, **figures: int) -> Statement:
        """Return a sentence with its figures."""
        return Statement(code, self.say(code, **figures), tuple(sorted(figures.items())))

    def plain(self, code: str, **texts: object) -> Statement:
        """Return a sentence with texts in it that are no figures."""
        return Statement(code, self.say(code, **texts))


def missing_us(language: str, code: str) -> str:
    """Return what a code of `ScheduledWork.missing_us` means."""
    return LANGUAGES[language][f"us.{code}"]
