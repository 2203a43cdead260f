"""The short way for requests of known clients that never gave reason to look twice (under 1 us). Pure.

It counts what `Watch.observe` would count, or says that this has to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vorbehalt.patterns.book import Book
from vorbehalt.patterns.client import FOLLOWED, FULL, HAS_COOKIE, REVALIDATES, ClientRecord
from vorbehalt.patterns.clients import Clients
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.counts import ASSETS, COOKIES, LEFT, REQUESTS, UNRETURNED
from vorbehalt.patterns.in_request import InRequest
from vorbehalt.patterns.noting import way_of
from vorbehalt.patterns.reading_on import ReadingOn
from vorbehalt.patterns.score import CALM, Assessment
from vorbehalt.patterns.seen import Kind
from vorbehalt.patterns.site_errors import SiteErrors
from vorbehalt.patterns.spots import Spot, facet


class ShortWay:
    """Over clients, cohorts and errors of one watch. `rest`: for how many pages a record needs no look."""

    def __init__(
        self,
        book: Book,
        in_request: InRequest,
        clients: Clients,
        cohorts: Cohorts | None,
        site: SiteErrors,
        rest: Callable[[ClientRecord], int],
    ) -> None:
        self._get = clients.get
        self._cohorts = cohorts
        # Where nothing is told of cohorts, no path has to be remembered for them.
        self._read_paths = cohorts.read_paths if cohorts is not None and cohorts.is_on else None
        self._waiting = cohorts.waiting if cohorts is not None else ()
        self._site = site
        self._slot = book.definition("chain.all_typed").number("minutes") * 30.0
        self._reading_on = ReadingOn(book, in_request, self._slot, rest)

    def fast(
        self,
        key: int,
        spot: Spot,
        kind: Kind,
        values: Mapping[bytes, bytes],
        host: bytes | None,
        query: bytes | None,
        now: int,
    ) -> Assessment | None:
        """Count an ordinary GET of a known client in whose record and headers is nothing against it.

        Only for requests without a stateless finding, without Sec-Purpose, of an ordinary path (no trap, no
        area closed by robots.txt), and, for a page, with a navigation's Sec-Fetch-Mode or none. None: the
        request was not counted, and `observe` has to. `host`: None for that of the headers.
        """
        record = self._get(key)
        if record is None or record.marks is not None:
            return None
        if kind == "page":
            cells = record.cells
            left = cells[LEFT]
            if not left:
                return None
            if self._read_paths is not None and spot.hash not in self._read_paths:
                # A path that may have to be remembered as read.
                return None
            cells[LEFT] = left - 1
            # `way_of` and `carried` for most requests, without the calls.
            if values.get(b"sec-fetch-site") == b"same-origin":
                way = FOLLOWED
            else:
                way = way_of(values, values.get(b"host", b"") if host is None else host)
            carries = HAS_COOKIE if b"cookie" in values else 0
            if b"if-none-match" in values or b"if-modified-since" in values:
                carries |= REVALIDATES
            record.note_page(spot, now, way, carries, self._slot)
            if query:
                record.note_query(spot, facet(query))
        elif kind == "asset":
            # As `note_asset` has it, without the call.
            at = now * 1e-9
            last = record.last
            if not last <= at < record.ends:
                record.note_asset(now, b"cookie" in values)
            else:
                record.last = at
                cells = record.cells
                assets = cells[ASSETS]
                if assets < FULL:
                    cells[ASSETS] = assets + 1
                if b"cookie" in values:
                    cells[UNRETURNED] = 0
                    cookies = cells[COOKIES]
                    if cookies < FULL:
                        cells[COOKIES] = cookies + 1
                requests = cells[REQUESTS]
                if requests < FULL:
                    cells[REQUESTS] = requests + 1
                else:
                    record.note_request()
            if key in self._waiting and self._cohorts is not None:
                self._cohorts.note_asset(key, now)
        else:
            return None
        self._site.requests += 1
        return CALM

    def again(
        self,
        key: int,
        spot: Spot,
        headers: Mapping[bytes, bytes],
        http_version: str,
        secure: bool,
        query: bytes | None,
        now: int,
    ) -> bool:
        """The look that is due at a page of who reads on; False: it was not counted, and `observe` has to.

        As for `fast`; `secure` is what `seen.is_secure` says.
        """
        record = self._get(key)
        if record is None:
            return False
        if self._read_paths is not None and spot.hash not in self._read_paths:
            return False
        if not self._reading_on.passes(record, spot, headers, http_version, secure, query, now):
            return False
        self._site.age(now)
        self._site.requests += 1
        return True

    def is_calm(self, key: int) -> bool:
        """True for a known client in whose record nothing is held against it."""
        record = self._get(key)
        return record is not None and record.marks is None
