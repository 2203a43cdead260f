"""The one door to this room: what is known of the clients of one worker, and how each of them stands.

`observe` is the long way (some 50 us at first sight of a client and its headers, half of it for known ones),
`short` the short one for known clients that never gave reason to look twice (under 1 us). `observe` raises
nothing, whatever comes in: a fault of ours is counted in `failures`, and the request passes as if nothing had
been found. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vorbehalt.facts import ClientAddress, Finding, Visit
from vorbehalt.patterns import chain
from vorbehalt.patterns.behaviour import excuses_of, find_in_behaviour, least_requests
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.clients import CAPACITY, Clients, client_key, prefix_of
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.crowd import find_in_cohorts
from vorbehalt.patterns.handshakes import Handshakes, is_proven, told_by_proxy
from vorbehalt.patterns.in_request import TLS, InRequest, Known, find_in_handshake
from vorbehalt.patterns.marks import Held
from vorbehalt.patterns.noting import note
from vorbehalt.patterns.score import CALM, Assessment, assess
from vorbehalt.patterns.seen import Inputs, Seen, seen
from vorbehalt.patterns.short_way import ShortWay
from vorbehalt.patterns.site_errors import SiteErrors
from vorbehalt.patterns.sketches import SECOND
from vorbehalt.patterns.spots import Spot, spot_of

_SPOTS: Final = 8192
_LONGEST_PATH: Final = 512
_FINDINGS: Final = 4096
_PAGES_TO_REST: Final = (8, 64)
"""Whoever reads like a person is looked at again after as many pages as it has read, within these bounds;
others without findings after half as many, at most half the bound."""

_FIRST_PAGES: Final = 3
"""Pages below which no finding of conduct can be made, traps and robots.txt aside."""


class Watch:
    """All clients of one worker. `inputs` is what this arrangement lets us see, `book` how findings weigh."""

    def __init__(
        self, book: Book, inputs: Inputs, *, capacity: int = CAPACITY, cohorts: Cohorts | None = None
    ) -> None:
        self.book = book
        self.inputs = inputs
        self.in_request = InRequest(book, inputs)
        self.clients = Clients(capacity)
        self.cohorts = cohorts
        self.handshakes = Handshakes()
        self.failures = 0
        self.last_failure: Exception | None = None
        self.on_failure: Callable[[Exception], None] | None = None
        """Told of every fault of ours, so that somebody learns of it."""
        self.reads_on = False
        """Of the client observed last: it returns cookies, loads what pages are made of, follows links, and
        nothing is held against it, so that nothing will come of how a page of many was answered."""
        self._site = SiteErrors()
        self._spots: dict[str, Spot] = {}
        self._findings: dict[Finding, Finding] = {}
        self._weighed: dict[tuple[Finding, ...], Assessment] = {}
        self._least = least_requests(book)
        self._slot = book.definition("chain.all_typed").number("minutes") * 30.0
        self.short = ShortWay(book, self.in_request, self.clients, cohorts, self._site, self._rest)
        self._lately = 60.0 * max(
            (family.minutes for family in book.families.values() if family.keeps == "maximum"), default=60
        )

    def key_of(self, client: ClientAddress, fingerprint: bytes) -> int | None:
        """The key of a client by address and `Known.fingerprint`; None where its address may be no key."""
        if client.text is None or not client.is_usable:
            return None
        return client_key(prefix_of(client.text), fingerprint)

    def look(self, visit: Visit) -> tuple[Seen, Known]:
        """The request as findings see it, and what its headers say once and for all."""
        looked = seen(visit, self.inputs)
        return looked, self.in_request.find(visit, looked)

    def observe(
        self,
        visit: Visit,
        beside: Circumstances = ORDINARY,
        *,
        looked: Seen | None = None,
        known: Known | None = None,
        key: int | None = None,
    ) -> Assessment:
        """Count a request and say how its client stands with it.

        `looked` and `known` are what `look` says of it, `key` what `key_of` says, where the caller has asked
        already.
        """
        self.reads_on = False
        try:
            if looked is None or known is None:
                looked, known = self.look(visit)
            # Who says what it is must not score like a disguise.
            stateless = () if beside.is_declared else known.findings
            if key is None:
                key = self.key_of(visit.client, known.fingerprint)
            told = b"" if "tls" not in self.inputs.given else told_by_proxy(visit, self.inputs.tls_header)
            if told and not beside.is_declared:
                finding = find_in_handshake(looked, self.book, self.handshakes)
                stateless = stateless if finding is None else (*stateless, finding)
            if key is None:
                return assess(
                    stateless, (), excuses_of(None, beside, self.book), self.book, visit.received_at
                )
            found = self._observe(visit, beside, looked, stateless, key, known.cohort)
            if told and all(finding.id == TLS for finding in found.findings):
                self._learn(visit, looked, told, key, found)
            return found
        except Exception as error:
            self.failed(error)
            return CALM

    def note_answer(self, key: int | None, status: int, sets_cookie: bool, now: int) -> None:
        """Take note of an answer that failed (4xx), was 304 or set a cookie; others need not be told."""
        try:
            self._site.age(now)
            if 400 <= status < 500 and status not in (401, 429):
                self._site.errors += 1
            record = self.clients.find(key) if key is not None else None
            if record is not None:
                record.note_answer(status, sets_cookie)
        except Exception as error:
            self.failed(error)

    def robots_known(self, key: int | None, now: int) -> str | None:
        """The digest of the robots.txt that binds a client: the last one that it fetched within a day."""
        record = self.clients.find(key) if key is not None else None
        if record is None or record.marks is None:
            return None
        return record.marks.robots_known(now / SECOND)

    def spot(self, path: str) -> Spot:
        """The spot of a path, worked out once while it is asked for often."""
        found = self._spots.get(path)
        if found is None:
            found = spot_of(path)
            if len(path) <= _LONGEST_PATH:
                if len(self._spots) >= _SPOTS:
                    self._spots.clear()
                self._spots[path] = found
        return found

    def _observe(
        self,
        visit: Visit,
        beside: Circumstances,
        looked: Seen,
        stateless: tuple[Finding, ...],
        key: int,
        shape: bytes,
    ) -> Assessment:
        now = visit.received_at
        self._site.age(now)
        self._site.requests += 1
        keep = beside.is_trap or beside.robots_version is not None
        record = self.clients.meet(key, now, keep=keep)
        had_marks = record.marks is not None
        query = visit.target.partition(b"?")[2]
        spot = self.spot(visit.path)
        note(record, looked, spot, query, beside, now, self._slot)
        # What is known of a cohort counts for the request, and is not held against the client.
        crowd: tuple[Held, ...] = ()
        at = now / SECOND
        if self.cohorts is not None and visit.client.text is not None:
            member = find_in_cohorts(
                self.cohorts, key, visit.client.text, record, looked, spot, shape, stateless, beside, now
            )
            crowd = () if member is None else (Held(member, at),)
        marks = record.marks
        behaviour: tuple[Finding, ...] = ()
        if marks is not None or record.requests >= self._least:
            behaviour = find_in_behaviour(
                record, looked, beside, now, self._site.share_without(record), self.book
            )
        if marks is None and (behaviour or stateless):
            marks = record.marked()
        if marks is not None and not had_marks:
            self.clients.got_marks(key)
        if marks is None:
            record.wait(self._rest(record))
            if crowd:
                return self._assess((), crowd, record, beside, now)
            self.reads_on = bool(record.chained and record.assets and record.cookies)
            return CALM
        for finding in behaviour:
            marks.hold(self._one_for_all(finding), at)
        if marks.held:
            marks.drop(chain.disproved(record))
        worst = marks.contradicted(stateless, at, self._lately)
        if not (marks.held or worst or crowd):
            return CALM
        return self._assess(worst, (*marks.held, *crowd), record, beside, now)

    def _assess(
        self,
        stateless: tuple[Finding, ...],
        behaviour: tuple[Held, ...],
        record: ClientRecord,
        beside: Circumstances,
        now: int,
    ) -> Assessment:
        excuses = excuses_of(record, beside, self.book)
        if behaviour or excuses:
            return assess(stateless, behaviour, excuses, self.book, now)
        # Contradictions of requests do not fade: alone they always weigh the same.
        known = self._weighed.get(stateless)
        if known is None:
            if len(self._weighed) >= _FINDINGS:
                self._weighed.clear()
            known = self._weighed[stateless] = assess(stateless, (), (), self.book, now)
        return known

    def _learn(self, visit: Visit, looked: Seen, told: bytes, key: int, found: Assessment) -> None:
        """Take note of the handshake of a client that proved itself, of the browser that it claims to be.

        Where that very handshake is all that is held against it, it has to read like a person as well.
        """
        record, browser = self.clients.find(key), looked.browser
        if record is None or browser is None or not browser.is_plain or not is_proven(record):
            return
        if not found.findings or found.excuses:
            self.handshakes.learn(browser, told, visit.client)

    def _one_for_all(self, finding: Finding) -> Finding:
        """The same object for equal findings: of a fleet, thousands of clients hold the same few."""
        if len(self._findings) >= _FINDINGS:
            self._findings.clear()
        return self._findings.setdefault(finding, finding)

    def failed(self, error: Exception) -> None:
        """Count a fault of ours, and tell of it."""
        self.failures += 1
        self.last_failure = error
        if self.on_failure is not None:
            self.on_failure(error)

    def _rest(self, record: ClientRecord) -> int:
        """For how many pages a client without findings needs no second look.

        Who reads like a person rests longest. Of others conduct shows within the first pages, and after that
        it changes slowly: they are looked at again after half as many pages as they have read.
        """
        least, most = _PAGES_TO_REST
        pages = record.pages
        if record.chained and (record.assets or "assets" not in self.inputs.given):
            return min(max(least, pages), most)
        if pages < 2 * _FIRST_PAGES:
            return max(0, _FIRST_PAGES - 1 - pages)
        return min(pages // 2, most)
