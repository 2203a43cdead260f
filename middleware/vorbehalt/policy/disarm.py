"""When impostors are found but never the real one, the fault is likely ours: the impostor rule only observes.

A wrong proxy setting or a spoilt list makes every search engine look like an impostor. Twenty contradicted
search engines within an hour without a single verified one disarm the rule. It is armed again after at least
an hour, if within the last hour a search engine was verified or none was contradicted.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from vorbehalt.facts import Purpose, Standing

CONTRADICTED: Final = 20
HOUR: Final = 3_600_000_000_000
"""Nanoseconds."""

ALERT: Final = (
    f"{CONTRADICTED} search engines were contradicted within an hour and none was verified, so impostors are"
    " only observed: check network.trusted_proxies and the age of the address lists"
)

_VERIFIED: Final = frozenset({Standing.SIGNED, Standing.VERIFIED})


class Disarm:
    """Watches what search engines turn out to be; times are nanoseconds UTC. Keeps 20 times, no more.

    `alerts` counts how often the rule was disarmed. A time before the last one counts as the last one; a
    clock that is set back by more than an hour starts the watch anew.
    """

    __slots__ = ("_contradicted", "_disarmed_at", "_now", "_verified_at", "alerts")

    def __init__(self) -> None:
        self.alerts = 0
        self._begin(0)

    def _begin(self, at: int) -> None:
        self._now = at
        self._contradicted: deque[int] = deque(maxlen=CONTRADICTED)
        self._verified_at: int | None = None
        self._disarmed_at: int | None = None

    def note(self, purpose: Purpose, standing: Standing, at: int) -> None:
        """Take note of one identified request."""
        if purpose is not Purpose.SEARCH_ENGINE:
            return
        if standing is Standing.CONTRADICTED:
            self._advance(at)
            self._contradicted.append(self._now)
        elif standing in _VERIFIED:
            self._advance(at)
            self._verified_at = self._now
        else:
            return
        if self._disarmed_at is None and self._is_suspect():
            self._disarmed_at = self._now
            self.alerts += 1

    def is_disarmed(self, at: int) -> bool:
        """True while the impostor rule must only observe."""
        if self._disarmed_at is None:
            return False
        self._advance(at)
        return self._disarmed_at is not None

    def _advance(self, at: int) -> None:
        if at < self._now - HOUR:
            self._begin(at)
        self._now = max(self._now, at)
        if self._disarmed_at is None or not self._is_past(self._disarmed_at):
            return
        quiet = not self._contradicted or self._is_past(self._contradicted[-1])
        if quiet or not self._is_past(self._verified_at):
            self._disarmed_at = None

    def _is_suspect(self) -> bool:
        times = self._contradicted
        return len(times) == CONTRADICTED and not self._is_past(times[0]) and self._is_past(self._verified_at)

    def _is_past(self, at: int | None) -> bool:
        return at is None or self._now - at >= HOUR
