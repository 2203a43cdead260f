"""Findings 20 to 22: how much, how systematically, and with what success."""

from __future__ import annotations

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.seen import Seen

_ESTIMATE_FROM = 0.8
"""Of the pages, so many must be different by the estimate too, whose error is 13 %."""


def breadth(record: ClientRecord, beside: Circumstances, book: Book) -> Finding | None:
    """volume.breadth: many different pages within the hour, and hardly one of them twice."""
    definition = book.definition("volume.breadth")
    if record.pages <= definition.number("pages") or beside.is_declared:
        return None
    if record.revisits >= definition.number("revisit_share") * record.pages:
        return None
    pages = record.distinct_pages
    if pages <= definition.number("pages") or pages < _ESTIMATE_FROM * record.pages:
        return None
    return definition.finding(
        f"about {pages:.0f} different pages within an hour, {record.revisits} of them again"
    )


def enumeration(record: ClientRecord, beside: Circumstances, book: Book) -> Finding | None:
    """volume.enumeration: one id after the other, or one combination of filters after the other."""
    if beside.is_declared:
        return None
    definition = book.definition("volume.enumeration")
    if record.longest_run >= definition.number("run"):
        return definition.finding(f"{record.longest_run + 1} ids in a row, each one more than the last")
    facets = record.facets
    if facets >= definition.number("combinations"):
        return definition.finding(f"at least {facets} query combinations of one page")
    return None


def errors_or_head(record: ClientRecord, seen: Seen, site_error_share: float, book: Book) -> Finding | None:
    """volume.errors_or_head: mostly errors, far more than others get; or mostly HEAD, as no browser does."""
    definition = book.definition("volume.errors_or_head")
    requests = record.requests
    if seen.browser is None or requests < definition.number("requests"):
        return None
    errors = record.errors / requests
    if (
        errors > definition.number("error_share")
        and errors > definition.number("site_factor") * site_error_share
    ):
        return definition.finding(
            f"{errors:.0%} of {requests} requests failed; {site_error_share:.0%} elsewhere"
        )
    if record.heads > definition.number("head_share") * requests:
        return definition.finding(f"{record.heads} of {requests} requests were HEAD")
    return None
