"""Finding 14: a link was followed that no person sees and robots.txt forbids."""

from __future__ import annotations

import re
from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.seen import Seen

_CHECKS_LINKS: Final = re.compile(
    rb"link[ _-]?(?:check|valid|lint)|check[ _-]?links?|xenu|lychee/|muffet/|(?:dead|broken)[ _-]?link", re.I
)


def counts(seen: Seen, beside: Circumstances) -> bool:
    """True if a request of a trap's path counts as stepping into it.

    What is fetched in advance was chosen by a browser, a link checker follows every link by trade, and a HEAD
    takes nothing.
    """
    return (
        beside.is_trap
        and seen.method != "HEAD"
        and not seen.is_prefetch
        and not beside.checks_links
        and _CHECKS_LINKS.search(seen.value(b"user-agent")) is None
    )


def hit(record: ClientRecord, seen: Seen, beside: Circumstances, book: Book) -> Finding | None:
    """trap.hit: this request stepped into a trap; the weight grows with a second, different one."""
    if not counts(seen, beside) or record.marks is None:
        return None
    definition = book.definition("trap.hit")
    traps = record.marks.traps
    tie = f"; {beside.trap_tie}" if beside.trap_tie else ""
    if traps >= definition.number("distinct"):
        weight = int(definition.number("repeated_weight"))
        return definition.finding(f"{traps} different trap links{tie}", weight)
    return definition.finding(f"a trap link{tie}")
