"""Everything that is alive behind one middleware: engine, evidence, counters, and the reload."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

from vorbehalt.edge import metrics
from vorbehalt.edge.announcing import Announcer, opening_of
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.conflicts import Conflicts
from vorbehalt.edge.forking import watch_forks
from vorbehalt.edge.health import health_of
from vorbehalt.edge.live import AnswerSizes, Live
from vorbehalt.edge.metrics_source import TellsMetrics
from vorbehalt.edge.outside import Outside, fetched_lists
from vorbehalt.edge.overriding import OverrideWatch
from vorbehalt.edge.sharing import Sharing
from vorbehalt.edge.telling import Telling
from vorbehalt.edge.watched_clients import WatchedClients
from vorbehalt.edge.watching import needs_restart, stamp_of
from vorbehalt.edge.works_watch import WorksCallback, WorksWatch
from vorbehalt.engine import Engine, HostPlan
from vorbehalt.errors import VorbehaltError
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Evidence
from vorbehalt.identify.networks import RangeList
from vorbehalt.policy.disarm import Disarm
from vorbehalt.reservation.bundle import Bundle
from vorbehalt.settings import Settings, load, read_robots_files
from vorbehalt.stores.counters import Counters

log = logging.getLogger("vorbehalt")

Config = str | Path | Mapping[str, object] | Settings
_POLL_SECONDS = 2.0
_PATIENCE_SECONDS = 1.0


class Runtime(TellsMetrics):
    """Owns the parts with a life of their own. The constructor starts nothing and opens no thread.

    Raises ConfigError for a wrong configuration and EvidenceError if the evidence directory cannot be used.
    """

    def __init__(self, config: Config, works: WorksCallback | None = None) -> None:
        self.settings = self._begun_with = load(config)
        # What is read again later is the same file, wherever the process has gone by then.
        self.config = self.settings.source if isinstance(config, str | Path) else config
        self.evidence: Evidence = self._open_evidence()
        self.counters = Counters(self.settings.state.directory)
        self.telling = Telling(self.settings)
        self.sharing = Sharing(self.settings, self.counters)
        self.sizes = AnswerSizes()
        self.disarm = Disarm()
        self.clients = WatchedClients(self.telling.versions.find, self.counters)
        self.outside = Outside(
            self.settings,
            lambda: self.evidence,
            on_answer=lambda: self.live.forget_refusals(),
            on_lists=self._take_lists,
            nonces=self.sharing.nonces,
        )
        self.overrides = OverrideWatch(
            self.settings, lambda: self.evidence, lambda: self.live.forget_refusals()
        )
        self.works = WorksWatch(works, lambda: self.live.count_internal_error())
        self.ranges = fetched_lists(self.settings)
        self.site_robots: dict[str, bytes] = {}
        self.robots_read_at: dict[str, float] = {}
        self.robots_tried_at: dict[str, float] = {}
        self.robots_reading: set[str] = set()
        self.on_change: weakref.WeakMethod[Callable[[Live | None], None]] | None = None
        self.conflicts = Conflicts()
        self.surveyed: set[tuple[str, str]] = set()
        """Of which hosts, under which configuration, the site's own files were looked at."""
        self.reasons: dict[str, str] = {}
        """Why health is yellow: code -> sentence."""
        self.live = self._make_live(self.settings)
        self.started = self._stopping = self._is_evidence_closed = False
        self._lock, self._changing, self._wake = threading.Lock(), threading.Lock(), threading.Event()
        self.announcer = Announcer(self.settings)
        self._stamp = stamp_of(self.settings, {})
        self._house: threading.Thread | None = None
        watch_forks(self)

    def _open_evidence(self) -> Evidence:
        kept, said = self.settings.evidence, opening_of(self.settings)
        return open_evidence(kept.directory, kept.origin, said, anchors=kept.anchors, keeping=kept.keeping)

    def _make_live(self, settings: Settings) -> Live:
        own = {
            host.key: self.site_robots[host.key]
            for host in (settings.default_host, *settings.hosts)
            if host.robots == "app" and host.key in self.site_robots
        }
        engine = Engine(
            settings,
            self.sharing.limits,
            {**own, **read_robots_files(settings)},
            ranges=self.ranges,
            outside=None if self.outside.asks_nobody else self.outside,
            disarm=self.disarm,
            overriding=self.overrides.overriding,
            conduct=self.clients.under(settings),
            works=self.works.under(settings),
        )
        network = settings.network
        addresses = AddressResolver(network.trusted_proxies, network.client_header, settings.sidecar.secret)
        self.clients.place_traps(engine, addresses)
        for plan in engine.plans():
            self._name_conflicts(plan, plan.bundle)
        return Live(engine, self.counters, addresses, self.sizes, self.conflicts.note_header)

    def _name_conflicts(self, plan: HostPlan, bundle: Bundle) -> None:
        host = plan.settings
        self.conflicts.set_robots(host.key, host.terms.origin, bundle.conflicts)

    def _take_lists(self, lists: Mapping[str, RangeList]) -> None:
        """Judge by other address lists from now on; called by the look-up thread."""
        with self._changing:
            self.ranges = lists
            self.live = self._make_live(self.settings)
            if self.started:
                self._tell(self.live)

    def start(self) -> None:
        """Start the threads of this process once; safe to call from several threads.

        Does nothing while a stop goes on: what comes then is judged, and the closed evidence counts its loss.
        Raises RuntimeError if no thread can be started.
        """
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS / 4):
            return
        try:
            if self.started:
                return
            if self._is_evidence_closed:
                self._reopen_evidence()
            self._stopping = False
            self.counters.open()
            self.telling.open(self.live.engine.plans())
            self.evidence.start()
            self.overrides.start()
            self.outside.start()
            self.sharing.start()
            self.announcer.begin(self.live.engine)
            self._wake.clear()
            self._house = threading.Thread(target=self._keep_house, name="vorbehalt-house", daemon=True)
            self._house.start()
            metrics.register(self)
            self.started = True
        finally:
            self._lock.release()
        for warning in self.settings.warnings:
            log.warning("%s", warning)

    def listen(self) -> None:
        """Serve the metrics on a port of their own, if asked to; raises VorbehaltError if it is taken."""
        if self.settings.metrics_listen:
            metrics.listen(self.settings.metrics_listen, shared=True)

    def stop(self) -> None:
        """Flush and stop; a later `start` begins again."""
        with self._lock:
            if not self.started:
                return
            self.started = False
            self._stopping = True
            self._tell(None)
            self._wake.set()
            for part in (self.outside, self.sharing, self.overrides, self.works):
                part.stop()
            if self._house is not None and self._house is not threading.current_thread():
                self._house.join(_PATIENCE_SECONDS)
            self._announce_all()
            self.telling.flush()
            self._is_evidence_closed = True
            self.evidence.close()
            metrics.sync(self)
            metrics.unregister(self)
            self.counters.close()

    def _reopen_evidence(self) -> None:
        try:
            self.evidence = self._open_evidence()
        except VorbehaltError as error:
            # The closed log counts all that it cannot take, and no answer changes.
            self.reasons["evidence"] = f"the evidence could not be opened again: {error}"
            log.critical("%s", self.reasons["evidence"])
        else:
            self.reasons.pop("evidence", None)
            self._is_evidence_closed = False
            metrics.renew(self)

    def set_site_robots(self, plan: HostPlan, body: bytes | None) -> None:
        """Take over the site's own robots.txt (None: it has none) and render that host's signals again."""
        key = plan.settings.key
        with self._changing:
            if body is None:
                self.site_robots.pop(key, None)
            else:
                self.site_robots[key] = body
            live = self.live
            # A reload may have put another plan of this host in force since it was asked for.
            for current in live.engine.plans():
                if current.settings.key != key or current.settings.robots != "app":
                    continue
                bundle = live.engine.render(current.settings, body)
                # A file that nobody can use changes nothing that is served, and has to be named all the same.
                self._name_conflicts(current, bundle)
                if is_other := bundle.digest != current.bundle.digest:
                    self.telling.replaced((current,))
                    current.take(bundle)
                    live.forget_readers()
                self.announcer.note_robots(live.engine, current, is_other=is_other)
        self._wake.set()

    def reload(self, *, force: bool = False) -> bool:
        """Read the configuration again if it changed; keep the last good one and say so if it is wrong."""
        with self._changing:
            stamp = stamp_of(self.settings, {})
            if stamp == self._stamp and not force:
                return False
            self._stamp = stamp
            try:
                settings = load(self.config)
                live = self._make_live(settings)
            except Exception as error:
                self.reasons["config"] = "the changed configuration is wrong; the last good one goes on"
                log.error(
                    "configuration not reloaded, the last good one goes on:\n%s",
                    error,
                    exc_info=not isinstance(error, VorbehaltError),
                )
                return False
            if later := needs_restart(self._begun_with, settings):
                self.reasons["config"] = f"only a restart puts the change of {', '.join(later)} into effect"
                log.error("%s", self.reasons["config"])
            else:
                self.reasons.pop("config", None)
            self.settings = settings
            # As they were before they were read: what changed meanwhile is read again.
            self._stamp = stamp_of(settings, stamp)
            self.telling.succeed(self.live.engine.plans(), live.engine.plans())
            self.live = live
            if self.started:
                self._tell(live)
                self.announcer.note_all(live.engine, "reload")
        log.info("configuration reloaded, digest %s", settings.digest[:16])
        return True

    def _tell(self, live: Live | None) -> None:
        if self.on_change is not None and (swap := self.on_change()) is not None:
            swap(live)

    def health(self) -> dict[str, object]:
        """Return how we are: see `health.health_of`."""
        return health_of(self)

    def _keep_house(self) -> None:
        me = threading.current_thread()
        while not self._stopping and self._house is me:
            self._announce_all()
            try:
                self.reload()
                self.works.poll()
                self.telling.poll()
                self.sync_metrics()
            except Exception:
                # The housekeeper must outlive any surprise: without it no reload and no announcement happens.
                self.live.count_internal_error()
                log.exception("housekeeping failed")
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _announce_all(self) -> None:
        """Record which signals are in force; what cannot be recorded now is tried again."""
        try:
            self.announcer.write(self.evidence)
        except Exception as error:
            if "announcement" not in self.reasons:
                self.live.count_internal_error()
                log.exception("the signals in force could not be recorded")
            self.reasons["announcement"] = f"the signals in force could not be recorded: {error}"
        else:
            self.reasons.pop("announcement", None)

    def forked(self) -> None:
        """Called in a child process: what is alive there is the parent's."""
        self.started = False
        self._lock, self._changing, self._wake = threading.Lock(), threading.Lock(), threading.Event()
        self._house = None
        self.robots_reading = set()
        for part in (self.telling, self.overrides, self.sharing, self.works):
            part.forked()
        self._tell(None)
