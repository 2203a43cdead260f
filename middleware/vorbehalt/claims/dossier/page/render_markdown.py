"""Blocks as Markdown; whatever stands in them is shown as it is, and makes no heading, link or HTML."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.claims.dossier.page.blocks import Block, Cell, Chart, Figures, Points, Table, Words
from vorbehalt.claims.dossier.page.harmless import code, markdown, shown


def blocks(items: Iterable[Block]) -> str:
    """Return blocks as paragraphs, lists and pipe tables; charts stand in the report only."""
    return "".join(_block(item) for item in items)


def _block(block: Block) -> str:
    if isinstance(block, Chart):
        return ""
    if isinstance(block, Words):
        return _words(block)
    if isinstance(block, Points):
        heading = f"**{markdown(block.heading)}**\n\n" if block.heading else ""
        return (
            heading + "".join(f"- {markdown(item)}\n" for item in block.items) + ("\n" if block.items else "")
        )
    if isinstance(block, Figures):
        return "".join(f"- {markdown(item.label)}: {_cell(item.cell)}\n" for item in block.items) + "\n"
    return _table(block)


def _words(block: Words) -> str:
    if block.kind == "code":
        return "".join(f"    {shown(line)}\n" for line in block.words.split("\n")) + "\n"
    if block.kind == "sub":
        return f"## {markdown(block.words)}\n\n"
    text = markdown(block.words)
    return f"**{text}**\n\n" if block.kind == "box" else f"{text}\n\n"


def _table(block: Table) -> str:
    if not block.rows:
        return ""
    head = "| " + " | ".join(markdown(column.head) for column in block.columns) + " |\n"
    rule = "|" + "|".join(" ---: " if column.is_number else " --- " for column in block.columns) + "|\n"
    rows = "".join("| " + " | ".join(_cell(cell) for cell in row) + " |\n" for row in block.rows)
    more = f"\n{markdown(block.more)}\n" if block.more else ""
    return f"{markdown(block.caption)}\n\n{head}{rule}{rows}{more}\n"


def _cell(cell: Cell) -> str:
    return code(cell.text) if cell.is_exact else markdown(cell.text)
