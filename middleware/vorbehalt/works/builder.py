"""From entries to an index: each row is checked against those before it. Pure; bounded in memory.

Nothing is kept but the index itself, in buffers that the caller allocates (in files, if there is much).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from vorbehalt.works import records
from vorbehalt.works.entry import Entry, Notes, Place, Right, Work
from vorbehalt.works.slots import Allocate, Run, Slots, hash_of, in_memory

MAX_ROWS = 10_000_000
MAX_WORKS_AT_A_PLACE = 64
MAX_PATTERNS = 1_000
_COMPARED = 32
"""With so many rows of the same work, at most, a new one is compared."""


class Builder:
    """Takes entries in; what contradicts goes to `notes`."""

    def __init__(
        self,
        notes: Notes,
        allocate: Allocate = in_memory,
        *,
        hosts: frozenset[str] = frozenset(),
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.notes = notes
        self.data = Run(allocate)
        self.data.append(b"\0" * 8)  # so that 0 is the place of nothing
        self.places = Slots(allocate)
        self.works = Slots(allocate)
        self.patterns: list[tuple[str, str, str]] = []
        """Host, pattern, id."""
        self.rows = 0
        self.unplaced = 0
        self.has_hosts = False
        self._hosts = hosts
        self._max_rows = max_rows
        self._strange: set[str] = set()

    def take(self, entries: Iterable[Entry], pause: Callable[[], None] | None = None) -> None:
        """Take all entries of one file. `pause` is called between rows."""
        for entry in entries:
            if self.rows >= self._max_rows:
                self.notes.flaw(
                    entry.line,
                    f"a catalogue holds at most {self._max_rows:,} rows; the rest was not read: split it by"
                    " host, or let a URL pattern or the callback name the works",
                )
                return
            self.rows += 1
            self._take(entry)
            if pause is not None:
                pause()

    def _take(self, entry: Entry) -> None:
        id = entry.work.id.encode("ascii")
        hashed = hash_of(id)
        slot = self.works.find(hashed, lambda at: records.id_of(self.data.view, at) == id)
        head = self.works.get(slot)
        body = entry.work.encode()
        row = head
        same = 0
        if head is None or not (same := self._line_of_same(head, body)):
            if head is not None:
                self._compare(entry, head)
            packed = records.ROW.pack(head or 0, entry.line & 0xFFFFFFFF, len(id), len(body))
            row = self.data.append(packed, id, body)
            self.works.put(slot, hashed, row)
        assert row is not None
        is_new = [self._place(entry, place, row, id) for place in entry.places]
        if not entry.places:
            self.unplaced += 1
        if same and not any(is_new):
            self.notes.remark(entry.line, f"the row says the same as line {same}")

    def _place(self, entry: Entry, place: Place, row: int, id: bytes) -> bool:
        """Link a place to a work; False if it already was."""
        if place.host:
            self.has_hosts = True
            if self._hosts and place.host not in self._hosts and place.host not in self._strange:
                if len(self._strange) < Notes.MOST:
                    self._strange.add(place.host)
                self.notes.remark(entry.line, f"{place.host} is no host of this site; nothing is found there")
        if place.is_pattern:
            return self._pattern(entry, place, id.decode("ascii"))
        key = place.key
        hashed = hash_of(key)
        slot = self.places.find(hashed, partial(self._is_key, key))
        head = self.places.get(slot) or 0
        number = 1
        if head:
            if id in records.works_at(self.data.view, head):
                return False
            number = records.LINK.unpack_from(self.data.view, head)[2] + 1
            if number > MAX_WORKS_AT_A_PLACE:
                self.notes.flaw(
                    entry.line, f"{place.path[:120]!a} would hold more than {MAX_WORKS_AT_A_PLACE} works"
                )
                return True
        link = self.data.append(records.LINK.pack(head, row, number, len(key)), key)
        self.places.put(slot, hashed, link)
        return True

    def _is_key(self, key: bytes, at: int) -> bool:
        return records.key_of(self.data.view, at) == key

    def _pattern(self, entry: Entry, place: Place, id: str) -> bool:
        said = (place.host, place.path, id)
        if said in self.patterns:
            return False
        if len(self.patterns) >= MAX_PATTERNS:
            self.notes.flaw(
                entry.line,
                f"more than {MAX_PATTERNS:,} paths with * or $; name the paths, or use works.patterns",
            )
        else:
            self.patterns.append(said)
        return True

    def _line_of_same(self, head: int, body: bytes) -> int:
        """Return the line of a row of this work that says the same, 0 if there is none."""
        rows = islice(records.rows_of(self.data.view, head), _COMPARED)
        return next((line or 1 for line, there in rows if there == body), 0)

    def _compare(self, entry: Entry, head: int) -> None:
        """Say where a row contradicts those of the same work before it."""
        before = [
            (line, Work.decode(entry.work.id, body))
            for line, body in islice(records.rows_of(self.data.view, head), _COMPARED)
        ]
        for name in ("title", "kind"):
            here = getattr(entry.work, name)
            other = next(((line, said) for line, work in before if (said := getattr(work, name))), None)
            if here and other and other[1] != here:
                self.notes.flaw(
                    entry.line,
                    f"the {name} of {entry.work.id} is {here[:80]!a} here and {other[1][:80]!a} in line"
                    f" {other[0]}",
                )
        for right in entry.work.rights:
            self._add_up(entry, right, before)

    def _add_up(self, entry: Entry, right: Right, before: list[tuple[int, Work]]) -> None:
        if right.share is None:
            return
        others = {
            held: line
            for line, work in before
            for held in work.rights
            if held.share is not None and held != right and held.overlaps(right)
        }
        total = right.share + sum(held.share or 0 for held in others)
        if total > 10_000:
            lines = ", ".join(map(str, sorted({*others.values()})))
            self.notes.flaw(
                entry.line,
                f"the shares in {right.right} of {entry.work.id} that overlap come to {total / 100:g} % with"
                f" line {lines}",
            )
