"""What a running middleware tells Prometheus beside its counters."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from vorbehalt.evidence.receipt import Evidence
from vorbehalt.stores.counters import Counters

if TYPE_CHECKING:
    from vorbehalt.edge.live import Live


class TellsMetrics:
    """Base of Runtime: answers `MetricsSource` from the engine in force and the evidence."""

    counters: Counters
    evidence: Evidence
    live: Live

    def reservations(self) -> Iterable[tuple[str, str]]:
        plans = self.live.engine.plans()
        return [(next(iter(plan.settings.names), "default"), plan.bundle.digest) for plan in plans]

    def rules(self) -> tuple[str, str]:
        registry = self.live.engine.settings.registry
        return registry.version, registry.digest

    def rules_ages(self) -> Mapping[str, float]:
        now = time.time_ns()
        return {name: (now - ranges.fetched_at) / 1e9 for name, ranges in self.live.engine.ranges.items()}

    def records(self) -> Mapping[str, int]:
        return self.evidence.written()

    def lost(self) -> Mapping[str, int]:
        return self.evidence.lost()

    def anchor_age(self) -> float | None:
        age = self.evidence.health().get("anchor_age_seconds")
        return float(age) if isinstance(age, int | float) else None
