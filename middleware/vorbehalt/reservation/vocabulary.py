"""How each channel spells the uses: read from the rules, because the drafts change their words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vorbehalt.errors import RulesError
from vorbehalt.reservation.uses import Stance, Use, Uses

DOCUMENT = "vocabularies.toml"
"""The document of the rules that spells the uses."""

_FORMAT = 1
_USES: tuple[Use, ...] = ("search", "training", "ai_input")
"""The uses that every vocabulary tells apart; mining as a whole is TDMRep's own."""

_LABEL = re.compile(r"[a-z*][a-z0-9_.*-]*")
_FIELD = re.compile(r"[A-Za-z][A-Za-z-]*")
_TOKEN = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class Labels:
    """One draft's words. `labels` in the order in which they are written; `field` names header or line."""

    field: str
    labels: Mapping[Use, str]
    allowed: str
    reserved: str

    def answer(self, stance: Stance) -> str:
        """The word for allowed or reserved."""
        return self.allowed if stance == "allow" else self.reserved

    def pairs(self, uses: Uses) -> list[tuple[str, Stance]]:
        """Label and stance of each use, in the order of the draft."""
        return [(label, uses.of(use)) for use, label in self.labels.items()]

    def granted(self, statement: str) -> tuple[str, set[Use]]:
        """Reads somebody's own line: its path (or "") and the uses it says yes to, in whatever spelling."""
        path, rest = "", statement
        if statement.startswith("/"):
            path, rest = (*statement.split(None, 1), "")[:2]
        use_of = {label.lower(): use for use, label in self.labels.items()}
        pairs = (pair.strip().split("=", 1) for pair in rest.split(",") if "=" in pair)
        return path, {
            use_of[label.strip().lower()]
            for label, answer in pairs
            if label.strip().lower() in use_of
            and answer.split(";")[0].strip(' "').lower() in ("y", "yes", self.allowed)
        }


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of all channels. `shared_training` are robots.txt tokens that mean "no AI training"."""

    aipref: Labels
    content_signals: Labels
    content_signals_comment: tuple[str, ...]
    rsl: Mapping[Use, str]
    rsl_all: str
    rsl_payments: Mapping[Use, str]
    robots_tag: tuple[str, ...]
    shared_training: tuple[str, ...] = ()

    @property
    def robots_tag_value(self) -> str:
        """The value of X-Robots-Tag and of the robots meta element where training is reserved."""
        return ", ".join(self.robots_tag)


_NO_WORDS = Labels("", MappingProxyType({}), "", "")
SILENT = Vocabulary(_NO_WORDS, _NO_WORDS, (), MappingProxyType({}), "", MappingProxyType({}), ())
"""Stands in where the rules cannot be read, so that all other mistakes are found; it is never served."""


def read_vocabulary(documents: Mapping[str, bytes]) -> Vocabulary:
    """Reads `vocabularies.toml` of the rules. Raises RulesError with all that is wrong, one a line."""
    body = documents.get(DOCUMENT)
    if body is None:
        raise RulesError(f"{DOCUMENT} is missing")
    try:
        data = tomllib.loads(body.decode())
    except ValueError as error:
        raise RulesError(f"{DOCUMENT}: {error}") from None
    reader = _Reader(data)
    vocabulary = reader.read()
    if reader.mistakes:
        raise RulesError("\n".join(f"{DOCUMENT}: {mistake}" for mistake in reader.mistakes))
    return vocabulary


class _Reader:
    """Reads the tables one by one and gathers what is wrong with them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self.mistakes: list[str] = []

    def read(self) -> Vocabulary:
        if self._data.get("format") != _FORMAT:
            self.mistakes.append(f"this version reads format = {_FORMAT}")
        rsl = self._table("rsl")
        return Vocabulary(
            aipref=self._labels("aipref"),
            content_signals=self._labels("content_signals"),
            content_signals_comment=self._texts("content_signals", "comment"),
            rsl=self._words("rsl", "labels"),
            rsl_all=self._word("rsl", rsl, "all", _LABEL),
            rsl_payments=self._words("rsl", "payments"),
            robots_tag=self._texts("robots_tag", "training", _LABEL),
            shared_training=self._texts("shared_training", "tokens", _TOKEN),
        )

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self._data.get(name)
        if isinstance(table, Mapping):
            return table
        self.mistakes.append(f"[{name}] is missing")
        return {}

    def _labels(self, name: str) -> Labels:
        table = self._table(name)
        return Labels(
            field=self._word(name, table, "field", _FIELD),
            labels=self._words(name, "labels"),
            allowed=self._word(name, table, "allowed", _LABEL),
            reserved=self._word(name, table, "reserved", _LABEL),
        )

    def _word(self, name: str, table: Mapping[str, Any], key: str, form: re.Pattern[str]) -> str:
        word = table.get(key)
        if isinstance(word, str) and form.fullmatch(word):
            return word
        self.mistakes.append(f"[{name}] {key} must be one word")
        return ""

    def _words(self, name: str, key: str) -> Mapping[Use, str]:
        words = self._data.get(name, {}).get(key) if isinstance(self._data.get(name), Mapping) else None
        table = words if isinstance(words, Mapping) else {}
        if set(table) != set(_USES):
            self.mistakes.append(f"[{name}.{key}] must name {', '.join(_USES)} and nothing else")
            return MappingProxyType({})
        found: dict[Use, str] = {}
        for use in table:
            found[use] = self._word(f"{name}.{key}", table, use, _LABEL)
        if key == "labels" and len(set(found.values())) < len(found):
            self.mistakes.append(f"[{name}.{key}] has one word for two uses")
        return MappingProxyType(found)

    def _texts(self, name: str, key: str, form: re.Pattern[str] | None = None) -> tuple[str, ...]:
        texts = self._table(name).get(key)
        if isinstance(texts, list) and all(
            isinstance(text, str) and text.isprintable() and (form is None or form.fullmatch(text))
            for text in texts
        ):
            return tuple(texts)
        self.mistakes.append(f"[{name}] {key} must be a list of {'words' if form else 'lines'}")
        return ()
