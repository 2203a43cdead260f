"""The look that is due after so many pages, at who reads on like a person: the same, in a fifth of the time.

It says yes only where the long one (`Watch.observe`) would count the same and find nothing; in doubt it says
no and has counted nothing. Pure; times are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vorbehalt.patterns.book import Book
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.counts import (
    ASSETS,
    CHAINED,
    COOKIES,
    DISALLOWED,
    ERRORS,
    HEADS,
    LONGEST_RUN,
    PAGES,
    REQUESTS,
    REVISITS,
)
from vorbehalt.patterns.in_request import InRequest
from vorbehalt.patterns.noting import carried, way_of
from vorbehalt.patterns.spots import Spot, facet

_FIRST: int = 2
"""Pages of a reader that its cohorts have to be told of, as `crowd.py` has it."""


class Shows:
    """What a record must not hold so that one more page of it can be no finding of conduct.

    Of a client without marks that loads assets, follows links and returns cookies, only volume and media are
    left (`behaviour.py`).
    """

    def __init__(self, book: Book) -> None:
        breadth = book.definition("volume.breadth")
        enumeration = book.definition("volume.enumeration")
        failing = book.definition("volume.errors_or_head")
        self._pages = breadth.number("pages")
        self._revisit_share = breadth.number("revisit_share")
        self._run = enumeration.number("run")
        self._combinations = enumeration.number("combinations")
        self._error_share = failing.number("error_share")
        self._head_share = failing.number("head_share")
        self._files = book.definition("media.bulk").number("files")

    def nothing(self, record: ClientRecord) -> bool:
        """True if nothing can be found when one more page is counted."""
        cells = record.cells
        pages, requests = cells[PAGES] + 1, cells[REQUESTS]
        return bool(
            cells[CHAINED]
            and cells[ASSETS]
            and cells[COOKIES]
            and not cells[DISALLOWED]
            and (pages <= self._pages or cells[REVISITS] >= self._revisit_share * pages)
            and cells[LONGEST_RUN] + 1 < self._run
            and record.facets + 1 < self._combinations
            # A further request, which did not fail and is no HEAD, makes their shares smaller.
            and cells[ERRORS] <= self._error_share * requests
            and cells[HEADS] <= self._head_share * requests
            and record.bare_media < self._files
        )


class ReadingOn:
    """Counts a page of who reads on. `rest` says for how many pages a record then needs no look."""

    def __init__(
        self, book: Book, in_request: InRequest, slot: float, rest: Callable[[ClientRecord], int]
    ) -> None:
        self._shows = Shows(book)
        self._in_request = in_request
        self._slot = slot
        self._rest = rest
        # A handshake that a proxy tells is judged anew each time.
        self._is_on = "tls" not in in_request.inputs.given

    def passes(
        self,
        record: ClientRecord,
        spot: Spot,
        headers: Mapping[bytes, bytes],
        http_version: str,
        secure: bool,
        query: bytes | None,
        now: int,
    ) -> bool:
        """True if the page is counted and nothing was found. A GET of an ordinary path, no name came twice.

        `headers` are in the order received, `secure` is what `seen.is_secure` says.
        """
        if not self._is_on or record.marks is not None or not record.holds(now) or record.pages <= _FIRST:
            return False
        if b"sec-fetch-site" not in headers or b"x-requested-with" in headers:
            return False
        self._in_request.forget_old(now)
        known = self._in_request.known(headers, "GET", http_version, secure, "page")
        if known is None or known.findings or not known.is_navigation or known.is_prefetch:
            return False
        if not self._shows.nothing(record):
            return False
        record.note_page(spot, now, way_of(headers, b""), carried(headers), self._slot)
        if query:
            record.note_query(spot, facet(query))
        record.wait(self._rest(record))
        return True
