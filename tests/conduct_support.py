"""The shipped book of findings, and what tests of patterns make of it."""

from __future__ import annotations

import vorbehalt_rules
from vorbehalt.facts import ClientAddress, Finding, Headers, Visit
from vorbehalt.patterns.book import read_book
from vorbehalt.patterns.sketches import SECOND

BOOK = read_book(vorbehalt_rules.documents())
NOW = 1_795_000_000 * SECOND
"""A moment in November 2026."""

ADDRESS = ClientAddress("9.9.9.9", "direct", True, "9.9.9.9")
CHROME = (
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)


def made(id: str, weight: int | None = None) -> Finding:
    """A finding as the book has it."""
    return BOOK.definition(id).finding("", weight)


def visit(
    path: str = "/",
    headers: Headers = (),
    *,
    at: int = NOW,
    method: str = "GET",
    scheme: str = "https",
    query: bytes = b"",
    agent: bytes | None = CHROME,
    client: ClientAddress = ADDRESS,
) -> Visit:
    """One request of a client at a globally routable address."""
    given = ((b"host", b"label.example"), *(((b"user-agent", agent),) if agent is not None else ()), *headers)
    target = path.encode() + (b"?" + query if query else b"")
    return Visit(at, method, scheme, "label.example", path, target, "1.1", given, client)
