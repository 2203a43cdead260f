"""Gaps and clock faults as days of a chart. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from vorbehalt.claims.dossier.contents import Contents
from vorbehalt.claims.dossier.contents_told import (
    Fault,
)
from vorbehalt.claims.dossier.page.chart import Mark


def marks_of(contents: Contents) -> list[Mark]:
    """Return the days of gaps, from the first to the last loss of each, and those of clock faults.

    Gaps of the same or following days are one mark, so that there are never more marks than days.
    """
    gaps: list[Mark] = []
    for first, last in sorted(map(_span, contents.limitations.gaps)):
        if gaps and first <= gaps[-1].last + timedelta(days=1):
            first, last = gaps[-1].first, max(gaps.pop().last, last)
        gaps.append(Mark(first, last, is_gap=True))
    days = {_day(fault.at) for fault in clock_faults(contents.limitations.clocks)}
    return gaps + [Mark(day, day, is_gap=False) for day in sorted(days)]


def clock_faults(clocks: Iterable[Fault]) -> list[Fault]:
    """Return the clock records that say that it was set, or was not synchronised."""
    return [clock for clock in clocks if _is_fault(clock)]


def _is_fault(clock: Fault) -> bool:
    says = dict(clock.says)
    return says.get("event", "").startswith("step") or says.get("synchronised") == "false"


def _span(gap: Fault) -> tuple[date, date]:
    says, at = dict(gap.says), _day(gap.at)
    first, last = (_day(says.get(name, ""), at) for name in ("first_at", "last_at"))
    return min(first, at), max(first, last)


def _day(text: str, otherwise: date = date(1970, 1, 1)) -> date:
    """Return the day of RFC 3339, or of nanoseconds since 1970 as the records have them."""
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) // 10**9, UTC).date()
        return date.fromisoformat(text[:10])
    except (ValueError, OverflowError, OSError):
        return otherwise
