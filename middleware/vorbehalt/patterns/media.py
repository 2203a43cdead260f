"""Finding 23: media files by the heap, for no page and no player."""

from __future__ import annotations

import re
from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.seen import Seen

_CLOSED: Final = re.compile(rb"bytes=(\d{1,15})-(\d{1,15})", re.ASCII)


def is_bare(record: ClientRecord, seen: Seen, beside: Circumstances) -> bool:
    """True if a media file was asked for by no page and no player.

    A page of this site names itself as Referer, a player by Sec-Fetch-Dest, and a feed offers its enclosures
    to everybody. On plain http browsers send no Sec-Fetch-Dest: there it must be a client that saw no page at
    all.
    """
    if beside.is_enclosure or seen.method != "GET" or seen.is_prefetch:
        return False
    if b"sec-fetch-dest" in seen.values or b"referer" in seen.values:
        return False
    return seen.secure or not (record.pages or record.assets)


def closed_range(seen: Seen) -> tuple[int, int] | None:
    """The range of a request for one part with both its ends: a player leaves the end open."""
    found = _CLOSED.fullmatch(seen.value(b"range"))
    if found is None:
        return None
    first, last = int(found[1]), int(found[2])
    return (first, last) if first <= last else None


def bulk(record: ClientRecord, seen: Seen, book: Book) -> Finding | None:
    """media.bulk: many different files, or many parts of one file at once, by what claims to be a browser."""
    if seen.browser is None:
        return None
    definition = book.definition("media.bulk")
    files = record.bare_media
    if files >= definition.number("files"):
        return definition.finding(f"at least {files} media files, without a page and without a player")
    parts = len(record.marks.parts) if record.marks is not None else 0
    if parts >= definition.number("parallel_ranges"):
        return definition.finding(f"{parts} separate parts of one media file at the same time")
    return None
