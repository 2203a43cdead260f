"""One cohort: what its page views of the last hour were like, and what they usually are. Pure.

The hour is two buckets of half an hour, so the figures are of the last 30 to 60 minutes. A bucket that leaves
the hour becomes part of what is usual, unless a campaign ran in it: a fleet must not become its own normal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp
from typing import Final

from vorbehalt.patterns.sketches import HOUR, distinct, rank

SLOT: Final = HOUR // 2
_ADDRESSES: Final = 256
"""Registers of a HyperLogLog: 6.5 % standard error, 5 % at 50 addresses."""

_PAGES: Final = 64
"""13 %, and 10 % at 30 pages."""

_DAY: Final = 24.0


@dataclass(frozen=True, slots=True)
class Measures:
    """What was counted, of settled page views only.

    `views`: all of them. `orphans`: without cookie or validator, and nothing of the page was loaded.
    `deep`: orphans on a path that no reader asked for lately; `addresses` and `pages`: different ones of
    those. `dead`: orphans that claim a browser that is dead or never was. `candidates`: views that looked
    like those of a fleet when they were made; `readers`: those of them that turned out to be a reader's.
    """

    views: int = 0
    orphans: int = 0
    deep: int = 0
    dead: int = 0
    candidates: int = 0
    readers: int = 0
    addresses: int = 0
    pages: int = 0

    @property
    def orphan_share(self) -> float:
        return self.orphans / self.views if self.views else 0.0

    @property
    def deep_share(self) -> float:
        return self.deep / self.views if self.views else 0.0

    @property
    def dead_share(self) -> float:
        return self.dead / self.views if self.views else 0.0


@dataclass(frozen=True, slots=True)
class Usual:
    """What comes in an ordinary hour, of the same kinds; nothing where nothing is known."""

    views: float = 0.0
    orphans: float = 0.0
    deep: float = 0.0
    dead: float = 0.0


class Bucket:
    """Counts of half an hour."""

    __slots__ = ("addresses", "candidates", "dead", "deep", "first", "in_campaign", "orphans", "pages",
                 "readers", "views")  # fmt: skip

    def __init__(self, *, in_campaign: bool) -> None:
        self.views = self.orphans = self.deep = self.dead = self.candidates = self.readers = 0
        self.in_campaign = in_campaign
        self.first: int | None = None
        # Most cohorts never see a deep orphan: registers are made with the first one.
        self.addresses = bytearray()
        self.pages = bytearray()

    def note_deep(self, address: int, path: int, at: int) -> None:
        """One more orphan on a deep path, asked for at this time."""
        self.deep += 1
        if not self.addresses:
            self.addresses, self.pages = bytearray(_ADDRESSES), bytearray(_PAGES)
            self.first = at
        take_in(self.addresses, address)
        take_in(self.pages, path)


_NOTHING: Final = Bucket(in_campaign=False)


class Cohort:
    """Two buckets and what is usual. At most 1.7 KB with all it owns."""

    __slots__ = ("_usual", "_usual_slot", "before", "current", "in_campaign", "key", "met", "slot")

    def __init__(self, key: str, now: int, met: int = 0) -> None:
        self.key = key
        self.met = met
        self.slot = now // SLOT
        self.in_campaign = False
        self.current = Bucket(in_campaign=False)
        self.before: Bucket | None = None
        self._usual: Usual | None = None
        self._usual_slot = self.slot

    def turn(self, now: int, days: float) -> bool:
        """Go on to the half hour of now, if it has passed; True if so. `days`: mean age of what is usual.

        After a clock that went back the hour begins anew: what was counted belongs to a time to come.
        """
        slot = now // SLOT
        if slot == self.slot:
            return False
        if slot < self.slot:
            self.before = None
            self._usual_slot = min(self._usual_slot, slot)
        else:
            if self.before is not None:
                self._learn(self.before, slot, days)
            if slot == self.slot + 1:
                self.before = self.current
            else:
                self._learn(self.current, slot, days)
                self.before = None
        self.current = Bucket(in_campaign=self.in_campaign)
        self.slot = slot
        return True

    def begin_campaign(self) -> int:
        """A campaign is running from now on: what it does is not usual. Returns when its first view was."""
        self.in_campaign = self.current.in_campaign = True
        firsts = [self.current.first]
        if self.before is not None:
            self.before.in_campaign = True
            firsts.append(self.before.first)
        return min([first for first in firsts if first is not None])

    def counts(self) -> Measures:
        """The figures of the last hour, as of the last `turn`; of addresses and pages, how many there can be.

        Costs a twentieth of `measures`.
        """
        now, before = self.current, self.before or _NOTHING
        deep = now.deep + before.deep
        return Measures(
            now.views + before.views,
            now.orphans + before.orphans,
            deep,
            now.dead + before.dead,
            now.candidates + before.candidates,
            now.readers + before.readers,
            deep,
            deep,
        )

    def measures(self) -> Measures:
        """The figures of the last hour, as of the last `turn`."""
        now, before = self.current, self.before or _NOTHING
        counts = self.counts()
        # An estimate may be above what there can be at most.
        return replace(
            counts,
            addresses=min(counts.deep, _distinct(now.addresses, before.addresses)),
            pages=min(counts.deep, _distinct(now.pages, before.pages)),
        )

    def seen_addresses(self) -> bytearray:
        """The registers of the addresses of deep orphans of the last hour."""
        before = self.before or _NOTHING
        return merged(self.current.addresses, before.addresses) or bytearray(_ADDRESSES)

    def usual_an_hour(self, now: int, watched: int, days: float) -> Usual:
        """What comes in an ordinary hour.

        A mean over the time that we watched (`watched` nanoseconds, taken as a day at least): recent hours
        weigh more, and hours in which nobody came count as zero.
        """
        if self._usual is None:
            return Usual()
        life = days * _DAY
        hours = life * (1 - exp(-max(watched / HOUR, _DAY) / life))
        return self._usual_left(now // SLOT, days, 1 / hours)

    def _learn(self, bucket: Bucket, slot: int, days: float) -> None:
        if bucket.in_campaign or not bucket.views:
            return
        left = self._usual_left(slot, days, 1.0)
        self._usual = Usual(left.views + bucket.views, left.orphans + bucket.orphans,
                            left.deep + bucket.deep, left.dead + bucket.dead)  # fmt: skip
        self._usual_slot = slot

    def _usual_left(self, slot: int, days: float, share: float) -> Usual:
        """A share of the sums, as far as they are left by now."""
        sums = self._usual
        if sums is None:
            return Usual()
        left = share * exp(-max(0, slot - self._usual_slot) / (2 * days * _DAY))
        return Usual(sums.views * left, sums.orphans * left, sums.deep * left, sums.dead * left)


def take_in(registers: bytearray, key: int) -> None:
    """Count a hash among the different ones."""
    place, value = rank(key, len(registers))
    if value > registers[place]:
        registers[place] = value


def merged(one: bytearray, other: bytearray) -> bytearray:
    """The registers of all that was counted in either; both are of one size, or empty."""
    if not (one and other):
        return bytearray(one or other)
    return bytearray(map(max, one, other))


def _distinct(one: bytearray, other: bytearray) -> int:
    both = merged(one, other)
    return round(distinct(both)) if both else 0
