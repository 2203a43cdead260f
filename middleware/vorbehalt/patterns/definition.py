"""One finding as the rules define it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vorbehalt.facts import Finding
from vorbehalt.patterns.reading import Parameter

Level = Literal["observe", "limit", "challenge", "block"]
State = Literal["none", "client", "cohort"]

LEVELS: Final[tuple[Level, ...]] = ("observe", "limit", "challenge", "block")
"""From the mildest to the hardest."""


@dataclass(frozen=True, slots=True)
class Text:
    """What people read about a finding; `innocent` are its known causes that accuse nobody."""

    title: str
    means: str
    observed: str
    expected: str
    innocent: tuple[str, ...]
    reader: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One finding as defined. `needs` are names of `seen.NEEDS`: unless all are given, it is not made.

    `alone_at_most`: the hardest level that is reached while there is evidence of one kind only (`score.py`).
    `conclusive`: a block needs no second family; with a parameter `repeated_weight` only from that weight on.
    """

    id: str
    version: int
    family: str
    weight: int
    needs: frozenset[str]
    state: State
    alone_at_most: Level
    conclusive: bool
    parameters: Mapping[str, Parameter]
    text: Text
    sources: tuple[str, ...] = ()

    def number(self, name: str) -> float:
        """A parameter that is a number. Raises KeyError, TypeError: reading the book has checked both."""
        value = self.parameters[name]
        if isinstance(value, (int, float)):
            return value
        raise TypeError(f"{self.id}: {name} is no number")

    def words(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list of texts."""
        value = self.parameters[name]
        if not isinstance(value, tuple):
            raise TypeError(f"{self.id}: {name} is no list")
        return value

    def finding(self, observed: str, weight: int | None = None) -> Finding:
        """An occurrence: what was seen beside what was to be expected."""
        return Finding(
            self.id, self.weight if weight is None else weight, observed, self.text.expected, self.family
        )


def shown(value: bytes, length: int = 120) -> str:
    """Bytes from outside as one short printable line."""
    text = "".join(c if c.isprintable() else "?" for c in value[: length + 1].decode("latin-1"))
    return text if len(text) <= length else text[: length - 1] + "…"
