"""Merkle trees of RFC 6962 section 2.1 and their proofs (RFC 9162 sections 2.1.3 and 2.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from vorbehalt.errors import TamperError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""(height, index) -> root of the complete subtree over the `1 << height` leaves from `index << height`."""


class ProofError(TamperError):
    """A proof does not hold, or cannot exist."""


def leaf_hash(entry: bytes) -> bytes:
    """Returns the hash of one leaf: SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """Returns the root over a power-of-two number of concatenated hashes (at least one)."""
    while len(hashes) > HASH_SIZE:
        hashes = b"".join(
            [sha256(b"\x01" + hashes[at : at + 64]).digest() for at in range(0, len(hashes), 2 * HASH_SIZE)]
        )
    return hashes


class Frontier:
    """The right edge of a growing tree: roots of its complete subtrees, the largest first."""

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        if size.bit_count() != len(edge):
            raise ProofError("the edge does not fit the size")
        self.size = size
        self._edge = list(edge)

    def append(self, hash_: bytes) -> None:
        """Adds the hash of the next leaf."""
        left = self.size
        while left & 1:
            hash_ = sha256(b"\x01" + self._edge.pop() + hash_).digest()
            left >>= 1
        self._edge.append(hash_)
        self.size += 1

    def root(self) -> bytes:
        """Returns the root over all leaves so far."""
        return _join(self._edge)


def _join(subtrees: Sequence[bytes]) -> bytes:
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = sha256(b"\x01" + left + root).digest()
    return root


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Returns the root over leaf hashes."""
    frontier = Frontier()
    for item in hashes:
        frontier.append(item)
    return frontier.root()


def subtree_of(hashes: Sequence[bytes]) -> Subtree:
    """Returns the subtree function of leaf hashes held in memory."""

    def subtree(height: int, index: int) -> bytes:
        return fold(b"".join(hashes[index << height : (index + 1) << height]))

    return subtree


def range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """Returns the hash of leaves `start` to `end` (exclusive) as a tree of their own.

    `start` must be a multiple of the smallest power of two that is not below `end - start`.
    """
    parts = []
    at = start
    for height in reversed(range((end - start).bit_length())):
        if (end - start) >> height & 1:
            parts.append(subtree(height, at >> height))
            at += 1 << height
    return _join(parts)


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Returns the hashes that lead from leaf `index` to the root at `size`, the lowest first."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end, subtree))
            end = middle
        else:
            path.append(range_root(start, middle, subtree))
            start = middle
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises ProofError unless the proof leads from the leaf hash to `root` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    _check_hashes([leaf, *proof])
    node, last = index, size - 1
    found = leaf
    for item in proof:
        if last == 0:
            raise ProofError("the inclusion proof is too long")
        if node & 1 or node == last:
            found = node_hash(item, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, item)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("the inclusion proof is too short")
    if found != root:
        raise ProofError("the inclusion proof leads to another root")


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Returns the hashes that show a tree of `old` leaves to be the beginning of one of `new` leaves."""
    if not 0 < old <= new:
        raise ProofError(f"there is no consistency proof from {old} to {new}")
    path = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(middle, end, subtree))
            end = middle
        else:
            path.append(range_root(start, middle, subtree))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, end, subtree))
    return path[::-1]


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises ProofError unless the proof joins both roots (RFC 9162 section 2.1.4.2).

    An empty old tree proves nothing and is refused.
    """
    if not 0 < old <= new:
        raise ProofError(f"there is no consistency proof from {old} to {new}")
    _check_hashes(proof)
    if old == new:
        if proof:
            raise ProofError("trees of equal size need no proof")
        if old_root != new_root:
            raise ProofError("two roots for one size")
        return
    if not proof:
        raise ProofError("the consistency proof is empty")
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    first = second = path[0]
    for item in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(item, first), node_hash(item, second)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            second = node_hash(second, item)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("the consistency proof is too short")
    if first != old_root or second != new_root:
        raise ProofError("the consistency proof leads to other roots")


def _check_hashes(proof: Sequence[bytes]) -> None:
    if any(len(item) != HASH_SIZE for item in proof):
        raise ProofError("a proof hash is not 32 bytes")
