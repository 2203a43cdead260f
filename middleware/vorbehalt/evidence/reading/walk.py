"""One pass over the records of a few types, waiting and sealed, one at a time: however long the log is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from vorbehalt.evidence.files import Pause, no_pause
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.reading.scan import unsealed_leaves
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries


def _any(_: bytes) -> bool:
    return True


def walk_log(
    directory: Path,
    types: Collection[str],
    needle: bytes = b"",
    pause: Pause = no_pause,
    wants: Callable[[bytes], bool] = _any,
) -> Iterator[Mapping[str, object]]:
    """Yield the records of the given types whose bytes hold `needle`; one sealed meanwhile may come twice.

    An entry whose bytes do not hold the wanted text is never decoded: quotation marks inside texts are
    escaped. `wants` may pass over more by the bytes of an entry, and sees none that waits to be sealed.
    Raises EvidenceError if the log cannot be read. Verifies nothing but the checkpoint's signature.
    """
    # Before the log: what is sealed meanwhile would be in neither.
    yield from unsealed_leaves(directory, types)
    size = open_log(directory)[1].size
    marks = [f'"type":"{kind}"'.encode("ascii") for kind in types]

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    for first in range(first_readable(directory, size), size, WIDTH):
        pause()
        for entry in read_entries(reader, bundle_name(first, size)):
            if (
                needle in entry
                and any(mark in entry for mark in marks)
                and wants(entry)
                and (leaf := decode_leaf(entry))["type"] in types
            ):
                yield leaf
