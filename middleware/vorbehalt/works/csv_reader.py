"""A catalogue as CSV: streamed, with the line of everything that is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from vorbehalt.works.entry import Entry, Notes
from vorbehalt.works.fields import FIELDS, read_entry

MAX_LINE = 1024 * 1024
_DELIMITERS = ",;\t"
_BOM = b"\xef\xbb\xbf"


def read_csv(stream: BinaryIO, notes: Notes) -> Iterator[Entry]:
    """Yield the entries of a CSV file (RFC 4180; commas, semicolons or tabs; a BOM may lead).

    The first row names the columns (`fields.FIELDS`, in any order); others are remarked and passed over.
    Reads line by line; what it cannot read goes to `notes`.
    """
    lines = _Lines(stream, notes)
    first = next(lines, "")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        first = next(lines, "")
    if not first.strip():
        if not notes.flawed:
            notes.flaw(1, "the file is empty; the first row must name the columns")
        return
    delimiter = max(_DELIMITERS, key=lambda mark: _outside_quotes(first, mark))
    begins = lines.number
    rows = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    try:
        header = [_column(cell) for cell in next(rows)]
        if not _usable(header, begins, notes):
            return
        offset = begins - 1
        line = begins + rows.line_num
        for cells in rows:
            here, line = line, offset + rows.line_num + 1
            if not any(map(str.strip, cells)):
                continue
            if len(cells) != len(header):
                notes.flaw(here, f"the row has {len(cells)} cells, the first row has {len(header)}")
                continue
            row = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
            entry = read_entry(here, row, (row,), notes)
            if entry is not None:
                yield entry
    except csv.Error as error:
        notes.flaw(begins - 1 + rows.line_num, _explained(str(error)))


def _usable(header: Sequence[str], line: int, notes: Notes) -> bool:
    usable = True
    for name in dict.fromkeys(header):
        if name and header.count(name) > 1:
            notes.flaw(line, f"two columns are called {name[:60]!r}")
            usable = False
        elif name not in FIELDS:
            notes.remark(line, f"the column {name[:60]!r} is not used; known are {', '.join(FIELDS)}")
    if not {*header} & {*FIELDS}:
        notes.flaw(line, "the first row names no column that is known")
        usable = False
    return usable


def _column(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").replace("-", "_")


def _outside_quotes(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _explained(error: str) -> str:
    if "unexpected end" in error or "field limit" in error:
        return "a quotation mark opens a cell that is never closed"
    if "new-line character" in error:
        return "a line ends in a lone carriage return; save the file with line feeds"
    return f"the row cannot be read: {error}"


class _Lines:
    """The lines of a stream as text. Ends, with a flaw, at what is no UTF-8 or longer than a line may be."""

    def __init__(self, stream: BinaryIO, notes: Notes) -> None:
        self._stream = stream
        self._notes = notes
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._stream.readline(MAX_LINE + 1)
        if not raw:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(_BOM)
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw[:4]:
                self._notes.flaw(1, "the file is UTF-16; save it as CSV UTF-8")
                raise StopIteration
        if len(raw) > MAX_LINE:
            self._notes.flaw(self.number, f"the line is longer than {MAX_LINE // 1024} KiB")
            raise StopIteration
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self._notes.flaw(self.number, "the line is not UTF-8; save the file as CSV UTF-8")
            raise StopIteration from None
