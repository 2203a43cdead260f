"""What a dossier is made of before it is HTML, PDF or Markdown: sentences, figures, tables, charts.

All three are rendered from the same blocks, so that they say the same. Words of strangers stand in `words`,
`text` and `label` as they came; every renderer makes them harmless for its own form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "lead", "small", "code", "box", "grade", "sub"]


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence or more. `code` keeps its lines, `box` is framed, `sub` is a heading inside a section."""

    words: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences; in a frame if they have to be seen before anything else."""

    items: tuple[str, ...]
    heading: str = ""
    is_boxed: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown. `name` is the place of the value in contents.json, `value` what stands there."""

    text: str
    name: str = ""
    value: int | str | None = None
    is_exact: bool = False
    """Every character counts: digests, paths, keys."""


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers with their names. `is_large`: the few that stand on the first page."""

    items: tuple[Figure, ...]
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    head: str
    is_number: bool = False
    weight: int = 1
    """Width of a column of words, beside those of the others."""


@dataclass(frozen=True, slots=True)
class Table:
    """`more` says where the rows stand that were left out."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """`svg` is a whole picture without script, style or reference; `words` say what it shows."""

    svg: str
    words: str


Block = Words | Points | Figures | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """`number` is "0" to "14", or a letter for an annex."""

    number: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Document:
    """`made` is the time of the newest record that was looked at (RFC 3339), not of the rendering."""

    language: str
    title: str
    running: str
    """What stands at the head of each page."""
    made: str
    sections: tuple[Section, ...]
