"""A folder for others: what a pinned log proves and what records name, each file under its digest.

The same pinned size and the same records give the same bytes. The folder appears whole or not at all.
"""

from __future__ import annotations

import glob
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.bundle.pin import Pinned
from vorbehalt.evidence.files import is_abandoned, try_lock
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of
from vorbehalt.evidence.tlog.merkle import HASH_SIZE, leaf_hash
from vorbehalt.evidence.tlog.tiles import WIDTH

MANIFEST = "manifest.sha256"
RECORDS = "records.jsonl"
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_ANCHOR = re.compile(r"[0-9]{1,19}\.[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_BLOCK_BYTES = 1 << 20


class BundleFile:
    """One file of a folder while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class BundleFolder:
    """A folder that grows by `add` and `open` only, so that its manifest names every file of it.

    It lies beside `target`, under a name that begins with a dot, until it is whole.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.digests: dict[str, str] = {}
        """SHA-256 hex by path, of what was written so far."""
        self._draft = target.absolute().with_name(f".{target.absolute().name}.{secrets.token_hex(4)}.partial")
        self._lock = -1

    @property
    def manifest(self) -> bytes:
        """The lines of `sha256sum`, sorted by path."""
        return "".join(f"{self.digests[path]}  {path}\n" for path in sorted(self.digests)).encode("ascii")

    def add(self, path: str, data: bytes) -> str:
        """Write a file; returns its SHA-256 hex. `path` is relative, with slashes, and new."""
        with self.open(path) as file:
            file.write(data)
        return file.digest

    @contextmanager
    def open(self, path: str) -> Iterator[BundleFile]:
        """Write a file piece by piece; several may be open at once."""
        if not _PATH.fullmatch(path) or path in self.digests or path == MANIFEST:
            raise EvidenceError(f"{path!r} cannot be a file of this folder, or is one already")
        full = self._draft / path
        full.parent.mkdir(parents=True, exist_ok=True)
        self.digests[path] = ""
        with full.open("xb") as raw:
            file = BundleFile(raw)
            yield file
        self.digests[path] = file.digest

    def _begin(self) -> None:
        if self.target.exists() and (not self.target.is_dir() or any(self.target.iterdir())):
            raise EvidenceError(f"{self.target} is there already: name a folder that is not, or an empty one")
        remove_rests(self.target)
        self._draft.mkdir(parents=True)
        self._lock = hold_directory(self._draft)

    def _finish(self) -> None:
        (self._draft / MANIFEST).write_bytes(self.manifest)
        if self.target.is_dir():
            self.target.rmdir()
        os.rename(self._draft, self.target)
        os.close(self._lock)

    def _discard(self) -> None:
        os.close(self._lock)
        shutil.rmtree(self._draft, ignore_errors=True)


@contextmanager
def bundle_folder(target: Path) -> Iterator[BundleFolder]:
    """Write a folder: it is at `target` with its manifest when the block ends, and nowhere if that fails.

    Raises EvidenceError if there is something at `target`. SHA-256 of `manifest` names all of it.
    """
    folder = BundleFolder(target)
    folder._begin()
    try:
        yield folder
        folder._finish()
    except BaseException:
        folder._discard()
        raise


def remove_rests(target: Path) -> None:
    """Remove what runs that were killed left beside `target`; what a running one writes stays."""
    name = glob.escape(target.absolute().name)
    beside = target.absolute().parent
    for pattern in (f".{name}.*.partial", f"..{name}.*.new.*.partial"):
        for rest in beside.glob(pattern):
            if rest.is_dir() and not rest.is_symlink() and is_abandoned(rest):
                shutil.rmtree(rest, ignore_errors=True)


def hold_directory(path: Path) -> int:
    """Return an open, locked directory: nobody takes it for a rest until it is closed."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try_lock(fd)
    return fd


def enclose_log(folder: BundleFolder, pinned: Pinned) -> None:
    """Write `log/`: verifier key, checkpoint as signed, all level-0 tiles of the pinned size.

    Raises TamperError if they do not make up the signed root.
    """
    folder.add("log/vkey", f"{pinned.verifier.vkey}\n".encode())
    folder.add("log/checkpoint", pinned.note)
    root = pinned.leaf_root(lambda name, hashes: folder.add(f"log/{name.path}", hashes))
    if root != pinned.checkpoint.root:
        raise TamperError(
            f"the tiles of the log do not make up the root that was signed at size {pinned.size}"
        )


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What was written of records: how many, how many objects and how many files of anchors they name."""

    records: int
    objects: int
    anchors: int


def enclose_records(folder: BundleFolder, pinned: Pinned, records: Iterable[tuple[int, bytes]]) -> Enclosed:
    """Write `records.jsonl` of (index, leaf) in rising order, and the objects and anchors that they name.

    Each leaf is compared with its hash in the log. Raises TamperError if it, an object or an anchor is not
    what the log says, EvidenceError if one is missing.
    """
    count, last = 0, -1
    objects: set[str] = set()
    anchors: set[str] = set()
    hashes, tile = b"", -1
    with folder.open(RECORDS) as file:
        for index, entry in records:
            if index <= last:
                raise EvidenceError("records must come in the order of their index, each once")
            if index // WIDTH != tile:
                tile = index // WIDTH
                hashes = pinned.leaf_hashes(tile)
            at = index % WIDTH * HASH_SIZE
            if leaf_hash(entry) != hashes[at : at + HASH_SIZE]:
                raise TamperError(f"record {index} is not the one that was signed")
            file.write(b'{"index":%d,"record":%b}\n' % (index, entry))
            count, last = count + 1, index
            if b'"objects":' in entry or b'"type":"anchor"' in entry:
                _enclose_named(folder, pinned, index, decode_leaf(entry), objects, anchors)
    return Enclosed(count, len(objects), len(anchors))


def _enclose_named(
    folder: BundleFolder,
    pinned: Pinned,
    index: int,
    leaf: dict[str, object],
    objects: set[str],
    anchors: set[str],
) -> None:
    named = leaf.get("objects")
    for digest in named if isinstance(named, list) else ():
        if digest not in objects:
            objects.add(digest)
            enclose_object(folder, pinned, str(digest), index)
    if leaf["type"] != "anchor":
        return
    files = seen_of(leaf).get("files")
    for item in files if isinstance(files, list) else ():
        name, digest = item.get("name"), item.get("sha256")
        if not isinstance(name, str) or not _ANCHOR.fullmatch(name):
            raise TamperError(f"record {index} names an anchor {name!r}, which is no file of this log")
        if name not in anchors:
            anchors.add(name)
            _copy(folder, pinned.directory, f"anchors/{name}", str(digest), index)


def enclose_object(folder: BundleFolder, pinned: Pinned, digest: str, index: int) -> None:
    """Write one object that record `index` names, unless it is there already."""
    path = f"objects/sha256/{digest[:2]}/{digest}"
    if path not in folder.digests:
        _copy(folder, pinned.directory, path, digest, index)


def _copy(folder: BundleFolder, directory: Path, path: str, digest: str, index: int) -> None:
    try:
        source = (directory / path).open("rb")
    except OSError as error:
        raise EvidenceError(
            f"{path}, which record {index} names, cannot be read: {error.strerror}"
        ) from error
    with source, folder.open(path) as file:
        while data := source.read(_BLOCK_BYTES):
            file.write(data)
    if file.digest != digest:
        raise TamperError(f"{path} is not what record {index} names: it was changed")
