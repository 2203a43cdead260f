"""Findings 14 to 23 over one client: which may be made here, which are, and what speaks for the client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns import chain, media, robots, traps, volume
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.score import excuse
from vorbehalt.patterns.seen import Seen

_NOTHING: Final = (None,) * 10
_COUNTED: Final = (
    ("robots.no_read_crawl", "disallowed"),
    ("chain.no_assets", "pages"),
    ("chain.all_typed", "pages"),
    ("chain.no_cookie", "pages"),
    ("volume.breadth", "pages"),
    ("volume.enumeration", "run"),
    ("volume.enumeration", "combinations"),
    ("volume.errors_or_head", "requests"),
    ("media.bulk", "files"),
)
"""The parameters that say how much it takes at least."""


def find_in_behaviour(
    record: ClientRecord, seen: Seen, beside: Circumstances, now: int, site_error_share: float, book: Book
) -> tuple[Finding, ...]:
    """All that this client's conduct shows at this request, which is counted already.

    A finding whose `needs` are not given here is not made: what we cannot see counts against nobody.
    """
    given = seen.needs
    found = (
        traps.hit(record, seen, beside, book),
        robots.violation(record, seen, beside, now, book),
        robots.no_read_crawl(record, beside, book),
        chain.no_assets(record, seen, book),
        chain.all_typed(record, seen, book),
        chain.no_cookie(record, seen, book),
        volume.breadth(record, beside, book),
        volume.enumeration(record, beside, book),
        volume.errors_or_head(record, seen, site_error_share, book),
        media.bulk(record, seen, book),
    )
    if found == _NOTHING:
        return ()
    return tuple(one for one in found if one is not None and book.definition(one.id).needs <= given)


def least_requests(book: Book) -> int:
    """Requests below which a client without marks cannot have shown any of this.

    A trap, a robots.txt that was fetched and parts of a file leave marks; everything else is counted in
    requests, of which each adds one to a counter at most.
    """
    return int(min(book.definition(id).number(name) for id, name in _COUNTED))


def excuses_of(record: ClientRecord | None, beside: Circumstances, book: Book) -> tuple[Finding, ...]:
    """What speaks for a client."""
    return tuple(_excuses(record, beside, book))


def _excuses(record: ClientRecord | None, beside: Circumstances, book: Book) -> Iterator[Finding]:
    if beside.challenge_passed:
        yield excuse("excuse.challenge_passed", "a valid cookie", book)
    if record is not None and record.cookies and record.assets and record.chained:
        observed = (
            f"{record.cookies} cookies returned, {record.assets} assets, {record.chained} links followed"
        )
        yield excuse("excuse.reads_like_a_person", observed, book)
    if beside.is_signed_in:
        yield excuse("excuse.signed_in", "signed in, as the site says", book)
