"""The two kinds of record in an index: rows of works, and links from a place to a work."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

ROW = Struct("=QIHI")
"""Row of the same work before it (0: none), line, length of the id, length of the JSON; id, JSON."""
LINK = Struct("=QQHH")
"""Link of the same place before it (0: none), row, which one it is of its place, length of the key; key."""


def row(view: memoryview, at: int) -> tuple[int, int, bytes, bytes]:
    """Return row before, line, id and JSON."""
    before, line, id_length, length = ROW.unpack_from(view, at)
    begins = at + ROW.size
    middle = begins + id_length
    return before, line, bytes(view[begins:middle]), bytes(view[middle : middle + length])


def id_of(view: memoryview, at: int) -> bytes:
    begins = at + ROW.size
    return bytes(view[begins : begins + ROW.unpack_from(view, at)[2]])


def key_of(view: memoryview, at: int) -> bytes:
    begins = at + LINK.size
    return bytes(view[begins : begins + LINK.unpack_from(view, at)[3]])


def rows_of(view: memoryview, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield line and JSON of all rows of one work, the last one first."""
    while at:
        at, line, _, body = row(view, at)
        yield line, body


def works_at(view: memoryview, at: int) -> list[bytes]:
    """Return the ids of the works at one place, in the order of the catalogue."""
    found = []
    while at:
        before, row_at, _, _ = LINK.unpack_from(view, at)
        found.append(id_of(view, row_at))
        at = before
    found.reverse()
    return found
