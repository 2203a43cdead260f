"""What one request needs of one configuration, laid out for speed: caches and counters around an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from vorbehalt.edge import in_force
from vorbehalt.edge.answer_sizes import AnswerSize as AnswerSize
from vorbehalt.edge.answer_sizes import AnswerSizes as AnswerSizes
from vorbehalt.edge.carrying import Carry, carry_with
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.glance import Glance
from vorbehalt.edge.refusal_pages import RefusalPages
from vorbehalt.engine import Engine, HostPlan
from vorbehalt.facts import ClientAddress, host_name
from vorbehalt.identify.identity import Claim
from vorbehalt.patterns.seen import Kind, kind_of
from vorbehalt.patterns.spots import Spot
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import SectionHeaders
from vorbehalt.stores.counters import Counters

if TYPE_CHECKING:
    from vorbehalt.edge.forward_auth_again import Key, ReadyAnswer
    from vorbehalt.edge.known_refusals import KnownRefusal, ReadyForms, RefusalKey

_PATHS = 8192
_LONGEST_PATH = 512
_HOSTS = 1024
_LONGEST_HOST = 256
_COMPARED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
"""Headers that tell an address and are part of the key of a remembered refusal."""
_BUCKETS = 24
_ORDINARY = 16
_BITS = 65

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Reader:
    """What an ordinary visitor (no claim, no finding) gets on one path."""

    verdict: Verdict
    section: SectionHeaders
    cells: tuple[int, ...]
    carry: Carry
    spot: Spot | None = None
    """The path as the counters of clients know it; None where each visit has to be looked at for them."""
    kind: Kind = "page"


class HostCache:
    """What was worked out for one host: ordinary paths, and refusals of this minute. Bounded.

    The dictionaries are replaced, never emptied: whoever takes one and then finds the signals unchanged may
    write to it, and what was worked out from signals that have changed since is thrown away with it.
    """

    __slots__ = ("paths", "plan", "readers", "ready", "refusals")

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self.forget()

    def forget(self) -> None:
        """Drop everything, because the signals changed."""
        self.paths: dict[str, Reader] = {}
        self.readers: dict[str, Reader] = {}
        self.refusals: dict[RefusalKey, KnownRefusal] = {}
        self.ready: dict[tuple[object, ...], ReadyForms] = {}


class Live:
    """One engine with its caches. Replaced whole on reload."""

    def __init__(
        self,
        engine: Engine,
        counters: Counters,
        addresses: AddressResolver,
        sizes: AnswerSizes | None = None,
        name_conflict: Callable[[bytes, bytes], None] | None = None,
    ) -> None:
        self.engine = engine
        self.counters = counters
        self.addresses = addresses
        self.sizes = sizes or AnswerSizes()
        self.name_conflict = name_conflict
        self.known: dict[bytes, Claim | None] = engine.claims.known
        self.caches = {id(plan): HostCache(plan) for plan in engine.plans()}
        self.default = self.caches[id(engine.default)]
        self.glance = None if engine.conduct is None else Glance(engine.conduct, addresses)
        in_force.register(engine.plans())
        self.by_host: dict[bytes, HostCache] | None = {} if engine.hosts else None
        self.pages = RefusalPages()
        self.asked: dict[Key, ReadyAnswer] = {}
        self.asking_peers: set[str] = set()
        self.keeps_refusals = addresses.names <= _COMPARED
        self.epoch = 0
        """Goes up when more is known of who asks; before the refusals are dropped."""
        self.untrusted_sources = 0
        self.unusable_sources = 0
        self.usable_sources = 0
        self.logs_refusals = engine.settings.log_refusals
        self.unjudged = 0
        """Requests that passed because judging them failed."""
        self.unjudged_in_a_row = 0
        self.uncounted_errors = 0
        """Failures that could not even be counted, because the counters failed."""
        self.referrals = _referral_hosts(engine)
        buckets = [counters.slot("vorbehalt_decision_seconds", (str(bucket),)) for bucket in range(_BUCKETS)]
        self.buckets = [*buckets, *[buckets[-1]] * (_BITS - _BUCKETS)]
        """The cell that counts a decision, by the bits of its microseconds."""
        self.times = cycle((*[0] * (_ORDINARY - 1), _ORDINARY))
        """For how many ordinary requests the duration of the next one is counted: of so many, one for all."""
        self.nanoseconds = counters.slot("vorbehalt_decision_nanoseconds")
        self.refused_bytes = counters.slot("vorbehalt_refused_bytes_estimated_total")

    def cache_for(self, host: bytes) -> HostCache:
        """Return the cache of a raw Host value; remembered, bounded."""
        if self.by_host is None:
            return self.default
        cache = self.by_host.get(host)
        if cache is None:
            cache = self.caches[id(self.engine.plan(host_name(host)))]
            if len(host) <= _LONGEST_HOST:
                make_room(self.by_host, _HOSTS)
                self.by_host[host] = cache
        return cache

    def learn_reader(self, cache: HostCache, raw_path: str, path: str) -> Reader | None:
        """Work out what an ordinary visitor gets on a path; None where each visit must be looked at.

        `raw_path` is the path as it comes, by which it will be found again; `path` is the one to be matched.
        """
        paths, readers = cache.paths, cache.readers
        plan = cache.plan
        if plan.document(path) is not None or plan.is_open(path) or path.startswith("/.vorbehalt/"):
            return None
        section = plan.sections.find(path)
        headers = plan.headers(path, section)
        reader = readers.get(headers.name)
        if reader is None:
            verdict = plan.reader_verdict(section)
            if verdict is None or verdict.is_refusal:
                # Who is refused is looked at each time: the short way leads to the page.
                return None
            carry = carry_with(headers, self.name_conflict, self.count_internal_error)
            reader = Reader(verdict, headers, self.counters.joint(*_keys_of(verdict)), carry)
            readers[headers.name] = reader
        if (conduct := self.engine.conduct) is not None:
            reader = replace(reader, spot=conduct.spot(plan, path), kind=kind_of(path))
        if len(raw_path) <= _LONGEST_PATH:
            make_room(paths, _PATHS)
            paths[raw_path] = reader
        return reader

    def forget_readers(self) -> None:
        """Drop what was worked out, because the signals changed."""
        in_force.register(self.engine.plans())
        for cache in self.caches.values():
            cache.forget()
        self.asked = {}

    def forget_refusals(self) -> None:
        """Drop the refusals that are remembered, because more is known of who asks."""
        self.epoch += 1
        for cache in list(self.caches.values()):
            cache.refusals = {}

    def note_source(self, client: ClientAddress) -> None:
        """Note whether we see visitors or only what stands between them and us."""
        if client.is_usable:
            self.usable_sources += 1
        else:
            self.unusable_sources += 1
            if client.source == "untrusted":
                self.untrusted_sources += 1

    def request_cells(self, verdict: Verdict) -> tuple[int, ...]:
        """Return the counter cells that one judged request increments."""
        return tuple([self.counters.slot(name, labels) for name, labels in _keys_of(verdict)])

    def count(self, verdict: Verdict) -> None:
        """Count one judged request."""
        self.unjudged_in_a_row = 0
        cells = self.counters.cells
        for cell in self.request_cells(verdict):
            cells[cell] += 1
        for finding in verdict.findings:
            self.counters.inc("vorbehalt_findings_total", (finding.id,))

    def count_reader(self, reader: Reader) -> None:
        """Count one request of an ordinary visitor that was looked at."""
        cells = self.counters.cells
        for cell in reader.cells:
            cells[cell] += 1

    def count_refused(self, size: AnswerSize) -> None:
        """Add what a refusal saved: the mean of such answers, as far as any were seen."""
        self.counters.cells[self.refused_bytes] += size.bytes

    def robots_cell(self, crawler: str) -> int:
        """Return the cell that counts one crawler's requests against robots.txt."""
        return self.counters.slot("vorbehalt_robots_violations_total", (crawler,))

    def count_duration(self, nanoseconds: int, times: int = 1) -> None:
        """Count the time of decisions (64 bits at most) in power-of-two microsecond buckets."""
        cells = self.counters.cells
        cells[self.buckets[(nanoseconds // 1000).bit_length()]] += times
        cells[self.nanoseconds] += nanoseconds * times

    def count_internal_error(self) -> None:
        """Count a failure of our own; the request went on without us. Never raises."""
        try:
            self.counters.inc("vorbehalt_internal_errors_total", ())
        except Exception:  # it is called where a failure must not reach the visitor
            self.uncounted_errors += 1

    def count_unjudged(self) -> None:
        """Count a request that passes because judging it failed."""
        self.unjudged += 1
        self.unjudged_in_a_row += 1
        self.count_internal_error()

    def count_referral(self, referer: bytes) -> None:
        """Count a person sent by an AI product, if the Referer's host is one of the closed list."""
        start = referer.find(b"://") + 3
        if start < 3:
            return
        end = referer.find(b"/", start)
        operator = self.referrals.get(referer[start : end if end > 0 else None].lower())
        if operator is not None:
            self.counters.inc("vorbehalt_referrals_total", (operator,))


def _keys_of(verdict: Verdict) -> list[tuple[str, tuple[str, ...]]]:
    """What one judged request counts for."""
    action = verdict.action.value
    purpose = verdict.purpose.value if verdict.purpose else "none"
    keys: list[tuple[str, tuple[str, ...]]] = [
        ("vorbehalt_requests_total", (action, purpose)),
        ("vorbehalt_would_total", (verdict.would.value, purpose)),
    ]
    if verdict.section:
        keys.append(("vorbehalt_section_requests_total", (verdict.section, purpose, action)))
    if (identity := verdict.identity) is not None:
        labels = (identity.token, identity.counted_operator, purpose, identity.standing.value, action)
        keys.append(("vorbehalt_crawler_requests_total", labels))
    return keys


def make_room(cache: dict[_Key, _Value], most: int) -> None:
    """Take out the oldest eighth of a full dictionary.

    An eighth at once: taking out the first entry alone would search past all that went before.
    """
    if len(cache) >= most:
        for old in list(islice(cache, most >> 3)):
            cache.pop(old, None)


def _referral_hosts(engine: Engine) -> dict[bytes, str]:
    own = {urlsplit(plan.settings.terms.origin).netloc.encode() for plan in engine.plans()}
    settings = engine.settings
    parties = settings.registry.parties
    return {
        # Named as in every other counter, so that what an operator takes and sends can be put side by side.
        host: parties[operator].name if operator in parties else operator
        for host, operator in settings.ai_product_hosts.items()
        if host not in own
    }
