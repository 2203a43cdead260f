"""Digests over several parts that cannot be shifted into one another."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def digest_of(parts: Iterable[bytes]) -> str:
    """SHA-256 hex over the parts, each preceded by its length as eight octets, big-endian."""
    hasher = sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.hexdigest()
