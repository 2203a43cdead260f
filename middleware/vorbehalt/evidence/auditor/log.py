"""The log: every bundle, every entry, every tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from vorbehalt.errors import TamperError
from vorbehalt.evidence.auditor.chain import Chains
from vorbehalt.evidence.auditor.enclosed import RECORDS, check_manifest, read_enclosed
from vorbehalt.evidence.auditor.files import Files, Say, why
from vorbehalt.evidence.auditor.naming import ABOUT_ANCHORS, named_files
from vorbehalt.evidence.auditor.spool import Spool
from vorbehalt.evidence.auditor.vault import Vault
from vorbehalt.evidence.reading.pruned import MAX_LIST_BYTES, read_list
from vorbehalt.evidence.tlog.leaf import LeafError, decode_leaf, seen_of
from vorbehalt.evidence.tlog.merkle import HASH_SIZE
from vorbehalt.evidence.tlog.tiles import (
    ENTRIES,
    TILE_BYTES,
    WIDTH,
    Levels,
    TileError,
    TileName,
    bundle_name,
    decode_bundle,
    parse_tile_path,
    read_hashes,
    tiles_of,
)

_MAX_BUNDLE = WIDTH * (2 + 65_535)


@dataclass(slots=True)
class LogAudit:
    """Recomputes the log; what it learns from the leaves is kept for the checks of the other folders."""

    files: Files
    problem: Say
    spool: Spool
    vault: Vault
    progress: Callable[[int, int], None]
    levels: Levels = field(default_factory=Levels)
    chains: Chains = field(default_factory=Chains)
    records: int = 0
    gaps: int = 0
    anchored: dict[str, str] = field(default_factory=dict)
    """File among the anchors -> SHA-256 hex, as records name them."""
    anchor_leaves: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    is_dossier: bool = False
    """True where some records are enclosed and all entries stand as hashes."""
    enclosed: list[tuple[int, str, int]] = field(default_factory=list)
    """Index, type and time (ns) of the records in a dossier."""
    absent: int = 0
    """Below this index entries are absent."""
    minimum: int = 0
    """Below this index they may be, says a `prune` record."""
    objects: set[str] = field(default_factory=set)
    ahead: list[tuple[int, str]] = field(default_factory=list)
    """(size, file): files that only a log of that size can have."""

    def run(self, signed_size: int | None) -> None:
        """Reads all files below `log/`; without a signed size, whatever entries there are.

        Where an entry is absent its hash is taken from the tile, and the root is computed from those.
        """
        bundles: dict[int, list[TileName]] = {}
        tiles: list[TileName] = []
        for path in self.files.walk("log"):
            name = parse_tile_path(path.removeprefix("log/"))
            if name is None:
                if path not in ("log/checkpoint", "log/vkey"):
                    self.problem(f"{path}: unexpected file")
            elif name.level == ENTRIES:
                bundles.setdefault(name.index, []).append(name)
            else:
                tiles.append(name)
        if self.is_dossier:
            self._enclosed(bundles, tiles, signed_size or 0)
            return
        present = {name.path for group in bundles.values() for name in group} | {name.path for name in tiles}
        widest = max(
            (name.index * WIDTH + name.width for group in bundles.values() for name in group), default=0
        )
        size = widest if signed_size is None else signed_size
        if widest < size:
            self.problem(f"log/tile/entries: ends at {widest} entries, the checkpoint says {size}")
        missing = [
            needed
            for needed in tiles_of(min(size, widest))
            if needed.path not in present and TileName(needed.level, needed.index).path not in present
        ]
        for index in sorted(bundles):
            self._fill(min(index * WIDTH, size))
            self._bundle(index, bundles[index], size)
        for needed in missing:
            if needed.level != ENTRIES or needed.index * WIDTH + needed.width > self.minimum:
                self.problem(f"log/{needed.path}: missing")
        for name in tiles:
            self._tile(name, size)

    def _fill(self, end: int) -> None:
        """Take the hashes of absent entries from their tiles, up to `end`; the root shows their worth."""
        while self.levels.size < end and not self.levels.size % WIDTH:
            name = TileName(0, self.levels.size // WIDTH, min(WIDTH, end - self.levels.size))
            try:
                self.levels.extend(read_hashes(self._read_tile, name))
            except (OSError, TamperError) as error:
                self.problem(f"log/{name.path}: {why(error)}")
                return
            self.absent = self.levels.size
            self.chains.begin_anew()

    def _read_tile(self, path: str) -> bytes:
        return self.files.read(f"log/{path}", TILE_BYTES)

    def _enclosed(self, bundles: dict[int, list[TileName]], tiles: list[TileName], size: int) -> None:
        self._fill(size)
        for name in [*(name for group in bundles.values() for name in group), *tiles]:
            if name.level == ENTRIES:
                self.problem(f"log/{name.path}: unexpected file")
            else:
                self._tile(name, size)
        hashes = self.levels.tile
        for index, payload in read_enclosed(self.files, self.problem):
            place = f"{RECORDS}: record {index}"
            row = hashes(TileName(0, index // WIDTH, index % WIDTH + 1)) if index < size else None
            if row is None or row[-HASH_SIZE:] != sha256(b"\x00" + payload).digest():
                self.problem(f"{place}: is not the entry of the log")
                continue
            self._entry(payload, RECORDS, index)
            self.progress(index, size)
        check_manifest(self.files, self.problem)

    def _bundle(self, index: int, names: list[TileName], size: int) -> None:
        start = index * WIDTH
        found = [read for name in names if (read := self._read_bundle(name)) is not None]
        if not found:
            return
        found.sort(key=lambda item: item[0], reverse=True)
        longest, data, entries = found[0]
        place = f"log/{TileName(ENTRIES, index, longest).path}"
        for width, shorter, _ in found[1:]:
            if not data.startswith(shorter):
                self.problem(f"log/{TileName(ENTRIES, index, width).path}: differs from {place}")
        if start + longest > size:
            self.ahead.append((start + longest, place))
        entries = entries[: max(0, size - start)]
        if self.levels.size != start or not entries:
            return
        for number, payload in enumerate(entries, start):
            self._entry(payload, place, number)
        self.levels.extend(b"".join([sha256(b"\x00" + entry).digest() for entry in entries]))
        self.progress(self.levels.size, size)

    def _read_bundle(self, name: TileName) -> tuple[int, bytes, list[bytes]] | None:
        try:
            try:
                data = self.files.read(f"log/{name.path}", _MAX_BUNDLE)
            except FileNotFoundError:
                # While the log grows, a partial bundle goes once the full one is there.
                name = TileName(ENTRIES, name.index)
                data = self.files.read(f"log/{name.path}", _MAX_BUNDLE)
            entries = decode_bundle(data)
            if len(entries) != name.width:
                raise TileError(f"holds {len(entries)} entries, not {name.width}")
        except (OSError, TamperError) as error:
            self.problem(f"log/{name.path}: {why(error)}")
            return None
        return name.width, data, entries

    def _entry(self, payload: bytes, bundle: str, number: int) -> None:
        try:
            leaf = decode_leaf(payload)
        except LeafError as error:
            self.problem(f"{bundle}: entry {number}: {error}")
            return
        digest = sha256(payload).hexdigest()
        if self.is_dossier:
            self.enclosed.append((number, str(leaf["type"]), int(str(leaf["at"]))))
        elif not self.chains.follow(leaf, digest):
            place = f"{bundle}: entry {number}"
            if (wrong := self.chains.add(leaf, digest, place)) is not None:
                self.problem(f"{place}: {wrong}")
        if self.spool.waiting:
            self.spool.sealed(leaf, digest, f"{bundle}: entry {number}", self.problem)
        if self.vault.wanted:
            self.vault.leaf(leaf)
        kind = leaf["type"]
        if kind == "request":
            self.records += 1
        elif kind == "gap":
            self.gaps += 1
        elif kind == "anchor":
            self._anchor(leaf, f"{bundle}: entry {number}")
            self.anchor_leaves.append((number, leaf))
        elif kind == "prune" and not self.is_dossier:
            self._prune(leaf, f"{bundle}: entry {number}", number)
        if "objects" in leaf and isinstance(named := leaf["objects"], list):
            self.objects.update(named)

    def _anchor(self, leaf: dict[str, object], place: str) -> None:
        if not isinstance(seen_of(leaf).get("files", []), list):
            self.problem(f"{place}: names no anchor files")
        for name, digest in named_files(leaf):
            if not isinstance(name, str) or not isinstance(digest, str):
                self.problem(f"{place}: names no anchor file")
            elif self.anchored.setdefault(name, digest) != digest:
                self.problem(f"{place}: gives anchors/{name} another digest than an earlier record")

    def _prune(self, leaf: dict[str, object], place: str, number: int) -> None:
        """Take from which index on entries must be here, and which anchors stay although their records go."""
        minimum = seen_of(leaf).get("minimum")
        if type(minimum) is not int or not 0 <= minimum <= number:
            self.problem(f"{place}: prunes what came after it, or names no index")
            return
        self.minimum = max(self.minimum, minimum)
        try:
            anchors = read_list(leaf, lambda path: self.files.read(path, MAX_LIST_BYTES)).anchors
        except (OSError, TamperError) as error:
            self.problem(f"{place}: its list of anchors: {why(error)}")
            return
        for name, digest in anchors.items():
            if self.anchored.setdefault(name, digest) != digest:
                self.problem(f"{place}: gives anchors/{name} another digest than another record")

    def first_after(self, size: int) -> int | None:
        """Returns the time of the first record from index `size` on that is not itself about anchors."""
        if self.is_dossier:
            found = [at for index, kind, at in self.enclosed if index >= size and kind not in ABOUT_ANCHORS]
            return found[0] if found else None
        for first in range(max(size, self.absent) // WIDTH * WIDTH, self.levels.size, WIDTH):
            read = self._read_bundle(bundle_name(first, self.levels.size))
            for payload in read[2][max(0, size - first) : self.levels.size - first] if read else ():
                try:
                    leaf = decode_leaf(payload)
                except LeafError:
                    continue  # named as a problem in the first pass
                if leaf["type"] not in ABOUT_ANCHORS:
                    return int(str(leaf["at"]))
        return None

    def _tile(self, name: TileName, size: int) -> None:
        path = f"log/{name.path}"
        extent = (name.index * WIDTH + name.width) << (8 * name.level)
        if extent > size:
            self.ahead.append((extent, path))
            return
        try:
            data = self.files.read(path, TILE_BYTES)
        except (OSError, TamperError) as error:
            full = self.files.directory / "log" / TileName(name.level, name.index).path
            if not isinstance(error, FileNotFoundError) or not full.is_file():
                self.problem(f"{path}: {why(error)}")
            return
        if data != self.levels.tile(name):
            self.problem(f"{path}: does not hold the hashes of its entries")

    def unexplained(self, signed: int, spool: Spool) -> list[str]:
        """Returns the files beyond the signed size, except those of a seal that is not finished.

        Such a seal stands between its files and its checkpoint, for a moment or since a crash; the spool
        still holds its records then. Call this last: it adds them to the levels.
        """
        waiting = {digest for _, digest, _ in spool.waiting.values()}
        bundles: dict[int, TileName] = {}
        others: list[tuple[TileName | None, str]] = []
        for extent, path in self.ahead:
            if extent <= signed:
                continue
            name = parse_tile_path(path.removeprefix("log/"))
            if name is None or name.level != ENTRIES:
                others.append((name, path))
            elif name.index not in bundles or bundles[name.index].width < name.width:
                bundles[name.index] = name
        bad = []
        for index in sorted(bundles):
            path = f"log/{bundles[index].path}"
            read = self._read_bundle(bundles[index])
            fresh = read[2][max(0, self.levels.size - index * WIDTH) :] if read is not None else []
            if not index * WIDTH <= self.levels.size or any(
                sha256(it).hexdigest() not in waiting for it in fresh
            ):
                bad.append(path)
            else:
                self.levels.extend(b"".join([sha256(b"\x00" + entry).digest() for entry in fresh]))
        for name, path in others:
            try:
                if name is None or self.files.read(path, TILE_BYTES) != self.levels.tile(name):
                    bad.append(path)
            except (OSError, TamperError):
                bad.append(path)
        return bad
