"""Counting texts of strangers in bounded memory; the same texts in the same order give the same result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Most(Generic[Key]):
    """Keeps the most frequent ones exactly as long as there are no more than `kept` of them."""

    def __init__(self, kept: int = 50_000) -> None:
        self._kept = kept
        self._counts: Counter[Key] = Counter()
        self.total = 0

    def add(self, key: Key) -> None:
        self.total += 1
        self._counts[key] += 1
        if len(self._counts) > self._kept:
            self._counts = Counter(dict(self._counts.most_common(self._kept // 2)))

    def listed(self, top: int) -> list[tuple[Key, int]]:
        """Return the most frequent ones, then by themselves."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], repr(item[0])))
        return ordered[:top]

    def beyond(self, top: int) -> int:
        """Return how many were added of texts that `listed` leaves out."""
        return self.total - sum(count for _, count in self.listed(top))
