"""Findings 15 and 16: against the robots.txt that was read, and without ever reading it."""

from __future__ import annotations

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.seen import Seen


def violation(
    record: ClientRecord, seen: Seen, beside: Circumstances, now: int, book: Book
) -> Finding | None:
    """robots.violation: the very version of robots.txt that this client fetched lately disallows this."""
    version = beside.disallowed_under
    if version is None or record.marks is None or seen.is_prefetch:
        return None
    definition = book.definition("robots.violation")
    if record.marks.robots_known(now * 1e-9, definition.number("hours") * 3600) != version:
        return None
    return definition.finding(f"a path that robots.txt {version[:12]} disallows, after fetching that version")


def no_read_crawl(record: ClientRecord, beside: Circumstances, book: Book) -> Finding | None:
    """robots.no_read_crawl: many pages, many of them in closed areas, and robots.txt was never asked for."""
    if not record.disallowed or beside.is_declared:
        return None
    definition = book.definition("robots.no_read_crawl")
    if record.disallowed < definition.number("disallowed") or record.pages < definition.number("pages"):
        return None
    if record.marks is not None and record.marks.robots_version is not None:
        return None
    pages = record.distinct_pages
    if pages < definition.number("pages"):
        return None
    return definition.finding(f"about {pages:.0f} pages, {record.disallowed} of them in closed areas")
