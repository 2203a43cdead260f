"""Growing runs of bytes and hash tables in buffers that somebody else allocates. Pure.

Words are unsigned, 64 bits, in the byte order of the machine: what is built is read on the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeAlias

Allocate: TypeAlias = Callable[[int], memoryview]
"""Size in bytes -> a writable view of so many zero bytes."""

SLOT = 16
_FIRST_SLOTS = 1024
_FIRST_BYTES = 1 << 16


def in_memory(size: int) -> memoryview:
    """Allocate in the memory of the process."""
    return memoryview(bytearray(size))


def hash_of(key: bytes) -> int:
    """Return 64 bits of BLAKE2b, never 0: that is an empty slot."""
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little") or 1


class Run:
    """Bytes that are appended to, and may be changed where they stand."""

    def __init__(self, allocate: Allocate) -> None:
        self._allocate = allocate
        self.view = allocate(_FIRST_BYTES)
        self.size = 0

    def append(self, *parts: bytes) -> int:
        """Append bytes and return where they begin."""
        begins = at = self.size
        end = at + sum(map(len, parts))
        if end > len(self.view):
            bigger = self._allocate(max(end, 2 * len(self.view)))
            bigger[:at] = self.view[:at]
            self.view.release()
            self.view = bigger
        for part in parts:
            self.view[at : at + len(part)] = part
            at += len(part)
        self.size = end
        return begins


class Slots:
    """A hash table from keys to words, by open addressing; the keys themselves stand elsewhere."""

    def __init__(self, allocate: Allocate) -> None:
        self._allocate = allocate
        self.words = allocate(_FIRST_SLOTS * SLOT).cast("Q")
        self.count = 0

    def find(self, hashed: int, is_it: Callable[[int], bool]) -> int:
        """Return the slot of a key, or the empty one where it belongs; `is_it(word)` compares keys."""
        words = self.words
        mask = len(words) // 2 - 1
        at = hashed & mask
        while (there := words[2 * at]) and not (there == hashed and is_it(words[2 * at + 1])):
            at = (at + 1) & mask
        return at

    def get(self, slot: int) -> int | None:
        """Return the word in a slot; None if it is empty."""
        return self.words[2 * slot + 1] if self.words[2 * slot] else None

    def put(self, slot: int, hashed: int, word: int) -> None:
        """Set the word of a slot that `find` gave."""
        is_new = not self.words[2 * slot]
        self.words[2 * slot], self.words[2 * slot + 1] = hashed, word
        if is_new:
            self.count += 1
            if self.count * 3 > len(self.words):  # of words there are two a slot: two thirds are full
                self._grow()

    def _grow(self) -> None:
        old = self.words
        words = self._allocate(len(old) * 8 * 2).cast("Q")
        mask = len(words) // 2 - 1
        for place in range(0, len(old), 2):
            if hashed := old[place]:
                at = hashed & mask
                while words[2 * at]:
                    at = (at + 1) & mask
                words[2 * at], words[2 * at + 1] = hashed, old[place + 1]
        old.release()
        self.words = words


def look(words: memoryview, hashed: int, is_it: Callable[[int], bool]) -> int | None:
    """Return the word of a key in a finished table, None if it is not there."""
    mask = len(words) // 2 - 1
    at = hashed & mask
    for _ in range(mask + 1):
        there = words[2 * at]
        if not there:
            return None
        if there == hashed and is_it(word := words[2 * at + 1]):
            return int(word)
        at = (at + 1) & mask
    return None
