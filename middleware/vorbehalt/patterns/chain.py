"""Findings 17 to 19: a browser's pages come with assets, lead from one to the next, and carry the cookie."""

from __future__ import annotations

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.seen import Seen


def no_assets(record: ClientRecord, seen: Seen, book: Book) -> Finding | None:
    """chain.no_assets: pages without what they are made of, by a client that can have it in no cache.

    Where the site sets no cookies, a reader who comes back with a full cache looks like one who never was
    here: there this stays a weak sign, however many pages follow.
    """
    if record.assets or record.revalidations or seen.browser is None or not record.is_cold:
        return None
    definition = book.definition("chain.no_assets")
    if record.pages < definition.number("pages"):
        return None
    if record.pages < definition.number("full_pages") or "cookies" not in seen.needs:
        weight = int(definition.number("first_weight"))
    else:
        weight = definition.weight
    return definition.finding(f"{record.pages} pages, no style sheet, script, picture or beacon", weight)


def all_typed(record: ClientRecord, seen: Seen, book: Book) -> Finding | None:
    """chain.all_typed: every page was come to from nowhere, several different ones of them within minutes."""
    if record.chained or seen.browser is None or record.typed < record.pages:
        return None
    definition = book.definition("chain.all_typed")
    if record.recently_typed < definition.number("pages"):
        return None
    return definition.finding(f"{record.pages} pages, all as if typed, {record.recently_typed} just now")


def no_cookie(record: ClientRecord, seen: Seen, book: Book) -> Finding | None:
    """chain.no_cookie: pages after a cookie was set, and it never came back."""
    if record.cookies or seen.browser is None:
        return None
    definition = book.definition("chain.no_cookie")
    if record.unreturned < definition.number("pages"):
        return None
    return definition.finding(f"{record.unreturned} pages after Set-Cookie, without a cookie")


def disproved(record: ClientRecord) -> frozenset[str]:
    """Which of these findings cannot be true of this client, whatever was held against it."""
    return frozenset(
        id
        for id, is_disproved in (
            ("chain.no_assets", record.assets or record.revalidations),
            ("chain.all_typed", record.chained),
            ("chain.no_cookie", record.cookies),
        )
        if is_disproved
    )
