"""The counters of one client, one byte each, and how they are read.

They lie in one block behind the 64 registers of a HyperLogLog, because 100,000 blocks must fit into memory.
A counter stops at 255. `client.py` counts, findings read.
"""

from __future__ import annotations

from vorbehalt.patterns.sketches import distinct
from vorbehalt.patterns.spots import REGISTERS

REQUESTS = REGISTERS
PAGES = REGISTERS + 1
ASSETS = REGISTERS + 2
TYPED = REGISTERS + 3
CHAINED = REGISTERS + 4
COOKIES = REGISTERS + 5
REVALIDATIONS = REGISTERS + 6
HEADS = REGISTERS + 7
ERRORS = REGISTERS + 8
DISALLOWED = REGISTERS + 9
RUN = REGISTERS + 10
REVISITS = REGISTERS + 11
UNRETURNED = REGISTERS + 12
SLOT = REGISTERS + 13
TYPED_NOW = REGISTERS + 14
TYPED_BEFORE = REGISTERS + 15
FACET_PAGE = REGISTERS + 16
FACETS = REGISTERS + 17
MEDIA = FACETS + 8
RECENT = MEDIA + 8
LEFT = RECENT + 8
LONGEST_RUN = LEFT + 1
CACHE = LONGEST_RUN + 1
SIZE = CACHE + 1

COLD = 1
WARM = 2


class Counts:
    """What findings read of one client: whole numbers of its window of an hour, unless said otherwise."""

    __slots__ = ("cells",)

    def __init__(self) -> None:
        self.cells = bytearray(SIZE)

    @property
    def requests(self) -> int:
        return self.cells[REQUESTS]

    @property
    def pages(self) -> int:
        return self.cells[PAGES]

    @property
    def assets(self) -> int:
        return self.cells[ASSETS]

    @property
    def typed(self) -> int:
        return self.cells[TYPED]

    @property
    def is_cold(self) -> bool:
        """It came without cookie or validator: what our pages are made of can be in no cache of its own."""
        return self.cells[CACHE] == COLD

    @property
    def chained(self) -> int:
        return self.cells[CHAINED]

    @property
    def cookies(self) -> int:
        return self.cells[COOKIES]

    @property
    def revalidations(self) -> int:
        return self.cells[REVALIDATIONS]

    @property
    def heads(self) -> int:
        return self.cells[HEADS]

    @property
    def errors(self) -> int:
        return self.cells[ERRORS]

    @property
    def disallowed(self) -> int:
        return self.cells[DISALLOWED]

    @property
    def revisits(self) -> int:
        return self.cells[REVISITS]

    @property
    def longest_run(self) -> int:
        """Steps from one id to the next one, in a row."""
        return self.cells[LONGEST_RUN]

    @property
    def unreturned(self) -> int:
        """Pages since a cookie was set and did not come back."""
        return max(0, self.cells[UNRETURNED] - 1)

    @property
    def recently_typed(self) -> int:
        """Different deep pages typed within at most the last ten minutes (as of the last typed one)."""
        return self.cells[TYPED_NOW] + self.cells[TYPED_BEFORE]

    @property
    def distinct_pages(self) -> float:
        """How many different pages, by HyperLogLog."""
        return distinct(self.cells[:REGISTERS])

    @property
    def bare_media(self) -> int:
        """Different media files fetched for no page and no player, at least."""
        bits = self.cells[MEDIA : MEDIA + 8]
        return int.from_bytes(bits, "little").bit_count() if any(bits) else 0

    @property
    def facets(self) -> int:
        """Different query combinations of one page, at least."""
        if not self.cells[FACET_PAGE]:
            return 0
        return int.from_bytes(self.cells[FACETS : FACETS + 8], "little").bit_count()
