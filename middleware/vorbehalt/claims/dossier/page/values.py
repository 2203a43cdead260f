"""Cells of the pages by their place in contents.json: what is shown is looked up there and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vorbehalt.claims.dossier.contents import Contents
from vorbehalt.claims.dossier.page.blocks import Cell, Column, Figure, Figures, Table, Words
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.say import Say

OUTCOMES = (
    "requested",
    "refused",
    "delivered",
    "whole",
    "part",
    "not_modified",
    "head",
    "broken",
    "other",
    "unknown",
)
"""In the order in which they are shown; `delivered` is the sum of the two behind it."""
DIGITS = 12
"""So much of a digest is shown in tables; contents.json has the whole."""


class Values:
    """Contents, words, and which annex file holds the rows that a page leaves out."""

    def __init__(self, contents: Contents, say: Say, annexes: Mapping[str, str]) -> None:
        self.contents, self.say, self._annexes = contents, say, annexes

    def at(self, name: str) -> Any:
        """Return the value of a name like `works.scheduled.3.attributed.delivered`."""
        found: Any = self.contents
        for part in name.split("."):
            found = found[int(part)] if isinstance(found, tuple) else getattr(found, part)
        return found

    def number(self, name: str) -> Cell:
        value = self.at(name)
        return Cell(
            "–" if value is None else self.say.number(value), name if value is not None else "", value
        )

    def size(self, name: str) -> Cell:
        return Cell(self.say.size(self.at(name)), name, self.at(name))

    def percent(self, name: str) -> Cell:
        """Return a share that contents.json has as text with two digits; empty: a dash."""
        text = self.at(name)
        shown = text if self.say.language == "en" else text.replace(".", ",")
        return Cell(f"{shown}\u202f%", name, text) if text else Cell("–")

    def figure(self, label: str, cell: Cell | str) -> Figure:
        return Figure(self.say(label), cell if isinstance(cell, Cell) else words(cell))

    def outcomes(self, name: str) -> Figures:
        """Return what became of the requests of one place, each number with its name."""
        items = [self.figure(f"outcome.{key}", self.number(f"{name}.{key}")) for key in OUTCOMES]
        items.append(self.figure("outcome.bytes", self.size(f"{name}.bytes")))
        if self.at(f"{name}.joined"):
            items.append(self.figure("outcome.joined", self.number(f"{name}.joined")))
        for key in ("first", "last"):
            items.append(self.figure(f"outcome.{key}", self.say.moment(self.at(f"{name}.{key}"))))
        return Figures(tuple(items))

    def table(
        self,
        caption: str,
        columns: Sequence[str],
        name: str,
        row: Callable[[str, Any], Iterable[Cell]],
        *,
        keep: Callable[[Any], bool] = lambda _: True,
        most: int = 40,
        key: Callable[[Any], Any] | None = None,
    ) -> Table | Words:
        """Return a table of the rows of `name` that `keep` wants, sorted by `key`, cut after `most`.

        Without any such row: a sentence that says so.

        A column begins with `#` if it holds numbers and ends with `*` for each further share of the width.
        """
        numbered = [(index, item) for index, item in enumerate(self.at(name)) if keep(item)]
        if key is not None:
            numbered.sort(key=lambda pair: key(pair[1]))
        if not numbered:
            return Words(f"{self.say(caption)}: {self.say('word.none')}.", "small")
        rows = tuple(tuple(row(f"{name}.{index}", item)) for index, item in numbered[:most])
        left = len(numbered) - len(rows)
        return Table(
            self.say(caption), tuple(self._column(text) for text in columns), rows, self.more(left, name)
        )

    def more(self, left: int, name: str) -> str:
        """Return the sentence about rows that were left out; empty if none were."""
        if left <= 0:
            return ""
        file = self._annexes.get(name)
        place = file or f"contents.json ({name})"
        return self.say("word.more", count=self.say.number(left), file=place)

    def _column(self, text: str) -> Column:
        name = text.strip("#*")
        return Column(self.say(f"column.{name}") if name else "", text.startswith("#"), 1 + text.count("*"))


def words(text: str, longest: int = 160) -> Cell:
    """Return a text, from outside or not, cut to what a page can hold."""
    return Cell(cut(text, longest))


def exact(text: str, longest: int = 160) -> Cell:
    return Cell(cut(text, longest), is_exact=True)


def digest(text: str) -> Cell:
    """Return the beginning of a digest."""
    return Cell(cut(text, DIGITS + 1) or "–", is_exact=bool(text))


def listed(texts: Iterable[str], longest: int = 160) -> Cell:
    return words(", ".join(texts) or "–", longest)
