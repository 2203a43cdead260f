"""How often requests fail on the whole site lately: the measure for one client's errors. Pure."""

from __future__ import annotations

from typing import Final

from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.sketches import MINUTE

_HALVING: Final = 10 * MINUTE
_ENOUGH: Final = 20
"""Requests of others below which nothing is said of the site."""


class SiteErrors:
    """Requests and 4xx answers, halved every ten minutes. A clock that goes back starts them anew."""

    __slots__ = ("_aged_at", "errors", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self._aged_at = 0

    def age(self, now: int) -> None:
        """Halve what is old."""
        passed = (now - self._aged_at) // _HALVING
        if passed:
            shift = passed if 0 < passed < 64 else 0 if passed < 0 else 64
            self.requests >>= shift
            self.errors >>= shift
            self._aged_at = now

    def share_without(self, record: ClientRecord) -> float:
        """The share of errors among the requests of all others; 0.0 where there are too few."""
        requests = self.requests - record.requests
        if requests < _ENOUGH:
            return 0.0
        return min(1.0, max(0, self.errors - record.errors) / requests)
