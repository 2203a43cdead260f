"""A sheet as lines of text for a terminal or a message. Pure; whoever prints them makes them harmless."""

from __future__ import annotations

from collections.abc import Iterator

from vorbehalt.claims.report.sheet import Sheet
from vorbehalt.claims.report.sheet_parts import Table

_WIDEST = 60


def as_text(sheet: Sheet) -> Iterator[str]:
    """Yield the lines of the sheet: what is alarming first."""
    yield f"{sheet.title} · {sheet.site}" if sheet.site else sheet.title
    if sheet.mark:
        yield sheet.mark
    yield from sheet.alarms
    yield from sheet.lead
    for table in sheet.tables:
        yield ""
        yield from _lines(table)
    yield ""
    yield from sheet.notes
    for table in sheet.annex:
        yield ""
        yield f"{sheet.annex_title}: {table.title}"
        yield from _lines(table)


def _lines(table: Table) -> Iterator[str]:
    cells = [table.head, *table.rows]
    if table.spans:
        spread = [table.spans[0]]
        for span in table.spans[1:]:
            spread += [span, ""]
        cells.insert(0, tuple(spread))
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(
            cell.ljust(width) if at < table.texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield line.rstrip()
