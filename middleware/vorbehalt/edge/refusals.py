"""Refusals that need no thought: the same crawler, from the same address, refused again by the same rule.

A crawler that is refused comes a thousand times. What was decided the first time is kept for the minute, if
the rule depends on nothing but who asks and in which section; only the reference, the time and the record are
new.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from time import time_ns
from typing import Any

from vorbehalt.edge import respond
from vorbehalt.edge.client_address import SECRET_HEADER
from vorbehalt.edge.live import AnswerSize, HostCache, Live, make_room
from vorbehalt.edge.log_lines import tell_refusal
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.telling import Place, Telling, place_of, said_in_record
from vorbehalt.edge.visits import visit_of
from vorbehalt.engine import breaks_robots, robots_closes
from vorbehalt.evidence.drafts import budget_of, request_draft, retention_of, rollup_key
from vorbehalt.evidence.receipt import Draft, Receipt, Retention
from vorbehalt.evidence.told import Hosts
from vorbehalt.facts import Purpose, Standing, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import SectionHeaders

log = logging.getLogger("vorbehalt")

_KEPT = 4096
_LONGEST_KEY = 1024
_FORMS = 32
_LONGEST_FORM = 1024
_HOLE = "VB-####-####-####-####"
_NS_PER_MINUTE = 60_000_000_000
_DRAFT_BYTES = 4096

RefusalKey = tuple[bytes, bytes | None, str, bytes | None, str, int]


@dataclass(slots=True)
class ReadyRefusal:
    """A refusal in one form and language, cut where the reference belongs."""

    status: int
    headers: list[tuple[bytes, bytes]]
    before: bytes
    after: bytes


ReadyForms = dict[tuple[bytes | None, bytes | None], ReadyRefusal]


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


def key_of(
    user_agent: bytes, client: Any, headers: Mapping[bytes, bytes], section: str, now: int
) -> RefusalKey | None:
    """Return under what a refusal is kept; None if the client's address is told in ways not compared."""
    if not client or b"forwarded" in headers or b"x-real-ip" in headers or SECRET_HEADER in headers:
        return None
    address = client[0]
    if type(address) is not str:
        return None
    chain = headers.get(b"x-forwarded-for")
    if chain is not None and len(client) > 1:
        # By its port a server's rewritten peer is told from a real one.
        address = f"{address} {client[1]}"
    return (
        user_agent,
        headers.get(b"host"),
        address,
        chain,
        section,
        now // _NS_PER_MINUTE,
    )


def remember(
    live: Live, visit: Visit, verdict: Verdict, section: SectionHeaders, scope: Any, epoch: int
) -> None:
    """Keep a refusal for those that will be the same, if the policy says that they will. Never raises.

    `epoch` is that of `live` before the visit was judged.
    """
    try:
        _remember(live, visit, verdict, section, scope, epoch)
    except Exception:  # the refusal itself is decided: only the next one has to be decided again
        live.count_internal_error()
        log.exception("a refusal is not remembered")


