"""Cells for spreadsheets: what comes from outside is shown, never run. Pure."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """Return a text of strangers that no spreadsheet runs; control characters escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return f"'{shown}" if text.startswith(_FORMULA) or text[:1].isspace() else shown
