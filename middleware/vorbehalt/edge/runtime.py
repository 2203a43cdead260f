"""Everything that is alive behind one middleware: engine, evidence, counters, and the reload of the configuration."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

from vorbehalt.edge import metrics
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.live import Live
from vorbehalt.edge.metrics_source import TellsMetrics
from vorbehalt.engine import Engine, HostPlan
from vorbehalt.errors import VorbehaltError
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.settings import Settings, load, read_robots_files
from vorbehalt.stores.counters import Counters
from vorbehalt.stores.memory import MemoryLimits

log = logging.getLogger("vorbehalt")

_POLL_SECONDS = 2.0


class Runtime(TellsMetrics):
    """Owns the parts with a life of their own. The constructor starts nothing and opens no thread.

    Raises ConfigError for a wrong configuration and EvidenceError if the evidence directory cannot be used.
    """

    def __init__(self, config: str | Path | Mapping[str, object] | Settings) -> None:
        self.config = config
        self.settings = load(config)
        self.evidence: Evidence = open_evidence(
            self.settings.evidence.directory,
            self.settings.evidence.origin,
            opening=_opening(self.settings),
        )
        self.counters = Counters(self.settings.state.directory)
        self.limits = MemoryLimits()
        self.site_robots: dict[str, bytes] = {}
        self.robots_read_at: dict[str, float] = {}
        self.on_change: weakref.WeakMethod[Callable[[Live], None]] | None = None
        self.reasons: dict[str, str] = {}
        """Why health is yellow: code -> sentence."""
        self.live = self._make_live(self.settings)
        self.started = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._publish: list[HostPlan] = []
        self._stamp = _stamp(self.settings)
        self._stopping = False
        self._serves_metrics = False
        self._house: threading.Thread | None = None
        _alive.add(self)

    def _make_live(self, settings: Settings) -> Live:
        engine = Engine(settings, self.limits, {**self.site_robots, **read_robots_files(settings)})
        return Live(engine, self.counters, AddressResolver(settings.network.trusted_proxies))

    def start(self) -> None:
        """Start the threads of this process once; safe to call from several threads."""
        with self._lock:
            if self.started:
                return
            self._stopping = False
            self.counters.open()
            self.evidence.start()
            self._publish.extend(self.live.engine.plans())
            self._wake.clear()
            self._house = threading.Thread(target=self._keep_house, name="vorbehalt-house", daemon=True)
            self._house.start()
            metrics.register(self)
            if self.settings.metrics_listen and not self._serves_metrics:
                self._serves_metrics = True
                metrics.listen(self.settings.metrics_listen, shared=True)
            self.started = True
        for warning in self.settings.warnings:
            log.warning("%s", warning)

    def stop(self) -> None:
        """Flush and stop; a later `start` begins again."""
        with self._lock:
            if not self.started:
                return
            self.started = False
            self._stopping = True
        self._wake.set()
        if self._house is not None and self._house is not threading.current_thread():
            self._house.join(1.0)
        self.evidence.close()
        metrics.sync(self)
        metrics.unregister(self)
        self.counters.close()

    def set_site_robots(self, plan: HostPlan, body: bytes | None) -> None:
        """Take over the site's own robots.txt (None: it has none) and render the signals of that host again."""
        key = plan.settings.key
        if body is None:
            self.site_robots.pop(key, None)
        else:
            self.site_robots[key] = body
        live = self.live
        bundle = live.engine.render(plan.settings, body)
        if bundle.digest != plan.bundle.digest:
            plan.bundle = bundle
            live.forget_readers()
            self._publish.append(plan)
            self._wake.set()

    def reload(self, *, force: bool = False) -> bool:
        """Read the configuration again if it changed; keep the last good one and say so if it is wrong."""
        stamp = _stamp(self.settings)
        if stamp == self._stamp and not force:
            return False
        self._stamp = stamp
        try:
            settings = load(self.config)
            live = self._make_live(settings)
        except VorbehaltError as error:
            self.reasons["config"] = "the changed configuration is wrong; the last good one goes on"
            log.error("configuration not reloaded, the last good one goes on:\n%s", error)
            return False
        if (settings.evidence.directory, settings.evidence.origin, settings.state.directory) != (
            self.settings.evidence.directory,
            self.settings.evidence.origin,
            self.settings.state.directory,
        ):
            self.reasons["config"] = "a changed evidence or state directory takes effect only after a restart"
            log.error("%s", self.reasons["config"])
        else:
            self.reasons.pop("config", None)
        self.settings = settings
        self.live = live
        if self.on_change is not None and (swap := self.on_change()) is not None and self.started:
            swap(live)
        self._publish.extend(live.engine.plans())
        log.info("configuration reloaded, digest %s", settings.digest[:16])
        return True

    def health(self) -> dict[str, object]:
        """Return `state` (green, yellow, red) and `reasons` in words, worst first."""
        evidence = self.evidence.health()
        reasons = [*(str(reason) for reason in _as_list(evidence.get("reasons"))), *self.reasons.values()]
        if sources := self.live.untrusted_sources:
            reasons.append(
                "we see your proxy, not your visitors: set network.trusted_proxies"
                f" ({sources} requests came with forwarding headers from a peer that is not trusted)"
            )
        state = str(evidence.get("state", "green"))
        if reasons and state == "green":
            state = "yellow"
        return {"state": state, "reasons": reasons}

    def _keep_house(self) -> None:
        me = threading.current_thread()
        while not self._stopping and self._house is me:
            try:
                while self._publish:
                    self._announce(self._publish[0])
                    self._publish.pop(0)
                self.reload()
                metrics.sync(self)
            except Exception:
                # The housekeeper must outlive any surprise: without it no reload and no announcement happens.
                self.live.count_internal_error()
                log.exception("housekeeping failed")
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _announce(self, plan: HostPlan) -> None:
        """Keep every document of the set as an object, then record that this set is in force."""
        bundle = plan.bundle
        documents = {
            path: self.evidence.put_object(doc.body) for path, doc in sorted(bundle.documents.items())
        }
        headers = {
            name or "*": self.evidence.put_object(
                b"".join(key + b": " + value + b"\n" for key, value in section.headers)
            )
            for name, section in sorted(bundle.sections.items())
        }
        engine = self.live.engine
        seen: dict[str, object] = {
            "hosts": list(plan.settings.names),
            "origin": plan.settings.terms.origin,
            "signals": bundle.digest,
            "documents": documents,
            "headers": headers,
            "objects": sorted({*documents.values(), *headers.values()}),
            "mode": plan.settings.mode,
            "preset": plan.settings.preset,
            "versions": engine.versions,
        }
        self.evidence.append(Draft(type="policy-active", ref="", at=time.time_ns(), seen=seen))


def _opening(settings: Settings) -> dict[str, object]:
    from vorbehalt import __version__

    return {
        "software": f"vorbehalt {__version__}",
        "rules": settings.registry.version,
        "rules_digest": settings.registry.digest,
        "config": settings.digest,
    }


def _stamp(settings: Settings) -> tuple[object, ...]:
    """A cheap fingerprint of the configuration and the robots files that it names."""
    robots = (host.robots.removeprefix("file:") for host in (settings.default_host, *settings.hosts))
    return tuple(_file_stamp(path) for path in (settings.source, *robots))


def _file_stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


_alive: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _after_fork() -> None:
    for runtime in _alive:
        runtime.started = False
        runtime._lock = threading.Lock()
        runtime._wake = threading.Event()


os.register_at_fork(after_in_child=_after_fork)
