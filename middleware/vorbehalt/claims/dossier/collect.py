"""One pass over a pinned log: chosen records into a temporary file, of the others only numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from vorbehalt.claims.dossier.choose import Chooser, Counted
from vorbehalt.claims.ledger import Query
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.pin import Pinned
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries

Progress = Callable[[int, int], None]
_HEAD_BYTES = 400


@dataclass(slots=True)
class Collected:
    """What was chosen. `problems` are sentences about bundles and records that cannot be read."""

    counted: Counted
    last: dict[str, int]
    first_at: int = 0
    last_at: int = 0
    pruned: int = 0
    problems: list[str] = field(default_factory=list)
    _places: list[tuple[int, int, int]] = field(default_factory=list)
    _file: IO[bytes] | None = None

    @property
    def records(self) -> int:
        return len(self._places)

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield index and bytes of each chosen record, in the order of the log."""
        assert self._file is not None
        for index, start, length in self._places:
            self._file.seek(start)
            yield index, self._file.read(length)


@contextmanager
def collect(pinned: Pinned, query: Query, temporary: Path, progress: Progress) -> Iterator[Collected]:
    """Read the log up to its pin. What cannot be read is named and passed over; the audit says more.

    `temporary` is the folder of the file that holds the chosen records; it is gone afterwards.
    """
    chooser = Chooser(query)
    found = Collected(chooser.counted, chooser.last)
    places: list[tuple[int, int, int]] = []
    end = 0
    with TemporaryFile(dir=temporary) as file:
        found.pruned = first_readable(pinned.directory, pinned.full)
        for first in range(found.pruned // WIDTH * WIDTH, pinned.size, WIDTH):
            try:
                entries = read_entries(pinned.read, bundle_name(first, pinned.full))[: pinned.size - first]
            except (EvidenceError, OSError) as error:
                found.problems.append(f"records {first} to {first + WIDTH - 1} cannot be read: {error}")
                continue
            for index, entry in enumerate(entries, first):
                at = _note(chooser.last, entry)
                found.first_at = found.first_at or at
                found.last_at = at or found.last_at
                if not chooser.is_wanted(entry):
                    continue
                try:
                    leaf = decode_leaf(entry)
                    wanted = chooser.take(index, leaf)
                except (EvidenceError, ValueError, TypeError, KeyError) as error:
                    found.problems.append(f"record {index} cannot be read: {error}")
                    continue
                if wanted:
                    file.write(entry)
                    places.append((index, end, len(entry)))
                    end += len(entry)
            progress(min(first + WIDTH, pinned.size), pinned.size)
        chosen = chooser.finish()
        found._places = [place for place in places if place[0] in chosen]
        found._file = file
        yield found


def _note(last: dict[str, int], entry: bytes) -> int:
    """Note the time of a writer's record, as its first bytes say."""
    start = entry.find(b'"w":"', 0, _HEAD_BYTES) + 5
    moment = entry.find(b'"at":"', start, _HEAD_BYTES) + 6
    writer = entry[start : entry.find(b'"', start)]
    text = entry[moment : entry.find(b'"', moment)]
    if not text.isdigit():
        return 0
    at = int(text)
    last[writer.decode("ascii", "replace")] = at
    return at