def _remember(
    live: Live, visit: Visit, verdict: Verdict, section: SectionHeaders, scope: Any, epoch: int
) -> None:
    headers = dict(visit.headers)
    path = scope.get("path")
    if visit.is_websocket or len(headers) != len(visit.headers) or scope.get("root_path") or not path:
        return
    cache = live.cache_for(headers.get(b"host", b""))
    known, forms = cache.refusals, cache.ready
    identity = verdict.identity
    key = key_of(headers.get(b"user-agent", b""), scope.get("client"), headers, section.name, time_ns())
    if not live.keeps_refusals or b"signature-input" in headers:
        return
    if key is None or len(key[0]) + len(key[1] or b"") + len(key[2]) + len(key[3] or b"") > _LONGEST_KEY:
        return
    if identity is None or cache.plan.policy.fixed_rule(identity) != verdict.rule:
        return
    if identity.purpose is Purpose.SEARCH_ENGINE and identity.standing is Standing.CONTRADICTED:
        # Each of them counts: too many disarm the rule, and then none may be refused any more.
        return
    if cache.plan.bundle.digest != verdict.reservation or live.epoch != epoch:
        # The signals have changed since, or more is known of who asks: that is for the next one to hear.
        return
    if cache.paths.get(path) is None and live.learn_reader(cache, path, visit.path) is None:
        return
    closed = robots_closes(cache.plan, identity)
    make_room(known, _KEPT)
    known[key] = KnownRefusal(
        visit=replace(visit, headers=(), target=b"", path="/"),
        verdict=verdict,
        section=section,
        cells=live.request_cells(verdict) + ((live.robots_cell(identity.token),) if closed else ()),
        operator=budget_of(identity),
        rollup=rollup_key(verdict, visit.host),
        retention=retention_of(verdict),
        ready=forms.setdefault(_words_of(verdict, section), {}),
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


Refusing = tuple[Receipt, dict[str, Any], dict[str, Any]]
"""One refusal on its way: its record is queued, start and body are not sent."""


def again(
    runtime: Runtime, live: Live, cache: HostCache, section: str, scope: Any, headers: Mapping[bytes, bytes]
) -> Refusing | None:
    """Refuse as the last time, with a reference and a record of its own; None if this is not remembered."""
    now = time_ns()
    key = key_of(headers[b"user-agent"], scope.get("client"), headers, section, now)
    known = None if key is None else cache.refusals.get(key)
    if known is None:
        return None
    reference = respond.new_reference()
    forms = (headers.get(b"accept"), headers.get(b"accept-language"))
    ready = known.ready.get(forms)
    if ready is None:
        ready = _make_ready(cache, known, forms)
    method = scope["method"]
    body = b"" if method == "HEAD" else ready.before + reference.encode() + ready.after
    start = {"type": "http.response.start", "status": ready.status, "headers": ready.headers.copy()}
    receipt = runtime.evidence.append(
        _draft(runtime.telling, live, known, scope, headers, now, reference, ready.status)
    )
    try:
        if live.logs_refusals:
            tell_refusal(reference, known.verdict, cache.plan.settings.key)
        cells = live.counters.cells
        for cell in known.cells:
            cells[cell] += 1
        if method == "GET":
            cells[live.refused_bytes] += known.size.bytes
        if known.violation and breaks_robots(
            cache.plan, known.verdict.identity, visit_of(scope, live.addresses).target
        ):
            cells[known.violation] += 1
    except Exception:  # the record is queued: only the count is lost
        live.count_internal_error()
    return receipt, start, {"type": "http.response.body", "body": body}


def _make_ready(
    cache: HostCache, known: KnownRefusal, forms: tuple[bytes | None, bytes | None]
) -> ReadyRefusal:
    names = (b"accept", b"accept-language")
    asked = tuple((name, value) for name, value in zip(names, forms, strict=True) if value is not None)
    visit = replace(known.visit, method="GET", headers=asked)
    terms = cache.plan.settings.terms
    start, body = respond.refusal_messages(visit, known.verdict, _HOLE, terms, known.section.headers)
    before, _, after = body["body"].partition(_HOLE.encode())
    ready = ReadyRefusal(start["status"], start["headers"], before, after)
    if sum(len(value or b"") for value in forms) <= _LONGEST_FORM:
        make_room(known.ready, _FORMS)
        known.ready[forms] = ready
    return ready


def _draft(
    telling: Telling,
    live: Live,
    known: KnownRefusal,
    scope: Any,
    headers: Mapping[bytes, bytes],
    now: int,
    reference: str,
    status: int,
) -> Draft:
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
        partial(_seen_later, telling, telling.hosts, live, known, scope, now, reference, status),
        # Joining is the cheapest way to add up a few lengths.
        _DRAFT_BYTES + len(b"".join(headers.values())) + len(scope.get("query_string") or b""),
    )


def _seen_later(
    telling: Telling,
    hosts: Hosts,
    live: Live,
    known: KnownRefusal,
    scope: Any,
    now: int,
    reference: str,
    status: int,
) -> tuple[dict[str, object], dict[str, bytes]]:
    visit = visit_of(scope, live.addresses, received_at=now)
    draft = request_draft(
        visit,
        known.verdict,
        reference,
        status=status,
        headers_digest=known.section.digest,
        versions=live.engine.versions,
        query_keys=live.engine.settings.evidence.query_keys,
        said=said_in_record(live, telling, hosts, known.place, visit, known.verdict),
    )
    return draft.seen, draft.private
