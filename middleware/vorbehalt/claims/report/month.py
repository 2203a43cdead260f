"""A calendar month in UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime

_EPOCH = date(1970, 1, 1)
_DAY_NS = 86_400 * 10**9
_FORM = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A year, and a month from 1 to 12."""

    year: int
    number: int

    @classmethod
    def of(cls, text: str) -> Month:
        """Return the month of a text such as 2026-10. Raises ValueError."""
        found = _FORM.fullmatch(text.strip())
        if found is None or not 1971 <= int(found[1]) <= 2200:
            raise ValueError("no month; write it like 2026-10")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def at(cls, at: int) -> Month:
        """Return the month of a time (nanoseconds UTC)."""
        day = datetime.fromtimestamp(at // 10**9, UTC)
        return cls(day.year, day.month)

    @property
    def before(self) -> Month:
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    @property
    def days(self) -> int:
        return monthrange(self.year, self.number)[1]

    @property
    def first_day(self) -> int:
        """Days since 1970-01-01."""
        return (date(self.year, self.number, 1) - _EPOCH).days

    @property
    def since(self) -> int:
        """Nanoseconds UTC of its beginning."""
        return self.first_day * _DAY_NS

    @property
    def until(self) -> int:
        """Nanoseconds UTC of its end, which is no part of it."""
        return (self.first_day + self.days) * _DAY_NS

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"
