"""Texts of strangers on a page: no character of theirs changes what stands around it."""

from __future__ import annotations

_KEPT = "\u00a0\u202f"


def shown(text: str) -> str:
    """Return a text of which everything is visible; what is not becomes an escape."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _KEPT else c.encode("unicode_escape").decode("ascii") for c in text
    )  # fmt: skip
