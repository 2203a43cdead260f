"""A log held at one size: what is read later is what was signed then, however the log grows meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.directory import open_directory
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of
from vorbehalt.evidence.tlog.merkle import HASH_SIZE, fold, range_root
from vorbehalt.evidence.tlog.note import Checkpoint, Verifier, open_checkpoint
from vorbehalt.evidence.tlog.tiles import (
    TILE_BYTES,
    WIDTH,
    TileName,
    bundle_name,
    read_entries,
    read_hashes,
)

_PRUNE = b'"type":"prune"'
TakeTile = Callable[[TileName, bytes], object]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A checkpoint with its note as signed; `full` is how many entries the log held when it was pinned."""

    directory: Path
    verifier: Verifier
    checkpoint: Checkpoint
    note: bytes
    full: int

    @property
    def size(self) -> int:
        return self.checkpoint.size

    def read(self, path: str) -> bytes:
        """Return a file below `log/`."""
        return (self.directory / "log" / path).read_bytes()

    def leaf_hashes(self, tile: int) -> bytes:
        """Return the leaf hashes of a level-0 tile, up to the pinned size."""
        # Read as of today: of a partial tile only the sizes that were sealed have files.
        width = min(WIDTH, self.full - tile * WIDTH)
        wanted = min(WIDTH, self.size - tile * WIDTH)
        return read_hashes(self.read, TileName(0, tile, width))[: wanted * HASH_SIZE]

    def leaf_root(self, take: TakeTile | None = None) -> bytes:
        """Return the root over all leaf hashes; `take` is given each level-0 tile. Keeps 32 bytes a tile."""
        full = bytearray()
        edge = b""
        for tile in range(-(-self.size // WIDTH)):
            hashes = self.leaf_hashes(tile)
            if take is not None:
                take(TileName(0, tile, len(hashes) // HASH_SIZE), hashes)
            if len(hashes) == TILE_BYTES:
                full += fold(hashes)
            else:
                edge = hashes

        def subtree(height: int, index: int) -> bytes:
            if height >= 8:
                start = (index << (height - 8)) * HASH_SIZE
                return fold(bytes(full[start : start + (HASH_SIZE << (height - 8))]))
            start = (index << height) % WIDTH * HASH_SIZE
            return fold(edge[start : start + (HASH_SIZE << height)])

        return range_root(0, self.size, subtree)

    @property
    def first(self) -> int:
        """Index of the first entry that is here: 0, or where pruning has ended."""
        return first_readable(self.directory, self.full)

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (index, leaf) from an index on, or from the first that was not pruned.

        Raises EvidenceError if a bundle cannot be read, TamperError at the end if entries are missing that no
        `prune` record lets go.
        """
        first = self.first
        minimum = 0
        for index, entry in self._read(max(start, first), self.size):
            if first and _PRUNE in entry:
                minimum = max(minimum, _minimum(entry))
            yield index, entry
        if start < first and minimum < first:
            later = (_minimum(entry) for _, entry in self._read(self.size, self.full) if _PRUNE in entry)
            if max(later, default=0) < first:
                raise TamperError(
                    f"records below {first} are missing, and no record says that they were pruned"
                )

    def _read(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        for begin in range(start // WIDTH * WIDTH, end, WIDTH):
            entries = read_entries(self.read, bundle_name(begin, self.full))
            for index, entry in enumerate(entries[: end - begin], begin):
                if index >= start:
                    yield index, entry


def _minimum(entry: bytes) -> int:
    """Return below which index a `prune` record lets entries go; 0 for another record."""
    leaf = decode_leaf(entry)
    minimum = seen_of(leaf).get("minimum") if leaf["type"] == "prune" else 0
    return minimum if isinstance(minimum, int) else 0


def pin(directory: Path, size: int | None = None, *, key: Path | None = None) -> Pinned:
    """Hold a log at the size that is signed now, or at an earlier one.

    For an earlier size the checkpoint is the one kept under `anchors/`, or else it is signed again, which
    gives the same bytes and needs the signing key (`key`, if it lies elsewhere). Raises EvidenceError if
    neither is here, TamperError if the log is not what was signed.
    """
    verifier, now, note = open_log(directory)
    if size is None or size == now.size:
        return Pinned(directory, verifier, now, note, now.size)
    if not 0 <= size < now.size:
        raise EvidenceError(f"the log holds {now.size} records, not {size}")
    frozen = directory / "anchors" / f"{size}.checkpoint"
    if frozen.is_file():
        note = frozen.read_bytes()
        kept = open_checkpoint(note, verifier)
        if kept.size != size:
            raise TamperError(f"anchors/{frozen.name} is of size {kept.size}")
        return Pinned(directory, verifier, kept, note, now.size)
    signer = open_directory(directory, key).signer
    if signer is None:
        raise EvidenceError(
            f"no checkpoint of size {size} is kept, and this user cannot read the key that would sign it: "
            f"take {now.size}, the size of now, or one of anchors/*.checkpoint"
        )
    whole = Pinned(directory, verifier, now, note, now.size)
    if whole.leaf_root() != now.root:
        raise TamperError(f"the log on disk is not the one that was signed at size {now.size}")
    part = Pinned(directory, verifier, Checkpoint(verifier.name, size, b""), b"", now.size)
    earlier = Checkpoint(verifier.name, size, part.leaf_root())
    return Pinned(directory, verifier, earlier, signer.sign(earlier.body), now.size)
