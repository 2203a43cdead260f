"""Which paths did readers ask for lately? A path that no reader asked for is deep: fleets go there, people
hardly.

Two Bloom filters, this week's and that of the week before, so that no path is forgotten before a week is
over. Hashes of 64 bits come in, never paths. Pure; times are nanoseconds UTC.
"""

from __future__ import annotations

from math import ceil, log
from typing import Final

from vorbehalt.patterns.sketches import HOUR

CAPACITY: Final = 1_000_000
ERROR: Final = 0.01
WEEK: Final = 7 * 24 * HOUR

_FRONT: Final = 8_192
_LOW: Final = 0xFFFFFFFF

_VIEWS: Final = 50.0
"""Views of readers over which the share of new paths is averaged."""

_MOSTLY: Final = 0.5


class Bloom:
    """A set of hashes in little memory (Bloom 1970): `capacity` of them with so many false hits, none missed.

    1.2 MB for 1,000,000 at 1 %. Beyond the capacity false hits grow: then more paths count as read.
    """

    __slots__ = ("_bits", "_hashes", "_size")

    def __init__(self, capacity: int = CAPACITY, error: float = ERROR) -> None:
        per_key = -log(error) / log(2) ** 2
        self._bits = bytearray(ceil(capacity * per_key / 8))
        self._size = 8 * len(self._bits)
        self._hashes = round(per_key * log(2))

    def add(self, key: int) -> None:
        """Take in a hash of 64 well mixed bits."""
        bits, size, place, step = self._bits, self._size, key & _LOW, key >> 32 | 1
        for _ in range(self._hashes):
            place = (place + step) % size
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: int) -> bool:
        bits, size, place, step = self._bits, self._size, key & _LOW, key >> 32 | 1
        for _ in range(self._hashes):
            place = (place + step) % size
            if not bits[place >> 3] >> (place & 7) & 1:
                return False
        return True


class PathMemory:
    """The paths that readers asked for within the last week or two.

    `front` holds some of them exactly, for a look-up that costs next to nothing.
    """

    __slots__ = ("_before", "_capacity", "_now", "_unknown_share", "_week_began", "front")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._now = Bloom(capacity)
        self._before: Bloom | None = None
        self._week_began: int | None = None
        self._unknown_share = 1.0
        self.front: set[int] = set()

    @property
    def knows_the_site(self) -> bool:
        """True once most of what readers ask for was read before: only then does a deep path mean anything.

        False after a start, and for ever on a site where readers mostly read what nobody read in weeks.
        """
        return self._unknown_share < _MOSTLY

    def read(self, path: int, now: int, *, is_first: bool = True) -> None:
        """A reader asked for this path. `is_first`: with its first page, all of which are told."""
        if self._week_began is None or not 0 <= now - self._week_began < WEEK:
            self._turn(now)
        if is_first:
            self._unknown_share += ((path not in self) - self._unknown_share) / _VIEWS
        if path in self.front:
            return
        self._now.add(path)
        if len(self.front) >= _FRONT:
            self.front.clear()
        self.front.add(path)

    def __contains__(self, path: int) -> bool:
        return path in self.front or path in self._now or (self._before is not None and path in self._before)

    def _turn(self, now: int) -> None:
        """Begin a new week. A clock that goes back makes the week longer: nothing is forgotten for it."""
        began, self._week_began = self._week_began, now
        if began is None or now < began:
            return
        self._before = self._now if now - began < 2 * WEEK else None
        self._now = Bloom(self._capacity)
        self.front.clear()
