"""What is remembered of one client: counters of an hour, and marks that last longer. Pure; times are
arguments.

A record is 64 registers and a few dozen counters of one byte in one block of memory, so that 100,000 of them
fit into 40 MB. Counters stop at 255. They hold for a window of one hour from the first request (rounded down
to minutes) and then begin anew; what was found by then lives on in `Marks` and fades by its half-life. Times
inside are seconds UTC as float, which take less room; every method takes nanoseconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from vorbehalt.patterns.counts import (
    ASSETS,
    CACHE,
    CHAINED,
    COLD,
    COOKIES,
    DISALLOWED,
    ERRORS,
    FACET_PAGE,
    FACETS,
    HEADS,
    LEFT,
    LONGEST_RUN,
    MEDIA,
    PAGES,
    RECENT,
    REQUESTS,
    REVALIDATIONS,
    REVISITS,
    RUN,
    SIZE,
    SLOT,
    TYPED,
    TYPED_BEFORE,
    TYPED_NOW,
    UNRETURNED,
    WARM,
    Counts,
)
from vorbehalt.patterns.marks import Marks
from vorbehalt.patterns.spots import Spot

WINDOW: Final = 3600.0
"""Seconds for which counters hold, and after which a client without marks is forgotten."""

JITTER: Final = 60.0
"""Seconds by which requests may come out of order; further back, the clock was set."""

FULL: Final = 255

BY_ITSELF: Final = 1
FOLLOWED: Final = 2
"""How a navigation came about: from no page at all, or from a page of this site. 0: from elsewhere."""

HAS_COOKIE: Final = 1
REVALIDATES: Final = 2
"""Bits of what a request carries: a cookie; If-None-Match or If-Modified-Since."""

_BLANK: Final = bytes(SIZE)


@lru_cache(maxsize=256)
def _end_of(minute: int) -> float:
    """The end of a window that began in a minute: one number shared by all that began in it."""
    return minute * 60.0 + WINDOW


class ClientRecord(Counts):
    """One client. At most 400 bytes with all it owns, as long as there is nothing to hold against it."""

    __slots__ = ("ends", "last", "marks", "trail")

    def __init__(self, now: int) -> None:
        at = now * 1e-9
        super().__init__()
        self.ends = _end_of(int(at // 60))
        self.last = at
        self.trail = 0
        self.marks: Marks | None = None

    def note_page(self, spot: Spot, now: int, way: int, carries: int, slot: float = 300.0) -> None:
        """Count a page view. `way` is BY_ITSELF, FOLLOWED or 0, `carries` the bits HAS_COOKIE and
        REVALIDATES.

        Pages that were come to by themselves are counted by slots of so many seconds.
        """
        at = now * 1e-9
        last = self.last
        # The first comparison is for speed: nearly all come in order.
        if not last <= at < self.ends and (at >= self.ends or at < last - JITTER):
            self._begin(at)
        cells = self.cells
        if not cells[CACHE]:
            # Who comes without a cookie was not here before, and cannot have our assets in a cache.
            cells[CACHE] = WARM if carries else COLD
        rank, register = spot.rank, spot.register
        is_new = rank > cells[register]
        if is_new:
            cells[register] = rank
        pages = cells[PAGES]
        if pages < FULL:
            cells[PAGES] = pages + 1
            # The last few pages, one byte each: whoever returns to a hub between pages is seen to return.
            place = RECENT + spot.place
            tag = spot.tag
            if cells[place] == tag:
                cells[REVISITS] += 1
            else:
                cells[place] = tag
        if way == FOLLOWED:
            chained = cells[CHAINED]
            if chained < FULL:
                cells[CHAINED] = chained + 1
        elif way == BY_ITSELF:
            self._note_typed(int(at // slot) & 255, is_new and spot.is_deep)
        if carries == HAS_COOKIE:
            # As `_note_carried` has it, for those who only read on.
            cells[UNRETURNED] = 0
            cookies = cells[COOKIES]
            if cookies < FULL:
                cells[COOKIES] = cookies + 1
        elif carries:
            self._note_carried(carries)
        elif cells[UNRETURNED] and cells[UNRETURNED] < FULL:
            cells[UNRETURNED] += 1
        trail = spot.trail
        if trail:
            self._note_id(trail, way == FOLLOWED and at - last >= 1.0)
        if at > last:
            self.last = at
        requests = cells[REQUESTS]
        if requests < FULL:
            cells[REQUESTS] = requests + 1
        else:
            self.note_request()

    def _note_typed(self, slot: int, counts: bool) -> None:
        cells = self.cells
        if cells[TYPED] < FULL:
            cells[TYPED] += 1
        if slot != cells[SLOT]:
            cells[TYPED_BEFORE] = cells[TYPED_NOW] if slot == cells[SLOT] + 1 & 255 else 0
            cells[TYPED_NOW] = 0
            cells[SLOT] = slot
        if counts and cells[TYPED_NOW] < 127:
            cells[TYPED_NOW] += 1

    def _note_carried(self, carries: int) -> None:
        cells = self.cells
        if carries & HAS_COOKIE:
            cells[UNRETURNED] = 0
            if cells[COOKIES] < FULL:
                cells[COOKIES] += 1
        elif cells[UNRETURNED] and cells[UNRETURNED] < FULL:
            cells[UNRETURNED] += 1
        if carries & REVALIDATES and cells[REVALIDATIONS] < FULL:
            cells[REVALIDATIONS] += 1

    def _note_id(self, trail: int, is_reading_on: bool) -> None:
        """Count steps from one id to the next. Who follows links at human pace reads on: no step."""
        cells = self.cells
        if trail == self.trail + 1:
            if not is_reading_on and cells[RUN] < FULL:
                cells[RUN] += 1
                if cells[RUN] > cells[LONGEST_RUN]:
                    cells[LONGEST_RUN] = cells[RUN]
        elif trail != self.trail:
            cells[RUN] = 0
        self.trail = trail

    def note_request(self) -> None:
        """Count a request of any kind. At 255 it is halved with errors and HEADs: their shares stay."""
        cells = self.cells
        if cells[REQUESTS] == FULL:
            for place in (REQUESTS, HEADS, ERRORS):
                cells[place] >>= 1
        cells[REQUESTS] += 1

    def note_asset(self, now: int, carries: int) -> None:
        """Count what a page is made of: style, script, picture, font, a call of its scripts, a beacon."""
        at = now * 1e-9
        last = self.last
        if at >= self.ends or at < last - JITTER:
            self._begin(at)
        if at > last:
            self.last = at
        cells = self.cells
        assets = cells[ASSETS]
        if assets < FULL:
            cells[ASSETS] = assets + 1
        if carries & HAS_COOKIE:
            cells[UNRETURNED] = 0
            cookies = cells[COOKIES]
            if cookies < FULL:
                cells[COOKIES] = cookies + 1
        requests = cells[REQUESTS]
        if requests < FULL:
            cells[REQUESTS] = requests + 1
        else:
            self.note_request()

    def note_other(self, now: int, carries: int = 0) -> None:
        """Count a request that is neither page nor asset nor media: a feed, a form, a document."""
        self._touch(now)
        if carries & HAS_COOKIE:
            self._note_carried(carries & HAS_COOKIE)
        self.note_request()

    def note_media(self, spot: Spot, now: int, is_bare: bool) -> None:
        """Count a media file. `is_bare`: for no page and no player."""
        self._touch(now)
        cells = self.cells
        if is_bare:
            cells[MEDIA + (spot.hash >> 3 & 7)] |= 1 << (spot.hash & 7)
        self.note_request()

    def note_query(self, spot: Spot, bit: int) -> None:
        """Count one more combination of query values of a page; `bit` is `spots.facet` of the query.

        One page is followed at a time: another one first takes its place bit by bit (Misra and Gries 1982).
        """
        cells = self.cells
        tag = spot.hash >> 16 & 255 or 1
        if cells[FACET_PAGE] == tag:
            cells[FACETS + (bit >> 3)] |= 1 << (bit & 7)
            return
        for place in range(FACETS, FACETS + 8):
            if cells[place]:
                cells[place] &= cells[place] - 1
                return
        cells[FACET_PAGE] = tag
        cells[FACETS + (bit >> 3)] |= 1 << (bit & 7)

    def note_head(self) -> None:
        """Count the request that was just noted as a HEAD."""
        if self.cells[HEADS] < self.cells[REQUESTS]:
            self.cells[HEADS] += 1

    def note_disallowed(self) -> None:
        """Count a page view of a path that robots.txt disallows to everybody."""
        if self.cells[DISALLOWED] < FULL:
            self.cells[DISALLOWED] += 1

    def note_answer(self, status: int, sets_cookie: bool) -> None:
        """Count what was answered: 4xx (not 401, 429: those are our doing or a login), 304, Set-Cookie."""
        cells = self.cells
        if status == 304 and cells[REVALIDATIONS] < FULL:
            cells[REVALIDATIONS] += 1
        if 400 <= status < 500 and status not in (401, 429) and cells[ERRORS] < cells[REQUESTS]:
            cells[ERRORS] += 1
        if sets_cookie and not cells[UNRETURNED]:
            cells[UNRETURNED] = 1

    def wait(self, pages: int) -> None:
        """Look at the findings again after so many more pages (at most 255)."""
        self.cells[LEFT] = pages

    def marked(self) -> Marks:
        """What outlasts the window; made when it is first needed."""
        if self.marks is None:
            self.marks = Marks()
        return self.marks

    def holds(self, now: int) -> bool:
        """True if its window lasts, and the clock was not set back."""
        at = now * 1e-9
        return self.last - JITTER <= at < self.ends

    def is_over(self, now: int) -> bool:
        """True if nothing of it counts any more: idle for an hour, and a day or more for lasting marks."""
        idle = now * 1e-9 - self.last
        lasts = WINDOW if self.marks is None else max(WINDOW, self.marks.lasts)
        return idle >= lasts

    def _touch(self, now: int) -> None:
        at = now * 1e-9
        if at >= self.ends or at < self.last - JITTER:
            self._begin(at)
        if at > self.last:
            self.last = at

    def _begin(self, at: float) -> None:
        """Begin a new window. A clock that was set back takes the marks along: they fade as before."""
        if at < self.last:
            if self.marks is not None:
                self.marks.shift(at - self.last)
            self.last = at
        offered = min(self.cells[UNRETURNED], 1)
        cache = self.cells[CACHE]
        if self.cells[ASSETS]:
            cache = WARM
        self.cells[:] = _BLANK
        # A window is our reckoning, not the client's: the cookie that it was given is still its to return,
        # and the assets that it never fetched are still in no cache.
        self.cells[UNRETURNED] = offered
        self.cells[CACHE] = cache
        self.ends = _end_of(int(at // 60))
