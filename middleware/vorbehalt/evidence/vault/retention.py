"""How long openings are kept, by class; which keys have had their time. Pure: today is an argument.

A period in days or weeks runs from the day of the record. One in years runs on to the end of the calendar
year, as periods of limitation do (BGB section 199(1)).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

DEFAULTS: Mapping[str, str] = {"person": "30d", "claimed": "90d", "operator": "3y"}
RECORDS = "365d"
"""How long a record itself is kept at least; whatever its opening needs comes on top."""
MONTH_KEY_DAYS = 7
"""A month's pseudonyms can be recomputed for so many days after its end."""
_PERIOD = re.compile(r"([1-9]\d{0,4})([dwy])")
_DAY_KEY = re.compile(r"day-(\d{4}-\d{2}-\d{2})\.([a-z]+)")
_MONTH_KEY = re.compile(r"month-(\d{4})-(\d{2})")
_LAST_YEAR = 9999


@dataclass(frozen=True, slots=True)
class Period:
    """A time that an opening is kept: whole days, or years and the rest of the last one."""

    days: int = 0
    years: int = 0

    def last_day(self, first: date) -> date:
        """Return the last day on which what was recorded on `first` is still kept."""
        if self.years:
            return date(min(first.year + self.years, _LAST_YEAR), 12, 31)
        try:
            return first + timedelta(days=self.days)
        except OverflowError:
            return date.max


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a log keeps house: periods by class, and how many bytes the directory may take (0: any number).

    Without periods it keeps none: nothing is destroyed, nothing said of the clock.
    """

    periods: Mapping[str, Period] = field(default_factory=dict)
    max_bytes: int = 0


def parse_period(text: str) -> Period:
    """Read `30d`, `2w` or `3y`; raises ValueError."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise ValueError("not a period")
    number = int(found[1])
    return Period(years=number) if found[2] == "y" else Period(days=number * (7 if found[2] == "w" else 1))


def day_keys(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return (day, class) of every day key among the names of keys, sorted."""
    return sorted((found[1], found[2]) for name in names if (found := _DAY_KEY.fullmatch(name)))


def expired_days(names: Iterable[str], periods: Mapping[str, Period], today: date) -> list[tuple[str, str]]:
    """Return (day, class) of the day keys whose period is over; a class without a period is kept."""
    return [
        (day, kind)
        for day, kind in day_keys(names)
        if kind in periods and periods[kind].last_day(date.fromisoformat(day)) < today
    ]


def expired_months(names: Iterable[str], today: date) -> list[str]:
    """Return the names of the month keys whose month ended more than a week ago."""
    found = []
    for name in names:
        if match := _MONTH_KEY.fullmatch(name):
            year, month = int(match[1]), int(match[2])
            if not 1 <= month <= 12 or year < 1:
                continue
            end = date(year, month, monthrange(year, month)[1])
            if Period(days=MONTH_KEY_DAYS).last_day(end) < today:
                found.append(name)
    return sorted(found)
