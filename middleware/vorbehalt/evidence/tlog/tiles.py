"""Tiles, entry bundles and their growth (C2SP tlog-tiles): pure over a reader of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vorbehalt.errors import TamperError
from vorbehalt.evidence.tlog.merkle import HASH_SIZE, Subtree, fold, leaf_hash, range_root

WIDTH = 256
TILE_BYTES = WIDTH * HASH_SIZE
MAX_ENTRY_BYTES = 65_535
MAX_LEVEL = 5
ENTRIES = -1
"""The level of entry bundles in `TileName`."""

Reader = Callable[[str], bytes]
"""Path below `log/` -> bytes; raises FileNotFoundError or KeyError where there is no such file."""

_PATH = re.compile(r"tile/(entries|[0-5])/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TileError(TamperError):
    """A tile or an entry bundle is malformed, missing or does not fit its neighbours."""


@dataclass(frozen=True, slots=True)
class TileName:
    """Which tile a path names; `level` is -1 for entry bundles, `width` 256 for a full one."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = "".join(f"x{digits[at : at + 3]}/" for at in range(0, len(digits) - 3, 3)) + digits[-3:]
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level == ENTRIES else self.level}/{groups}{partial}"

    @property
    def partials(self) -> str:
        """The folder of this tile's partial versions."""
        return TileName(self.level, self.index).path + ".p"


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Returns the path of a hash tile."""
    return TileName(level, index, width).path


def entries_path(index: int, width: int = WIDTH) -> str:
    """Returns the path of an entry bundle."""
    return TileName(ENTRIES, index, width).path


def parse_tile_path(path: str) -> TileName | None:
    """Returns the tile that a path names, or None unless it is the one spelling of a tile's path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    index = int((match[2] + match[3]).replace("x", "").replace("/", ""))
    width = int(match[4]) if match[4] else WIDTH
    if match[4] and width >= WIDTH:
        return None
    name = TileName(ENTRIES if match[1] == "entries" else int(match[1]), index, width)
    return name if name.path == path else None


