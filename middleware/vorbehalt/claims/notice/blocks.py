"""A letter as marked lines, before it is text, HTML or PDF: what a line is, its mark says and nothing else.

Templates write one `mark: text` a line; a line that begins with spaces goes on with the one before. Data is
one harmless line each (`wording.one_line`) and stands behind a mark, so that it cannot become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from vorbehalt.claims.notice.kinds import Kind
from vorbehalt.errors import ClaimError

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
MARKS = frozenset(
    ("from", "to", "meta", "subject", "h", "p", "li", "q", "sign", "annex", "counsel-h", "counsel")
)
"""Letterhead, addressee, date and reference, subject, heading, paragraph, item, quoted title, signature,
annex, and heading and paragraph of the text of counsel."""
QUOTED = frozenset({"q"})
COUNSEL = frozenset({"counsel-h", "counsel"})
NEEDS = "letters need an extra: pip install 'vorbehalt[claims]'"


@dataclass(frozen=True, slots=True)
class Block:
    mark: str
    text: str


def environment(*, autoescape: bool) -> Environment:
    """Return the templates of this package; raises ClaimError if the extra is not installed."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise ClaimError(NEEDS) from None
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,  # noqa: S701 (plain text is escaped by whoever prints it)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def letter_blocks(
    texts: Environment, kind: Kind, language: str, said: Mapping[str, object]
) -> tuple[Block, ...]:
    """Fill the template of a kind and language. Raises ClaimError if something is missing."""
    from jinja2 import UndefinedError

    try:
        filled = texts.get_template(f"{language}/{kind}.j2").render(said)
    except UndefinedError as error:
        raise ClaimError(f"a placeholder of the letter is not filled: {error.message}") from None
    blocks = blocks_of(filled.splitlines())
    return tuple(blocks) if language != "fr" else tuple(map(_spaced, blocks))


def _spaced(block: Block) -> Block:
    """French sets a space before these marks, at which no line may break."""
    return Block(block.mark, re.sub(r" (?=[:;!?»])|(?<=«) ", "\u00a0", block.text))


def blocks_of(lines: Iterable[str]) -> Iterator[Block]:
    """Read marked lines. Raises ClaimError for one without a known mark, or without a text."""
    whole: list[str] = []
    for line in lines:
        if line.startswith(" ") and whole and line.strip():
            whole[-1] += f" {line.strip()}"
        elif line.strip():
            whole.append(line.strip())
    for line in whole:
        mark, _, text = line.partition(": ")
        if mark not in MARKS or not text.strip():
            raise ClaimError(f"a line of the letter is empty or has no mark: {line[:60]!r}")
        yield Block(mark, text.strip())


def grouped(blocks: Sequence[Block]) -> list[tuple[str, list[str]]]:
    """Return neighbours of one mark together: lists, the address, counsel's text."""
    return [(mark, [block.text for block in group]) for mark, group in groupby(blocks, lambda b: b.mark)]
