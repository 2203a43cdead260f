"""Counts what was lost, and what an answer did not wait for, until a gap record has said so."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

LATE = "late"
QUEUE_FULL = "queue_full"
DISK_FULL = "disk_full"
DISK_ERROR = "disk_error"
SPOOL_FAULT = "spool_fault"
MALFORMED = "malformed"
CLOSED = "closed"
ROLLUP = "rollup"
INTERNAL = "internal"


@dataclass(slots=True)
class Gap:
    """What one gap record will say: `lost` never reached the log, `late` did after its answer had left."""

    reason: str
    first_at: int
    last_at: int
    lost: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    cause: str = ""

    def seen(self) -> dict[str, object]:
        found: dict[str, object] = {
            "reason": self.reason,
            "lost": str(self.lost.total()),
            "late": str(self.late.total()),
            "first_at": str(self.first_at),
            "last_at": str(self.last_at),
        }
        if self.cause:
            found["cause"] = self.cause
        for name, counter in (("by", self.lost), ("late_by", self.late)):
            if counter:
                found[name] = {kind: str(number) for kind, number in sorted(counter.items())}
        return found


class Losses:
    """Totals by reason (they only grow), and the gaps not yet recorded. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._gaps: dict[str, Gap] = {}

    def lose(self, reason: str, kind: str, at: int, count: int = 1) -> None:
        """Note records that will never reach the log."""
        with self._lock:
            self._totals[reason] += count
            self._gap(reason, at).lost[kind] += count

    def delay(self, reason: str, kind: str, at: int) -> None:
        """Note an answer that left before its record was durable; the record is still kept in memory."""
        with self._lock:
            self._totals[LATE] += 1
            self._gap(reason, at).late[kind] += 1

    def fault(self, cause: str, at: int) -> None:
        """Note a disk fault: a file was given up, and what it was to hold is written again elsewhere."""
        with self._lock:
            self._gap(SPOOL_FAULT, at).cause = cause

    def note(self, reason: str, count: int) -> None:
        """Add to the totals what a gap record about another writer tells."""
        with self._lock:
            self._totals[reason] += count

    def take(self) -> list[Gap]:
        """Return the gaps to be recorded and forget them."""
        with self._lock:
            taken = list(self._gaps.values())
            self._gaps = {}
        return taken

    @property
    def is_pending(self) -> bool:
        return bool(self._gaps)

    def totals(self) -> dict[str, int]:
        with self._lock:
            return dict(self._totals)

    def _gap(self, reason: str, at: int) -> Gap:
        gap = self._gaps.get(reason)
        if gap is None:
            gap = self._gaps[reason] = Gap(reason, at, at)
        gap.first_at = min(gap.first_at, at)
        gap.last_at = max(gap.last_at, at)
        return gap
