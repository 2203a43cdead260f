"""A month begins and ends at midnight UTC, and is written like 2026-10."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vorbehalt.claims.report.month import Month


def at(*date: int) -> int:
    """Nanoseconds UTC of a midnight."""
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 10**9  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "since", "until", "days", "before"),
    [
        ("2026-10", at(2026, 10, 1), at(2026, 11, 1), 31, "2026-09"),
        ("2026-02", at(2026, 2, 1), at(2026, 3, 1), 28, "2026-01"),
        ("2028-02", at(2028, 2, 1), at(2028, 3, 1), 29, "2028-01"),
        ("2026-01", at(2026, 1, 1), at(2026, 2, 1), 31, "2025-12"),
        ("1971-01", at(1971, 1, 1), at(1971, 2, 1), 31, "1970-12"),
        ("2200-12", at(2200, 12, 1), at(2201, 1, 1), 31, "2200-11"),
    ],
)
def test_a_month_knows_its_borders(text: str, since: int, until: int, days: int, before: str) -> None:
    month = Month.of(f" {text}\n")
    assert (str(month), month.since, month.until, month.days) == (text, since, until, days)
    assert str(month.before) == before
    assert (Month.at(since), Month.at(until - 1), Month.at(since - 1)) == (month, month, month.before)


@pytest.mark.parametrize(
    "text", ["1970-12", "2201-01", "2026-13", "2026-00", "2026-1", "10-2026", "", "\u0662026-10"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2026-10"):
        Month.of(text)
