"""Pauses between attempts: they double, and no two workers make the same ones."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom

FIRST_SECONDS = 0.2
MOST_SECONDS = 5.0


class Backoff:
    """How long to wait after each failure in a row; `chance` gives numbers from 0 to 1."""

    __slots__ = ("_chance", "_next")

    def __init__(self, chance: Callable[[], float] | None = None) -> None:
        self._chance = chance or SystemRandom().random
        self._next = FIRST_SECONDS

    def pause(self) -> float:
        """Return the seconds to wait, from half of the pause to all of it; the next one is twice as long."""
        pause = self._next
        self._next = min(2 * pause, MOST_SECONDS)
        return pause * (1 + self._chance()) / 2

    def reset(self) -> None:
        """Begin again: it worked."""
        self._next = FIRST_SECONDS
