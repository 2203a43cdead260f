"""How a language writes numbers, shares, amounts, days and months. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from vorbehalt.claims.report.month import Month

_EPOCH = date(1970, 1, 1)
_NARROW = "\u202f"
_NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class Written:
    """`group` stands between thousands, `point` before decimals; `first` is the name of a first day.

    `day` takes number, month and year; `none_is_singular`: so is a noun after 0.
    """

    group: str
    point: str
    months: tuple[str, ...]
    first: str = "1"
    day: str = "{} {} {}"
    percent: str = _NO_BREAK + "%"
    none_is_singular: bool = False

    def number(self, count: int) -> str:
        return f"{count:,}".replace(",", self.group)

    def counted(self, count: int, forms: str) -> str:
        """Return a count with its noun: `request|requests`."""
        one, _, many = forms.partition("|")
        is_singular = count == 1 or (count == 0 and self.none_is_singular)
        return f"{self.number(count)}{_NO_BREAK}{one if is_singular else many}"

    def share(self, part: int, whole: int) -> str:
        """Return a share in percent with one digit, cut and not rounded up."""
        tenths = part * 1000 // whole if whole else 0
        return f"{self.number(tenths // 10)}{self.point}{tenths % 10}{self.percent}"

    def ratio(self, part: int, whole: int) -> str:
        """Return how many come to one, with one digit."""
        tenths = (part * 10 + whole // 2) // whole
        return f"{self.number(tenths // 10)}{self.point}{tenths % 10}"

    def size(self, count: int) -> str:
        """Return bytes in the largest unit of which there is at least one, in powers of 1,000."""
        for unit, worth in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
            if count >= worth:
                hundredths = count * 100 // worth
                return f"{self.number(hundredths // 100)}{self.point}{hundredths % 100:02d}{_NO_BREAK}{unit}"
        return f"{count}{_NO_BREAK}B"

    def money(self, amount: Decimal, currency: str, digits: int = 2) -> str:
        """Return an amount, half a unit of the last digit rounded to even."""
        whole, _, rest = f"{amount:.{digits}f}".partition(".")
        return f"{self.number(int(whole))}{self.point}{rest}{_NO_BREAK}{currency}"

    def month(self, month: Month) -> str:
        return f"{self.months[month.number - 1]} {month.year}"

    def day_named(self, text: str) -> str:
        """Return a day that is written YYYY-MM-DD."""
        return self._date(date.fromisoformat(text))

    def day_of(self, at: int) -> str:
        """Return the day of nanoseconds UTC."""
        return self._date(_EPOCH + timedelta(days=at // (86_400 * 10**9)))

    def _date(self, day: date) -> str:
        number = self.first if day.day == 1 else str(day.day)
        return self.day.format(number, self.months[day.month - 1], day.year).replace(" ", _NO_BREAK)


ENGLISH = Written(
    ",",
    ".",
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
     "November", "December"),
    percent="%",
)  # fmt: skip
GERMAN = Written(
    ".",
    ",",
    ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
     "November", "Dezember"),
    day="{}. {} {}",
)  # fmt: skip
FRENCH = Written(
    _NARROW,
    ",",
    ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
     "novembre", "décembre"),
    first="1er",
    none_is_singular=True,
)  # fmt: skip
