"""The finished index of a catalogue: which works lie at a path, and what is known of a work. Pure.

It is one run of bytes, read where it lies (mapped from a file that all workers share): a head of 4 KiB (magic
word, length, JSON), the records, two hash tables, the patterns as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.works import records
from vorbehalt.works.builder import Builder
from vorbehalt.works.entry import Work
from vorbehalt.works.slots import hash_of, look

FORMAT = 1
HEAD = 4096
_MAGIC = b"VBWORKS1"


class IndexUnusable(ValueError):
    """The bytes are no index of this version and machine, or were cut."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How large a catalogue is; `unplaced` rows lie at no path."""

    rows: int
    works: int
    places: int
    patterns: int
    unplaced: int


class WorksIndex:
    """Finds works by path and by id. Safe for several threads: nothing is ever changed."""

    def __init__(self, view: memoryview) -> None:
        head = _read_head(view)
        self.head = head
        self.counts = Counts(**head["counts"])
        data, places, works, patterns = head["parts"]
        self._data = view[data[0] : data[1]]
        self._places = view[places[0] : places[1]].cast("Q")
        self._works = view[works[0] : works[1]].cast("Q")
        self._has_hosts: bool = head["hosts"]
        said = json.loads(bytes(view[patterns[0] : patterns[1]]))
        self._patterns = [(host, PathPattern.of_decoded(path), id) for host, path, id in said]
        self.size = len(view)

    def works_at(self, host: str, path: str) -> tuple[str, ...]:
        """Return the ids of the works at a decoded, normal path; those at a very path before patterns."""
        found: tuple[str, ...] = ()
        if self._has_hosts:
            found = self._at(f"{host}\n{path}")
        found = (*found, *self._at(f"\n{path}"))
        if not found and self._patterns:
            found = tuple(
                id
                for where, pattern, id in self._patterns
                if (not where or where == host) and pattern.matches(path)
            )
        return found if len(found) < 2 else tuple(dict.fromkeys(found))

    def _at(self, text: str) -> tuple[str, ...]:
        key = text.encode("utf-8", "surrogateescape")
        data = self._data
        at = look(self._places, hash_of(key), lambda at: records.key_of(data, at) == key)
        return () if at is None else tuple(id.decode("ascii") for id in records.works_at(data, at))

    def work(self, id: str) -> Work | None:
        """Return all that the catalogue says of a work, its rows put together; None if it knows none."""
        key = id.encode("utf-8", "surrogateescape")
        data = self._data
        at = look(self._works, hash_of(key), lambda at: records.id_of(data, at) == key)
        return None if at is None else _merged(id, data, at)

    def ids(self) -> Iterator[str]:
        """Yield the ids of all works, in no order."""
        for place in range(0, len(self._works), 2):
            if self._works[place]:
                yield records.id_of(self._data, self._works[place + 1]).decode("ascii")


def _merged(id: str, data: memoryview, at: int) -> Work:
    rows = [Work.decode(id, body) for _, body in records.rows_of(data, at)][::-1]
    whole = rows[0]
    for row in rows[1:]:
        whole = replace(
            whole,
            ids=tuple(dict.fromkeys((*whole.ids, *row.ids))),
            title=whole.title or row.title,
            contributors=tuple(dict.fromkeys((*whole.contributors, *row.contributors))),
            kind=whole.kind or row.kind,
            rights=tuple(dict.fromkeys((*whole.rights, *row.rights))),
        )
    return whole


def parts_of(builder: Builder, said: Mapping[str, object]) -> list[bytes | memoryview]:
    """Return the parts of an index file in order, head first; `said` is kept in the head as it is."""
    patterns = json.dumps(builder.patterns).encode("ascii")
    data = builder.data.view[: builder.data.size]
    gap = -len(data) % 8
    places, works = builder.places.words.cast("B"), builder.works.words.cast("B")
    ends = [HEAD]
    for size in (len(data), gap, len(places), len(works), len(patterns)):
        ends.append(ends[-1] + size)
    head = {
        **said,
        "format": FORMAT,
        "order": sys.byteorder,
        "size": ends[-1],
        "hosts": builder.has_hosts,
        "parts": [ends[0:2], ends[2:4], ends[3:5], ends[4:6]],
        "counts": {
            "rows": builder.rows,
            "works": builder.works.count,
            "places": builder.places.count,
            "patterns": len(builder.patterns),
            "unplaced": builder.unplaced,
        },
    }
    text = json.dumps(head).encode("ascii")
    if len(text) > HEAD - 12:
        raise IndexUnusable("the catalogue consists of too many files")
    first = (_MAGIC + len(text).to_bytes(4, "little") + text).ljust(HEAD, b"\0")
    return [first, data, b"\0" * gap, places, works, patterns]


def _read_head(view: memoryview) -> dict[str, Any]:
    length = int.from_bytes(view[8:12], "little")
    if len(view) < HEAD or bytes(view[:8]) != _MAGIC or length > HEAD - 12:
        raise IndexUnusable("no index of works")
    head = json.loads(bytes(view[12 : 12 + length]))
    if head["format"] != FORMAT or head["order"] != sys.byteorder or head["size"] != len(view):
        raise IndexUnusable("an index of another version or machine, or one that was cut")
    return dict(head)
