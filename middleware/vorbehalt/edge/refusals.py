"""Refusals that need no thought: the same crawler, from the same address, refused again by the same rule.

A crawler that is refused comes a thousand times. What was decided the first time is kept for the minute, if the
rule depends on nothing but who asks and in which section; only the reference, the time and the record are new.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from time import time_ns
from typing import Any

from vorbehalt.edge import respond
from vorbehalt.edge.live import HostCache, Live
from vorbehalt.edge.recording import wait_for
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.visits import visit_of
from vorbehalt.evidence.drafts import request_draft, retention_of, rollup_key
from vorbehalt.evidence.receipt import Draft, Receipt, Retention
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import SectionHeaders

_KEPT = 4096
_FORMS = 16
_HOLE = "VB-####-####-####-####"
_NS_PER_MINUTE = 60_000_000_000

Key = tuple[bytes, str, bytes | None, str, int]
Send = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class ReadyRefusal:
    """A refusal in one form and language, cut where the reference belongs."""

    status: int
    headers: list[tuple[bytes, bytes]]
    before: bytes
    after: bytes


@dataclass(slots=True)
class KnownRefusal:
    """One refusal with everything ready but the reference."""

    visit: Visit
    verdict: Verdict
    section: SectionHeaders
    cells: tuple[int, ...]
    operator: str
    rollup: tuple[str, ...]
    retention: Retention
    ready: dict[tuple[bytes | None, bytes | None], ReadyRefusal] = field(default_factory=dict)


def key_of(user_agent: bytes, client: Any, headers: Mapping[bytes, bytes], section: str) -> Key | None:
    """Return under what a refusal is kept; None where the client's address is told in ways not compared here."""
    if not client or b"forwarded" in headers:
        return None
    return (user_agent, client[0], headers.get(b"x-forwarded-for"), section, time_ns() // _NS_PER_MINUTE)


def remember(live: Live, visit: Visit, verdict: Verdict, section: SectionHeaders, scope: Any) -> None:
    """Keep a refusal for those that will be the same, if the policy says that they will."""
    headers = dict(scope["headers"])
    if visit.is_websocket or len(headers) != len(scope["headers"]) or scope.get("root_path"):
        return
    cache = live.cache_for(headers.get(b"host", b""))
    key = key_of(headers.get(b"user-agent", b""), scope.get("client"), headers, section.name)
    if (
        key is None
        or verdict.identity is None
        or cache.plan.policy.fixed_rule(verdict.identity) != verdict.rule
    ):
        return
    if cache.paths.get(scope["path"]) is None and live.learn_reader(cache, scope["path"]) is None:
        return
    known = cache.refusals
    if len(known) >= _KEPT:
        for old in list(islice(known, _KEPT >> 3)):
            known.pop(old, None)
    identity = verdict.identity
    known[key] = KnownRefusal(
        visit=visit,
        verdict=verdict,
        section=section,
        cells=live.request_cells(verdict),
        operator=identity.operator or identity.token,
        rollup=rollup_key(verdict, visit.host),
        retention=retention_of(verdict),
    )


@dataclass(slots=True)
class Refusing:
    """One refusal on its way: its record is queued, nothing is sent."""

    receipt: Receipt
    reference: str
    start: dict[str, Any]
    body: dict[str, Any]


def prepare(
    runtime: Runtime, live: Live, known: KnownRefusal, scope: Any, headers: Mapping[bytes, bytes]
) -> Refusing:
    """Refuse as the last time, with a reference and a record of its own; sends nothing."""
    now = time_ns()
    reference = respond.new_reference()
    forms = (headers.get(b"accept"), headers.get(b"accept-language"))
    ready = known.ready.get(forms)
    if ready is None:
        ready = _make_ready(live, known, forms)
    body = b"" if scope["method"] == "HEAD" else ready.before + reference.encode() + ready.after
    return Refusing(
        runtime.evidence.append(_draft(live, known, scope, now, reference, ready.status)),
        reference,
        {"type": "http.response.start", "status": ready.status, "headers": ready.headers.copy()},
        {"type": "http.response.body", "body": body},
    )


async def send_refusal(runtime: Runtime, live: Live, refusing: Refusing, send: Send) -> None:
    """Send a prepared refusal once its record is durable."""
    if not refusing.receipt.is_durable:
        await wait_for(runtime, live, refusing.receipt, refusing.reference)
    await send(refusing.start)
    await send(refusing.body)


def _make_ready(live: Live, known: KnownRefusal, forms: tuple[bytes | None, bytes | None]) -> ReadyRefusal:
    names = (b"accept", b"accept-language")
    asked = tuple((name, value) for name, value in zip(names, forms, strict=True) if value is not None)
    visit = replace(known.visit, method="GET", headers=asked)
    terms = live.engine.plan(visit.host).settings.terms
    start, body = respond.refusal_messages(visit, known.verdict, _HOLE, terms, known.section.headers)
    before, _, after = body["body"].partition(_HOLE.encode())
    ready = ReadyRefusal(start["status"], start["headers"], before, after)
    if len(known.ready) < _FORMS:
        known.ready[forms] = ready
    return ready


def _draft(live: Live, known: KnownRefusal, scope: Any, now: int, reference: str, status: int) -> Draft:
    def later() -> tuple[dict[str, object], dict[str, bytes]]:
        visit = visit_of(scope, live.addresses, received_at=now)
        draft = request_draft(
            visit,
            known.verdict,
            reference,
            status=status,
            headers_digest=known.section.digest,
            versions=live.engine.versions,
            query_keys=live.engine.settings.evidence.query_keys,
        )
        return draft.seen, draft.private

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
        later,
        4096,
    )
