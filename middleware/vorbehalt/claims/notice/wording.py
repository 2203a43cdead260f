"""Days and figures as each language writes them, and text of strangers in one harmless line. Pure."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_POINT = {"en": ",", "de": ".", "fr": "\u00a0"}


def long_day(day: date, language: str) -> str:
    """Return a day in words: 1 May 2026, 1. Mai 2026, 1er mai 2026."""
    month = _MONTHS[language].split()[day.month - 1]
    number = {"en": f"{day.day}", "de": f"{day.day}.", "fr": "1er" if day.day == 1 else f"{day.day}"}
    return f"{number[language]} {month} {day.year}"


def day_of(at: int) -> date:
    """Return the day (UTC) of nanoseconds."""
    return datetime.fromtimestamp(at // 10**9, UTC).date()


def figure(number: int, language: str) -> str:
    """Return a whole number with its groups of three: 12,345 or 12.345 or 12 345."""
    return f"{number:,}".replace(",", _POINT[language])


def one_line(text: str) -> str:
    """Return text from outside in one line: spaces are one, control and bidirectional characters escapes."""
    plain = "".join(" " if unicodedata.category(c) == "Zs" or c == "\t" else c for c in text)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in plain)
    return " ".join(shown.split(" ")).strip() if "  " not in shown else " ".join(shown.split())
