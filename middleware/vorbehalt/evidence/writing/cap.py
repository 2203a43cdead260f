"""Whether the evidence takes more of the disk than it may: a file says so to all writers of a directory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

_SECONDS = 5.0


class Cap:
    """Looks for the file at most every five seconds. `clock` gives seconds that only grow."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._looked_at = float("-inf")
        self._is_over = False

    def is_over(self) -> bool:
        now = self._clock()
        if now - self._looked_at >= _SECONDS:
            self._looked_at = now
            self._is_over = self._path.exists()
        return self._is_over
