"""What one request needs of one configuration, laid out for speed: caches and counters around an engine."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.engine import Engine, HostPlan
from vorbehalt.facts import host_name, normal_path
from vorbehalt.identify.identity import Claim
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import SectionHeaders
from vorbehalt.stores.counters import Counters

if TYPE_CHECKING:
    from vorbehalt.edge.refusals import KnownRefusal

_PATHS = 8192
_HOSTS = 256
_BUCKETS = 24


@dataclass(slots=True)
class Reader:
    """What an ordinary visitor (no claim, no finding) gets on one path."""

    verdict: Verdict
    section: SectionHeaders
    cells: tuple[int, ...]


class HostCache:
    """What was worked out for one host: ordinary paths, and refusals of this minute. Bounded; oldest out first."""

    __slots__ = ("paths", "plan", "refusals")

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self.paths: dict[str, Reader] = {}
        self.refusals: dict[tuple[bytes, str, bytes | None, str, int], KnownRefusal] = {}


class Live:
    """One engine with its caches. Replaced whole on reload."""

    def __init__(self, engine: Engine, counters: Counters, addresses: AddressResolver) -> None:
        self.engine = engine
        self.counters = counters
        self.addresses = addresses
        self.known: dict[bytes, Claim | None] = engine.claims.known
        self.default = HostCache(engine.default)
        self.by_host: dict[bytes, HostCache] | None = {} if engine.hosts else None
        self.untrusted_sources = 0
        self.referrals = _referral_hosts(engine)
        self.seconds = [
            counters.slot("vorbehalt_decision_seconds", (str(bucket),)) for bucket in range(_BUCKETS)
        ]
        self.nanoseconds = counters.slot("vorbehalt_decision_nanoseconds")

    def cache_for(self, host: bytes) -> HostCache:
        """Return the cache of a raw Host value; remembered, bounded."""
        if self.by_host is None:
            return self.default
        cache = self.by_host.get(host)
        if cache is None:
            plan = self.engine.plan(host_name(host))
            cache = self.default if plan is self.engine.default else HostCache(plan)
            if len(self.by_host) < _HOSTS:
                self.by_host[host] = cache
        return cache

    def learn_reader(self, cache: HostCache, raw_path: str) -> Reader | None:
        """Work out what an ordinary visitor gets on a path; None where each visit must be looked at."""
        plan = cache.plan
        path = normal_path(raw_path)
        if plan.document(path) is not None or plan.is_open(path) or path.startswith("/.vorbehalt/"):
            return None
        section = plan.sections.find(path)
        verdict = plan.reader_verdict(section)
        if verdict is None:
            return None
        reader = Reader(verdict, plan.headers(section), self.request_cells(verdict))
        if len(raw_path) <= 512:
            if len(cache.paths) >= _PATHS:
                # An eighth at once: taking out the first entry alone would search past all that went before.
                for old in list(islice(cache.paths, _PATHS >> 3)):
                    cache.paths.pop(old, None)
            cache.paths[raw_path] = reader
        return reader

    def forget_readers(self) -> None:
        """Drop what was worked out, because the signals changed."""
        self.default.paths = {}
        self.default.refusals = {}
        if self.by_host is not None:
            self.by_host = {}

    def request_cells(self, verdict: Verdict) -> tuple[int, ...]:
        """Return the counter cells that one judged request increments."""
        purpose = verdict.purpose.value if verdict.purpose else "none"
        slot = self.counters.slot
        cells = [
            slot("vorbehalt_requests_total", (verdict.action.value, purpose)),
            slot("vorbehalt_would_total", (verdict.would.value, purpose)),
        ]
        if verdict.section:
            cells.append(
                slot("vorbehalt_section_requests_total", (verdict.section, purpose, verdict.action.value))
            )
        if (identity := verdict.identity) is not None:
            cells.append(
                slot(
                    "vorbehalt_crawler_requests_total",
                    (
                        identity.token,
                        identity.operator or "",
                        purpose,
                        identity.standing.value,
                        verdict.action.value,
                    ),
                )
            )
        return tuple(cells)

    def count(self, verdict: Verdict) -> None:
        """Count one judged request."""
        cells = self.counters.cells
        for cell in self.request_cells(verdict):
            cells[cell] += 1

    def count_seconds(self, seconds: float) -> None:
        """Count the time of one decision in power-of-two microsecond buckets."""
        cells = self.counters.cells
        bucket = int(seconds * 1e6).bit_length()
        cells[self.seconds[bucket if bucket < _BUCKETS else _BUCKETS - 1]] += 1
        cells[self.nanoseconds] += int(seconds * 1e9)

    def count_internal_error(self) -> None:
        """Count a failure of our own; the request went on without us."""
        self.counters.inc("vorbehalt_internal_errors_total", ())

    def count_referral(self, referer: bytes) -> None:
        """Count a person sent by an AI product, if the Referer's host is one of the closed list."""
        start = referer.find(b"://") + 3
        if start < 3:
            return
        end = referer.find(b"/", start)
        operator = self.referrals.get(referer[start : end if end > 0 else None].lower())
        if operator is not None:
            self.counters.inc("vorbehalt_referrals_total", (operator,))


def _referral_hosts(engine: Engine) -> dict[bytes, str]:
    own = {urlsplit(plan.settings.terms.origin).netloc.encode() for plan in engine.plans()}
    return {host: operator for host, operator in engine.settings.ai_product_hosts.items() if host not in own}
