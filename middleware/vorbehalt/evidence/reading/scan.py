"""One fast pass over the sealed log: the records of a few types, and the last record of every writer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.evidence.files import is_abandoned
from vorbehalt.evidence.frames import scan_frames
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.spool.spool import SPOOL_NAME
from vorbehalt.evidence.spool.state import load_state
from vorbehalt.evidence.tlog.leaf import LeafError, decode_leaf
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries

_HEAD_BYTES = 300
_WRITER = b'"w":"'


@dataclass(slots=True)
class LogScan:
    """What a pass found. `found` are decoded leaves with their index, in the order of the log.

    `last` is the undecoded last entry of each writer; whoever wants its time decodes that one.
    """

    size: int
    found: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    last: dict[bytes, bytes] = field(default_factory=dict)


def scan_log(directory: Path, types: Collection[str]) -> LogScan:
    """Read all sealed records of the given types that were not pruned.

    An entry whose bytes do not hold the wanted text is never decoded: quotation marks inside texts are
    escaped, so the text of a type stands only where a type stands. Raises EvidenceError if the directory, a
    bundle or a wanted record cannot be read. Verifies nothing but the checkpoint's signature.
    """
    size = open_log(directory)[1].size
    marks = [f'"type":"{kind}"'.encode("ascii") for kind in types]
    scan = LogScan(size)

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    for first in range(first_readable(directory, size), size, WIDTH):
        for index, entry in enumerate(read_entries(reader, bundle_name(first, size)), first):
            at = entry.find(_WRITER, 0, _HEAD_BYTES) + len(_WRITER)
            scan.last[entry[at : entry.find(b'"', at)]] = entry
            if any(mark in entry for mark in marks) and (leaf := decode_leaf(entry))["type"] in types:
                scan.found.append((index, leaf))
    return scan


def unsealed_leaves(directory: Path, types: Collection[str] | None) -> list[dict[str, object]]:
    """Return durable records of the given types (None: all) that may not be in the log yet.

    Skips what is unreadable.
    """
    found = []
    for path, offset in _waiting(directory):
        try:
            data = path.read_bytes()[offset:]
        except FileNotFoundError:
            continue  # sealed a moment ago
        for payload in scan_frames(data).payloads:
            try:
                leaf = decode_leaf(payload)
            except LeafError:
                continue  # the sealer sets it aside and says so
            if types is None or leaf["type"] in types:
                found.append(leaf)
    return found


def is_all_sealed(directory: Path) -> bool:
    """True if no durable record waits to be taken into the log, as far as this user can see."""
    return not _waiting(directory)


def living_writers(directory: Path) -> set[str]:
    """Return the writers of this directory whose process still runs: each holds a lock on its spool."""
    alive = set()
    for path, name in _spools(directory):
        try:
            if not is_abandoned(path):
                alive.add(name)
        except OSError:
            continue  # gone a moment ago, or another user's: nothing can be said
    return alive


def _waiting(directory: Path) -> list[tuple[Path, int]]:
    state = load_state(directory / "run" / "state.json")
    sealed = state.spools if state is not None else {}
    waiting = []
    for path, _ in _spools(directory):
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue
        if size > sealed.get(path.name, 0):
            waiting.append((path, sealed.get(path.name, 0)))
    return waiting


def _spools(directory: Path) -> list[tuple[Path, str]]:
    folder = directory / "spool"
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []  # a copy for somebody else has no spool
    return [(path, match[1]) for path in paths if (match := SPOOL_NAME.fullmatch(path.name))]
