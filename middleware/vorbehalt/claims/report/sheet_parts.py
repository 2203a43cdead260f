"""What sheets are made of: tables of texts, and one chart. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

dash: Final = "–"
"""Where there is no figure to give."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under `head`. `spans` are titles over pairs of columns, the first over the first column.

    The first `texts` columns are words, the others figures; `faint` ones say what was before.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spans: tuple[str, ...] = ()
    faint: tuple[int, ...] = ()
    texts: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars, one a day of the month; `most` is the greatest sum as it is written."""

    title: str
    legend: tuple[str, ...]
    days: tuple[tuple[int, ...], ...]
    most: str

    @property
    def height(self) -> int:
        return max(1, *(sum(day) for day in self.days))
