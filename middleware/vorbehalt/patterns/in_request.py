"""All stateless findings of one request, and the cache that makes them cost nothing the second time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from vorbehalt.facts import Finding, Visit
from vorbehalt.patterns import claims, protocol
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.browser import Browser
from vorbehalt.patterns.definition import Definition
from vorbehalt.patterns.fingerprint import JUDGED, client_fingerprint, cohort_fingerprint
from vorbehalt.patterns.handshakes import Handshakes
from vorbehalt.patterns.knowledge import Knowledge
from vorbehalt.patterns.seen import Inputs, Kind, Seen, seen

Detector = Callable[[Seen, Definition, Knowledge], Finding | None]

DETECTORS: Final[Mapping[str, Detector]] = {
    "claim.no_fetch_metadata": claims.no_fetch_metadata,
    "claim.partial_fetch_metadata": claims.partial_fetch_metadata,
    "claim.hints_missing": claims.hints_missing,
    "claim.hints_contradict": claims.hints_contradict,
    "claim.no_such_browser": claims.no_such_browser,
    "claim.dead_browser": claims.dead_browser,
    "claim.headless": claims.headless,
    "claim.accept_not_html": claims.accept_not_html,
    "claim.no_language": claims.no_language,
    "claim.encoding": claims.encoding,
    "proto.header_order": protocol.header_order,
    "proto.impossible": protocol.impossible_in_http,
}
TLS: Final = "proto.tls_contradicts"

_MOST_BYTES: Final = 3_072
_DAY: Final = 86_400_000_000_000


def find_in_request(seen: Seen, book: Book, learnt: Handshakes | None = None) -> tuple[Finding, ...]:
    """All stateless findings of a request, in the order of the book. What is not given is never counted."""
    found: list[Finding] = []
    for id, detector in DETECTORS.items():
        definition = book.definitions[id]
        if definition.needs <= seen.needs:
            finding = detector(seen, definition, book.knowledge)
            if finding is not None:
                found.append(finding)
    if learnt is not None and (finding := find_in_handshake(seen, book, learnt)) is not None:
        found.append(finding)
    return tuple(found)


def find_in_handshake(seen: Seen, book: Book, learnt: Handshakes) -> Finding | None:
    """The one stateless finding that depends on what was learnt meanwhile, so it is never cached."""
    definition = book.definitions[TLS]
    return protocol.tls_contradicts(seen, definition, learnt) if definition.needs <= seen.needs else None


@dataclass(frozen=True, slots=True)
class Known:
    """What the headers of a request say once and for all. `fingerprint` is the client's part of its key."""

    findings: tuple[Finding, ...]
    browser: Browser | None
    fingerprint: bytes
    cohort: bytes
    is_navigation: bool
    is_prefetch: bool


class InRequest:
    """Stateless findings, cached by the shape of the headers and the values that findings judge.

    Bounded: at most `shapes` orders of names with `capacity` results in all, none above 3 KB; when full,
    all is forgotten, which costs one first sight each. A new day forgets all as well: ages go by the day.
    """

    __slots__ = ("_book", "_capacity", "_count", "_day", "_most_shapes", "_shapes", "inputs")

    def __init__(self, book: Book, inputs: Inputs, capacity: int = 16_384, shapes: int = 2_000) -> None:
        self._book = book
        self.inputs = inputs
        self._capacity = capacity
        self._most_shapes = shapes
        self._shapes: dict[
            tuple[object, ...], tuple[Callable[[Mapping[bytes, bytes]], object], dict[object, Known]]
        ] = {}
        self._count = 0
        self._day = 0

    @property
    def size(self) -> int:
        """How many results are remembered."""
        return self._count

    def known(
        self, headers: Mapping[bytes, bytes], method: str, http_version: str, secure: bool, kind: Kind
    ) -> Known | None:
        """What was found before in headers like these; None at first sight. The fast path.

        `headers` in the order received and with every name once: of a request that repeats a name, ask
        `find`. The caller sees to `forget_old`.
        """
        shape = self._shapes.get((method, http_version, secure, kind, *headers))
        return None if shape is None else shape[1].get(shape[0](headers))

    def find(self, visit: Visit, looked: Seen | None = None) -> Known:
        """The findings of a request, from the cache or by looking. Never raises for any request.

        `looked` is the request as seen, where the caller has it already.
        """
        self.forget_old(visit.received_at)
        one = seen(visit, self.inputs) if looked is None else looked
        if len(one.values) < len(one.names) or visit.is_websocket:
            return self._look(one)
        # `known`, without a mapping in the order received.
        shape = self._shapes.get((one.method, one.http_version, one.secure, one.kind, *one.names))
        known = None if shape is None else shape[1].get(shape[0](one.values))
        return self._remember(dict(visit.headers), one) if known is None else known

    def forget_old(self, now: int) -> None:
        """Forget what an earlier day said; `now` in nanoseconds UTC."""
        if now // _DAY != self._day:
            self._day = now // _DAY
            self._forget()

    def _remember(self, headers: Mapping[bytes, bytes], one: Seen) -> Known:
        known = self._look(one)
        if sum(len(name) + len(value) for name, value in headers.items() if name in JUDGED) > _MOST_BYTES:
            return known
        key = (one.method, one.http_version, one.secure, one.kind, *headers)
        shape = self._shapes.get(key)
        if self._count >= self._capacity or (shape is None and len(self._shapes) >= self._most_shapes):
            self._forget()
            shape = None
        if shape is None:
            shape = self._shapes[key] = (_getter(one.names), {})
        shape[1][shape[0](headers)] = known
        self._count += 1
        return known

    def _look(self, one: Seen) -> Known:
        return Known(
            find_in_request(one, self._book),
            one.browser,
            client_fingerprint(one),
            cohort_fingerprint(one),
            one.is_navigation,
            one.is_prefetch,
        )

    def _forget(self) -> None:
        self._shapes.clear()
        self._count = 0


def _getter(names: tuple[bytes, ...]) -> Callable[[Mapping[bytes, bytes]], object]:
    judged = [name for name in names if name in JUDGED]
    return itemgetter(*judged) if judged else _nothing


def _nothing(_: Mapping[bytes, bytes]) -> object:
    return ()
