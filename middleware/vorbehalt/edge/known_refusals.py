"""A refusal with everything ready but the reference: what `refusals` and `asked_refusals` remember."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from vorbehalt.edge import respond
from vorbehalt.edge.live import AnswerSize, HostCache, Live, make_room
from vorbehalt.edge.telling import Place, Telling, place_of, said_in_record
from vorbehalt.engine import robots_closes
from vorbehalt.evidence.history.told import Hosts
from vorbehalt.evidence.leaf.drafts import budget_of, request_draft, retention_of, rollup_key
from vorbehalt.evidence.receipt import Draft, Retention
from vorbehalt.facts import Purpose, Standing, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import SectionHeaders

HOLE = "VB-####-####-####-####"
DRAFT_BYTES = 4096
NS_PER_MINUTE = 60_000_000_000
_KEPT = 4096
_LONGEST_KEY = 1024
_FORMS = 32
_LONGEST_FORM = 1024

RefusalKey = tuple[bytes, bytes | None, str, bytes | None, str, int]
"""User-Agent, host, peer, forwarded addresses, section, minute."""


@dataclass(slots=True)
class ReadyRefusal:
    """A refusal in one form and language, cut where the reference belongs.

    For the question of a proxy, `head` holds status line and headers as octets with a hole for the reference,
    and `page_headers` those of the page that the proxy may fetch.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    before: bytes
    after: bytes
    head: bytes = b""
    page_headers: list[tuple[bytes, bytes]] = field(default_factory=list)


Forms = tuple[bytes | None, bytes | None]
"""Accept and Accept-Language."""

ReadyForms = dict[Forms, ReadyRefusal]


@dataclass(slots=True)
class KnownRefusal:
    """One refusal with everything ready but the reference. `visit` has neither headers nor target.

    `ready` is shared by all that are refused in the same words. `violation` is the counter of requests
    against robots.txt where it depends on the path whether this is one, else 0.
    """

    visit: Visit
    verdict: Verdict
    section: SectionHeaders
    cells: tuple[int, ...]
    operator: str
    rollup: tuple[str, ...]
    retention: Retention
    ready: ReadyForms
    size: AnswerSize
    violation: int
    place: Place

    def form(self, cache: HostCache, forms: Forms) -> ReadyRefusal:
        """Make it ready for an Accept and an Accept-Language."""
        names = (b"accept", b"accept-language")
        asked = tuple((name, value) for name, value in zip(names, forms, strict=True) if value is not None)
        visit = replace(self.visit, method="GET", headers=asked)
        terms = cache.plan.settings.terms
        start, body = respond.refusal_messages(visit, self.verdict, HOLE, terms, self.section.headers)
        before, _, after = body["body"].partition(HOLE.encode())
        return ReadyRefusal(start["status"], start["headers"], before, after)


def known_refusal(
    live: Live, cache: HostCache, visit: Visit, verdict: Verdict, section: SectionHeaders, epoch: int
) -> KnownRefusal | None:
    """Return what the next refusal of the same crawler needs; None if it may be another one.

    The words are shared by all refusals that say the same from the same vantage.
    """
    forms = cache.ready
    identity = verdict.identity
    if identity is None or cache.plan.policy.fixed_rule(identity) != verdict.rule:
        return None
    if identity.purpose is Purpose.SEARCH_ENGINE and identity.standing is Standing.CONTRADICTED:
        # Each of them counts: too many disarm the rule, and then none may be refused any more.
        return None
    if cache.plan.bundle.digest != verdict.reservation or live.epoch != epoch:
        # The signals have changed since, or more is known of who asks: that is for the next one to hear.
        return None
    closed = robots_closes(cache.plan, identity)
    return KnownRefusal(
        visit=replace(visit, headers=(), target=b"", path="/"),
        verdict=verdict,
        section=section,
        cells=live.request_cells(verdict) + ((live.robots_cell(identity.token),) if closed else ()),
        operator=budget_of(identity),
        rollup=rollup_key(verdict, visit.host),
        retention=retention_of(verdict),
        ready=forms.setdefault((visit.vantage, *_words_of(verdict, section)), {}),
        size=live.sizes.of(cache.plan, section.name),
        violation=live.robots_cell(identity.token) if closed is None else 0,
        place=place_of(cache.plan),
    )


def _words_of(verdict: Verdict, section: SectionHeaders) -> tuple[object, ...]:
    """What a refusal says is settled by this, by its form and by its reference."""
    return (
        respond.refusal_status(verdict),
        respond.reason_kind(verdict),
        verdict.reasons[:1],
        section.name,
    )


def is_short(key: RefusalKey) -> bool:
    """False if a client made a key longer than is worth keeping."""
    return len(key[0]) + len(key[1] or b"") + len(key[2]) + len(key[3] or b"") <= _LONGEST_KEY


def keep(known: dict[RefusalKey, KnownRefusal], key: RefusalKey, refusal: KnownRefusal) -> None:
    """Keep a refusal for the rest of the minute; bounded."""
    make_room(known, _KEPT)
    known[key] = refusal


def keep_form(known: KnownRefusal, forms: Forms, ready: ReadyRefusal) -> ReadyRefusal:
    """Keep a refusal made ready for an Accept and an Accept-Language, and return it; bounded."""
    if sum(len(value or b"") for value in forms) <= _LONGEST_FORM:
        make_room(known.ready, _FORMS)
        known.ready[forms] = ready
    return ready


def draft_later(
    known: KnownRefusal,
    reference: str,
    now: int,
    visit: Callable[[], Visit],
    circumstances: tuple[Telling, Live, int],
    weight: int,
) -> Draft:
    """Return the draft of a refusal, whose visit is only made when the writer gets to it.

    `circumstances` are what is known of who was told what, the engine, and the status of the answer.
    """
    telling, live, status = circumstances
    return Draft(
        "request",
        reference,
        now,
        {},
        {},
        known.visit.client.text or "",
        known.operator,
        known.retention,
        known.rollup,
        0,
        partial(_seen_later, telling, telling.hosts, live, known, visit, reference, status),
        weight,
    )


def _seen_later(
    telling: Telling,
    hosts: Hosts,
    live: Live,
    known: KnownRefusal,
    visit_made: Callable[[], Visit],
    reference: str,
    status: int,
) -> tuple[dict[str, object], dict[str, bytes]]:
    visit = visit_made()
    draft = request_draft(
        visit,
        known.verdict,
        reference,
        status=status,
        headers_digest=known.section.digest,
        versions=live.engine.versions,
        query_keys=live.engine.settings.evidence.query_keys,
        redact=live.engine.settings.evidence.redact,
        said=said_in_record(live, telling, hosts, known.place, visit, known.verdict),
        works=live.engine.works_of(visit),
    )
    return draft.seen, draft.private
