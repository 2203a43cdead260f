"""The files behind the counters: their layout, and how the files of dead workers become one.

A file is the magic word and a run of entries, each a multiple of eight bytes: a head (CRC-32 of the key in
the upper half, its length in the lower), the key (JSON `[name, [label, ...]]`, padded), the cell; words in
the byte order of the machine. The head is written last, so that no reader meets half an entry.

A file whose lock (flock) nobody holds belongs to a dead worker. A value counts either in its worker's file or
in the folded one, never in both and never in none, whenever a process dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from vorbehalt.errors import StoreError

Key = tuple[str, tuple[str, ...]]
"""Name of a metric and the values of its labels, in the family's order."""

OTHER = "other"
JOINT = "+"
"""In the place of a name: the labels are encoded keys, and the value counts for each of them."""
MAGIC = int.from_bytes(b"VBCELLS1", "little")
SUFFIX = ".cells"
LOCK_SECONDS = 2.0
_FOLDED = "folded"


def encode(key: Key) -> bytes:
    """Return the key as it stands in a file."""
    return json.dumps([key[0], list(key[1])], separators=(",", ":"), ensure_ascii=True).encode("ascii")


def size_of(key: bytes) -> int:
    """Return the bytes that an entry with this key takes."""
    return 16 + (len(key) + 7) // 8 * 8


def entries(raw: bytes) -> dict[Key, int]:
    """Return what one file counts, up to the first entry that is empty or does not hold."""
    found: dict[Key, int] = {}
    words = memoryview(raw[: len(raw) // 8 * 8]).cast("Q")
    if not len(words) or words[0] != MAGIC:
        return found
    at = 1
    while at < len(words):
        length, checksum = words[at] & 0xFFFFFFFF, words[at] >> 32
        cell = at + 1 + (length + 7) // 8
        key = raw[(at + 1) * 8 : (at + 1) * 8 + length]
        if not length or cell >= len(words) or zlib.crc32(key) != checksum:
            break
        add(found, _decode(key), words[cell])
        at = cell + 1
    return found


def add(totals: dict[Key, int], key: Key, value: int) -> None:
    """Add what a key was counted to totals, for each of the keys that are counted together with it."""
    for one in map(_decode, key[1]) if key[0] == JOINT else (key,):
        totals[one] = totals.get(one, 0) + value


def _decode(key: bytes | str) -> Key:
    name, labels = json.loads(key)
    return name, tuple(labels)


def fold(directory: Path, *, skip: str, max_keys: int) -> dict[Key, int]:
    """Sum all files but one; those of dead workers go into the folded file first. Needs the lock.

    The folded file names what it contains, so that a crash before the removal of a dead file counts it once.
    """
    totals = entries(_read(directory / _FOLDED))
    contained = {labels[0] for name, labels in totals if not name}
    totals = {key: value for key, value in totals.items() if key[0]}
    dead: list[Path] = []
    living: dict[Key, int] = {}
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        if path.name == skip:
            continue
        if path.name in contained:
            path.unlink(missing_ok=True)
            continue
        values, is_dead = _inspect(path)
        if is_dead:
            dead.append(path)
        for key, value in values.items():
            target = totals if is_dead else living
            if is_dead and key not in totals and len(totals) >= max_keys:
                key = (key[0], (OTHER,) * len(key[1]))
            target[key] = target.get(key, 0) + value
    if dead:
        _write_folded(directory, totals, [path.name for path in dead])
        for path in dead:
            path.unlink(missing_ok=True)
    for key, value in living.items():
        totals[key] = totals.get(key, 0) + value
    return totals


def living(directory: Path) -> int:
    """Return how many processes count in a directory right now. Changes nothing."""
    count = 0
    for path in directory.glob(f"*{SUFFIX}"):
        try:
            with open(path, "rb") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            count += 1
        except OSError:
            continue  # it was folded away a moment ago, or belongs to somebody else
    return count


def _inspect(path: Path) -> tuple[dict[Key, int], bool]:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return {}, False
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_dead = True
        except BlockingIOError:
            is_dead = False
        with open(descriptor, "rb", closefd=False) as file:
            return entries(file.read()), is_dead
    finally:
        os.close(descriptor)


def _write_folded(directory: Path, totals: Mapping[Key, int], names: list[str]) -> None:
    parts = [MAGIC.to_bytes(8, sys.byteorder)]
    for key, value in [*totals.items(), *((("", (name,)), 1) for name in names)]:
        encoded = encode(key)
        head = zlib.crc32(encoded) << 32 | len(encoded)
        padding = bytes(-len(encoded) % 8)
        parts += [
            head.to_bytes(8, sys.byteorder),
            encoded,
            padding,
            (value % 2**64).to_bytes(8, sys.byteorder),
        ]
    temporary = directory / f".{_FOLDED}"
    with open(temporary, "wb") as file:
        file.write(b"".join(parts))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, directory / _FOLDED)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def reserve_blocks(descriptor: int, size: int) -> None:
    """Give a file real blocks on disk; raises OSError where there is no room."""
    allocate = getattr(os, "posix_fallocate", None)
    if allocate is not None:
        try:
            allocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    for _ in range(0, size, 65536):
        os.write(descriptor, bytes(65536))
    os.ftruncate(descriptor, size)


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; a holder that hangs must not hang the others."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(f"{directory} stayed locked for {LOCK_SECONDS:g} seconds") from None
                time.sleep(0.002)
        yield
    finally:
        os.close(descriptor)
