"""Writers that ended without a word: killed, crashed, or the machine went down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.evidence.frames import frame_at
from vorbehalt.evidence.tlog.leaf import MAX_LEAF_BYTES, LeafError, decode_leaf

REASON = "unclean_end"
_TAIL_BYTES = 4 * MAX_LEAF_BYTES
_FRAME_HEAD = 8
_LEAF_START = b'{"v":'


@dataclass(frozen=True, slots=True)
class UncleanEnd:
    """A dead writer whose last durable record is no `writer-close`. `at` is nanoseconds UTC as text."""

    writer: str
    number: int
    at: str

    def seen(self) -> dict[str, object]:
        """Return what the `gap` record says. What was lost is unknown: at most what had not been written."""
        return {
            "reason": REASON,
            "writer": self.writer,
            "last": str(self.number),
            "last_at": self.at,
            "lost": "unknown",
        }


Told = Callable[[UncleanEnd], bool]
"""Records an unclean end; False if that cannot be done now, and then it is asked again."""


def unclean_end(spool: Path, writer: str) -> UncleanEnd | None:
    """Look at the end of a dead writer's last spool; None if it closed it, or left no whole record."""
    with spool.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    found = len(tail)
    while (found := tail.rfind(_LEAF_START, 0, found)) >= _FRAME_HEAD:
        payload = frame_at(tail, found - _FRAME_HEAD)
        if payload is None:
            continue
        try:
            leaf = decode_leaf(payload)
        except LeafError:
            return None
        if leaf["type"] == "writer-close" or not isinstance(leaf["s"], int):
            return None
        return UncleanEnd(writer, leaf["s"], str(leaf["at"]))
    return None
