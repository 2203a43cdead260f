"""What every kind of anchor is given and gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.tlog.note import Checkpoint, Verifier
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries

_LONGEST_REASON = 500
_OWN = (b'{"v":1,"type":"anchor"', b'{"v":1,"type":"anchor-missed"')


@dataclass(frozen=True, slots=True)
class Present:
    """The log as it is signed now."""

    directory: Path
    verifier: Verifier
    checkpoint: Checkpoint
    note: bytes

    @classmethod
    def of(cls, directory: Path) -> Present:
        """Read the checkpoint in place; raises EvidenceError."""
        return cls(directory, *open_log(directory))

    def read(self, path: str) -> bytes:
        return (self.directory / "log" / path).read_bytes()

    def has_grown_since(self, size: int) -> bool:
        """True if behind `size` stands any record that is not about anchors."""
        begin = max(size, first_readable(self.directory, self.checkpoint.size))
        for first in range(begin // WIDTH * WIDTH, self.checkpoint.size, WIDTH):
            entries = read_entries(self.read, bundle_name(first, self.checkpoint.size))
            if not all(entry.startswith(_OWN) for entry in entries[max(0, size - first) :]):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Anchored:
    """An anchor that was had. `time` is what the other side says, in nanoseconds; 0 where it says none.

    `answer` is kept unchanged in a file with this `suffix`, empty where there is nothing to keep. `said` goes
    into the record, `objects` are documents it names.
    """

    time: int
    said: dict[str, object]
    answer: bytes = b""
    suffix: str = ""
    objects: tuple[bytes, ...] = field(default=())
    beside: tuple[tuple[str, bytes], ...] = ()
    """Suffix and bytes of further files that are kept unchanged, and named by the record."""


class Miss(EvidenceError):
    """No anchor, and why. `answer`: the raw bytes that came instead, if any did.

    `contradicts`: a witness says that the log is not the one it has seen before.
    """

    def __init__(self, why: str, answer: bytes = b"", *, contradicts: bool = False) -> None:
        # It may quote what a stranger sent.
        super().__init__("".join(char if char.isprintable() else "?" for char in why[:_LONGEST_REASON]))
        self.answer = answer
        self.contradicts = contradicts
