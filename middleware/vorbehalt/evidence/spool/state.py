"""The sealer's memory: how far the log and every spool have come. Rebuilt from the log if missing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import PRIVATE_FILE, Disk
from vorbehalt.evidence.spool.unclean import explained_by
from vorbehalt.evidence.tlog.leaf import LeafError, decode_leaf
from vorbehalt.evidence.tlog.note import Checkpoint
from vorbehalt.evidence.tlog.tiles import (
    WIDTH,
    Reader,
    TileName,
    bundle_name,
    decode_bundle,
    entries_path,
    read_entries,
)


@dataclass(slots=True)
class SealState:
    """`spools`: file name -> bytes sealed. `writers`: writer id -> next number expected.

    `explained`: keys of the losses of dead writers that gap records in the log tell.
    """

    size: int
    root: bytes
    spools: dict[str, int] = field(default_factory=dict)
    writers: dict[str, int] = field(default_factory=dict)
    explained: set[str] = field(default_factory=set)

    def copy(self) -> SealState:
        return SealState(self.size, self.root, dict(self.spools), dict(self.writers), set(self.explained))

    def note(self, entry: bytes, of: str | None = None) -> bool:
        """Advance a writer by a leaf; False if the log has it already.

        Raises LeafError if the entry is no leaf, or none of the writer `of`.
        """
        leaf = decode_leaf(entry)
        writer, number = leaf["w"], leaf["s"]
        if not isinstance(writer, str) or not isinstance(number, int) or writer != (of or writer):
            raise LeafError("a leaf of another writer")
        if number < self.writers.get(writer, 0):
            return False
        self.writers[writer] = number + 1
        if (key := explained_by(leaf)) is not None:
            self.explained.add(key)
        return True


def load_state(path: Path) -> SealState | None:
    """Read the state; None if it is missing or unreadable (it can always be rebuilt)."""
    try:
        raw = json.loads(path.read_text("ascii"))
        return SealState(
            int(raw["size"]),
            bytes.fromhex(raw["root"]),
            {str(name): int(offset) for name, offset in raw["spools"].items()},
            {str(writer): int(number) for writer, number in raw["writers"].items()},
            {str(key) for key in raw.get("explained", ())},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save_state(path: Path, state: SealState, disk: Disk) -> None:
    """Replace the state durably."""
    text = json.dumps(
        {
            "size": state.size,
            "root": state.root.hex(),
            "spools": state.spools,
            "writers": state.writers,
            "explained": sorted(state.explained),
        }
    )
    disk.replace(path, text.encode("ascii"), path.parent, PRIVATE_FILE)


def rebuild_state(reader: Reader, checkpoint: Checkpoint, begin: int = 0) -> SealState:
    """Rebuild the state from the leaves of the log: every spool is read again, known numbers are skipped.

    `begin` is the first entry that was not pruned; nothing is pruned that a spool still holds.
    """
    state = SealState(checkpoint.size, checkpoint.root)
    for index in range(begin, checkpoint.size, WIDTH):
        for entry in read_entries(reader, bundle_name(index, checkpoint.size)):
            state.note(entry)
    return state


def leftover_entries(log: Path, size: int) -> list[bytes]:
    """Return the entries that an interrupted sealing has put behind `size`, in their order.

    Bundles are written first and whole, so they are a plan that the next sealing carries out. Raises
    EvidenceError if they do not continue the log.
    """
    entries: list[bytes] = []
    while True:
        index, known = divmod(size + len(entries), WIDTH)
        full = log / entries_path(index)
        if full.is_file():
            path = full
        else:
            folder = log / TileName(-1, index).partials
            widths = (
                [int(name.name) for name in folder.iterdir() if name.name.isdigit()]
                if folder.is_dir()
                else []
            )
            if max(widths, default=0) <= known:
                return entries
            path = folder / str(max(widths))
        found = decode_bundle(path.read_bytes())
        if len(found) <= known or (path == full) != (len(found) == WIDTH):
            raise EvidenceError(f"{path} does not continue the log")
        entries += found[known:]
        if path != full:
            return entries
