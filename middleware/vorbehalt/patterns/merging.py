"""Two records of one client become one. Pure."""

from __future__ import annotations

from typing import Final

from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.counts import (
    COOKIES,
    FACET_PAGE,
    FACETS,
    LEFT,
    LONGEST_RUN,
    MEDIA,
    REVISITS,
    RUN,
    TYPED_BEFORE,
    TYPED_NOW,
    UNRETURNED,
)
from vorbehalt.patterns.spots import REGISTERS

_FULL: Final = 255


def merge(record: ClientRecord, other: ClientRecord) -> None:
    """Take in what was counted elsewhere of the same client, in the same window."""
    mine, theirs = record.cells, other.cells
    mine[:REGISTERS] = bytes(map(max, mine[:REGISTERS], theirs[:REGISTERS]))
    for place in range(REGISTERS, RUN):
        mine[place] = min(_FULL, mine[place] + theirs[place])
    for place in (REVISITS, TYPED_NOW, TYPED_BEFORE):
        mine[place] = min(_FULL, mine[place] + theirs[place])
    mine[LONGEST_RUN] = max(mine[LONGEST_RUN], theirs[LONGEST_RUN])
    if mine[COOKIES]:
        mine[UNRETURNED] = 0
    else:
        mine[UNRETURNED] = min(_FULL, mine[UNRETURNED] + theirs[UNRETURNED])
    for place in range(MEDIA, MEDIA + 8):
        mine[place] |= theirs[place]
    if mine[FACET_PAGE] == theirs[FACET_PAGE]:
        for place in range(FACETS, FACETS + 8):
            mine[place] |= theirs[place]
    record.last = max(record.last, other.last)
    record.cells[LEFT] = 0
    if other.marks is not None:
        record.marked().merge(other.marks)
