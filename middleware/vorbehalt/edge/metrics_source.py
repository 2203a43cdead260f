"""What a running middleware tells Prometheus beside its counters."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vorbehalt.edge import exposition
from vorbehalt.edge.gauges import Gauges
from vorbehalt.edge.in_force_since import InForceSince
from vorbehalt.evidence.receipt import Evidence
from vorbehalt.policy.disarm import Disarm
from vorbehalt.settings import Settings
from vorbehalt.stores.counters import Counters

if TYPE_CHECKING:
    from vorbehalt.edge.live import Live
    from vorbehalt.edge.overriding import OverrideWatch
    from vorbehalt.edge.watched_clients import WatchedClients
    from vorbehalt.policy.overrides import Overrides

_NO_LOG = ("off", "memory:")


class TellsMetrics:
    """Base of Runtime: answers `MetricsSource` from the engine in force and the evidence."""

    settings: Settings
    counters: Counters
    evidence: Evidence
    live: Live
    disarm: Disarm
    clients: WatchedClients
    robots_read_at: dict[str, float]
    overrides: OverrideWatch

    @property
    def pauses(self) -> Overrides:
        """The pauses (and spares) in force."""
        return self.overrides.now

    def health(self) -> dict[str, object]:
        raise NotImplementedError

    def records(self) -> Mapping[str, int]:
        return self.evidence.written()

    def lost(self) -> Mapping[str, int]:
        return self.evidence.lost()

    @cached_property
    def signals_since(self) -> InForceSince:
        return InForceSince(self.settings.state.directory)

    def sync_metrics(self) -> None:
        """Carry what changed into what all workers share, every few seconds. Blocks on the disk."""
        plans = self.live.engine.plans()
        unsettled = frozenset(
            _name(plan.settings.key)
            for plan in plans
            if plan.settings.robots == "app" and plan.settings.key not in self.robots_read_at
        )
        digests = {_name(plan.settings.key): plan.bundle.digest for plan in plans}
        self.signals_since.note(digests, unsettled, time.time())
        exposition.sync(self)

    def gauges(self) -> Gauges:
        from vorbehalt import __version__

        now = time.time_ns()
        engine = self.live.engine
        plans = engine.plans()
        evidence = self.evidence.health()
        directory = str(evidence.get("directory", "off"))
        keeps_log = directory not in _NO_LOG
        anchor_age, size = evidence.get("anchor_age_seconds"), evidence.get("size")
        return Gauges(
            reservations=tuple((_name(plan.settings.key), plan.bundle.digest) for plan in plans),
            in_force_since=self.signals_since.since,
            modes={_name(plan.settings.key): plan.settings.mode for plan in plans},
            is_paused=self.pauses.is_paused(now),
            is_disarmed=self.disarm.is_disarmed(now),
            campaigns=self.clients.campaigns,
            health=str(self.health().get("state", "red")),
            evidence_health=str(evidence.get("state", "red")),
            rules=(engine.settings.registry.version, engine.settings.registry.digest),
            config=engine.settings.digest,
            software=__version__,
            crawlers={
                crawler.token: (crawler.operator or "", crawler.purpose.value)
                for crawler in engine.settings.registry.crawlers
            },
            rules_ages={name: (now - ranges.fetched_at) / 1e9 for name, ranges in engine.ranges.items()},
            log_size=size if keeps_log and isinstance(size, int) else None,
            checkpoint_age=_age(Path(directory) / "log" / "checkpoint", now) if keeps_log else None,
            anchor_age=float(anchor_age) if isinstance(anchor_age, int | float) else None,
        )


def _name(key: str) -> str:
    return key or "default"


def _age(path: Path, now: int) -> float | None:
    try:
        return max(0.0, (now - path.stat().st_mtime_ns) / 1e9)
    except OSError:
        return None