def tiles_of(size: int) -> Iterator[TileName]:
    """Yields every tile and bundle that a log of `size` entries must have."""
    for level in (ENTRIES, *range(MAX_LEVEL + 1)):
        count = size >> (8 * max(level, 0))
        if not count:
            return
        for index in range(count // WIDTH):
            yield TileName(level, index)
        if count % WIDTH:
            yield TileName(level, count // WIDTH, count % WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Returns the bundle of at most 256 entries: big-endian u16 length, then the entry, each."""
    if len(entries) > WIDTH:
        raise TileError(f"{len(entries)} entries do not fit one bundle")
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise TileError(f"an entry is longer than {MAX_ENTRY_BYTES} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_bundle(data: bytes) -> list[bytes]:
    """Returns the entries of a bundle; raises TileError if it is cut short or holds more than 256."""
    entries = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > end or at > end:
            raise TileError("the bundle is cut short")
        entries.append(data[start:at])
    if len(entries) > WIDTH:
        raise TileError(f"the bundle holds {len(entries)} entries")
    return entries


def _read(reader: Reader, name: TileName) -> bytes:
    try:
        return reader(name.path)
    except (FileNotFoundError, KeyError):
        if name.width == WIDTH:
            raise TileError(f"{name.path}: missing") from None
    full = TileName(name.level, name.index)
    try:
        return reader(full.path)
    except (FileNotFoundError, KeyError):
        raise TileError(f"{name.path}: missing") from None


def read_hashes(reader: Reader, name: TileName) -> bytes:
    """Returns the concatenated hashes of a tile; a partial tile that is gone is taken from the full one."""
    data = _read(reader, name)
    if len(data) not in (name.width * HASH_SIZE, TILE_BYTES):
        raise TileError(f"{name.path}: {len(data)} bytes are not {name.width} hashes")
    return data[: name.width * HASH_SIZE]


def read_entries(reader: Reader, name: TileName) -> list[bytes]:
    """Returns the entries of a bundle; a partial bundle that is gone is taken from the full one."""
    try:
        entries = decode_bundle(_read(reader, name))
    except TileError as error:
        raise TileError(str(error) if name.path in str(error) else f"{name.path}: {error}") from None
    if len(entries) not in (name.width, WIDTH):
        raise TileError(f"{name.path}: {len(entries)} entries are not {name.width}")
    return entries[: name.width]


def bundle_name(index: int, size: int) -> TileName:
    """Returns the bundle that holds entry `index` in a log of `size` entries."""
    return TileName(ENTRIES, index // WIDTH, min(WIDTH, size - index // WIDTH * WIDTH))


def tile_subtree(reader: Reader, size: int) -> Subtree:
    """Returns the subtree function of a log of `size` entries, read from its tiles."""

    def subtree(height: int, index: int) -> bytes:
        level, rest = divmod(height, 8)
        first, tile = index << rest, (index << rest) // WIDTH
        count = min(WIDTH, (size >> (8 * level)) - tile * WIDTH)
        data = read_hashes(reader, TileName(level, tile, count))
        at = (first - tile * WIDTH) * HASH_SIZE
        return fold(data[at : at + (HASH_SIZE << rest)])

    return subtree


class Levels:
    """All hashes of a log in memory: level 0 the leaf hashes, level L the roots of full tiles below."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_SIZE

    def extend(self, hashes: bytes) -> None:
        """Adds concatenated leaf hashes, up to one tile; must not cross the border of a tile."""
        level = 0
        while hashes:
            if level == len(self._levels):
                self._levels.append(bytearray())
            row = self._levels[level]
            row += hashes
            hashes = fold(bytes(row[-TILE_BYTES:])) if not len(row) % TILE_BYTES else b""
            level += 1

    def tile(self, name: TileName) -> bytes | None:
        """Returns the bytes that a hash tile must have, or None if the log is too short for it."""
        if not 0 <= name.level < len(self._levels):
            return None
        start = name.index * TILE_BYTES
        data = bytes(self._levels[name.level][start : start + name.width * HASH_SIZE])
        return data if len(data) == name.width * HASH_SIZE else None

    def subtree(self, height: int, index: int) -> bytes:
        level, rest = divmod(height, 8)
        start = (index << rest) * HASH_SIZE
        return fold(bytes(self._levels[level][start : start + (HASH_SIZE << rest)]))

    def root(self, size: int) -> bytes:
        """Returns the root of the first `size` entries."""
        return range_root(0, size, self.subtree)


@dataclass(frozen=True, slots=True)
class Growth:
    """What to write so that a log grows; write `files` in their order, then the checkpoint.

    `obsolete` are folders of partial tiles whose full tile exists now: they may go once the checkpoint is
    durable.
    """

    files: dict[str, bytes]
    size: int
    root: bytes
    old_root: bytes
    obsolete: tuple[str, ...]


def grow(reader: Reader, old_size: int, entries: Sequence[bytes]) -> Growth:
    """Returns the files that a log of `old_size` needs to take `entries` too.

    Reads the right edge only. Raises TileError if the edge is missing, malformed or contradicts the bundle;
    compare `old_root` with the last signed root before anything is written.
    """
    edge: list[bytes] = []
    pending: list[bytes] = []
    for level in range(MAX_LEVEL + 1):
        index, width = divmod(old_size >> (8 * level), WIDTH)
        edge.append(read_hashes(reader, TileName(level, index, width)) if width else b"")
    if old_size % WIDTH:
        pending = read_entries(reader, TileName(ENTRIES, old_size // WIDTH, old_size % WIDTH))
    if b"".join(map(leaf_hash, pending)) != edge[0]:
        raise TileError(
            f"{TileName(ENTRIES, old_size // WIDTH).path}: entries and tile contradict each other"
        )
    old_root = _edge_root(edge, old_size)

    bundles: dict[str, bytes] = {}
    tiles: dict[tuple[int, int], tuple[str, bytes]] = {}
    obsolete: list[str] = []
    size, taken = old_size, 0
    while taken < len(entries):
        index, room = size // WIDTH, WIDTH - len(pending)
        fresh = list(entries[taken : taken + room])
        taken, size = taken + len(fresh), size + len(fresh)
        pending += fresh
        edge[0] += b"".join(map(leaf_hash, fresh))
        name = TileName(ENTRIES, index, len(pending))
        bundles[name.path] = encode_bundle(pending)
        if len(pending) == WIDTH:
            obsolete.append(name.partials)
            pending = []
        _carry(edge, size, tiles, obsolete)
    for level, hashes in enumerate(edge):
        index, width = divmod(size >> (8 * level), WIDTH)
        if width and size != old_size and (size ^ old_size) >> (8 * level):
            tiles[level, index] = TileName(level, index, width).path, hashes
    files = bundles | dict(tiles[key] for key in sorted(tiles))
    return Growth(files, size, _edge_root(edge, size), old_root, tuple(obsolete))


def _carry(
    edge: list[bytes], size: int, tiles: dict[tuple[int, int], tuple[str, bytes]], obsolete: list[str]
) -> None:
    for level in range(MAX_LEVEL):
        if len(edge[level]) < TILE_BYTES:
            return
        name = TileName(level, (size >> (8 * level)) // WIDTH - 1)
        tiles[level, name.index] = name.path, edge[level]
        obsolete.append(name.partials)
        edge[level + 1] += fold(edge[level])
        edge[level] = b""


def _edge_root(edge: Sequence[bytes], size: int) -> bytes:
    def subtree(height: int, index: int) -> bytes:
        level, rest = divmod(height, 8)
        start = ((index << rest) % WIDTH) * HASH_SIZE
        return fold(edge[level][start : start + (HASH_SIZE << rest)])

    return range_root(0, size, subtree)
