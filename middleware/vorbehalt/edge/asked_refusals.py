"""Refusals that a proxy asks for again: the same crawler, from the same address, by the same rule.

As `refusals`, for the questions of a proxy; they share what is kept. Only the path at which nginx, Caddy and
Traefik ask: Envoy's questions are looked at one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import time_ns
from typing import Any

from vorbehalt.edge import forward_auth_again, respond
from vorbehalt.edge.client_address import SECRET_HEADER
from vorbehalt.edge.forward_auth import AUTH_PATH, forwarded_visits, original_method
from vorbehalt.edge.forward_auth_again import ReadyAnswer
from vorbehalt.edge.known_refusals import (
    DRAFT_BYTES,
    HOLE,
    NS_PER_MINUTE,
    Forms,
    KnownRefusal,
    ReadyRefusal,
    RefusalKey,
    draft_later,
    is_short,
    keep,
    keep_form,
    known_refusal,
)
from vorbehalt.edge.live import HostCache, Live
from vorbehalt.edge.log_lines import tell_refusal
from vorbehalt.edge.recording import wait_for
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.visits import visit_of
from vorbehalt.engine import breaks_robots
from vorbehalt.evidence.receipt import Draft, Receipt
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import SectionHeaders

log = logging.getLogger("vorbehalt")

App = Callable[[Any, Any, Any], Awaitable[None]]
Scope = dict[str, Any]

_HOLE = HOLE.encode()
_AUTH_PATH = AUTH_PATH.encode()
_STATUS_LINE = b"HTTP/1.1 403 Forbidden\r\n"


@dataclass(frozen=True, slots=True)
class Question:
    """One question as the server read it: no header came twice, and none of them announces a body."""

    client: Any
    scheme: str
    method: str
    target: bytes
    headers: dict[bytes, bytes]

    @property
    def scope(self) -> Scope:
        """What the server would have made of it."""
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "http_version": "1.1",
            "scheme": self.scheme,
            "method": self.method,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "client": self.client,
            "headers": list(self.headers.items()),
        }


@dataclass(frozen=True, slots=True)
class AskedRefusal:
    """A refusal on its way: its record is queued. `octets` are the answer without a Date, `body` follows."""

    receipt: Receipt
    head: bytes
    body: bytes
    ready: ReadyRefusal
    reference: bytes
    live: Live

    def app(self, date: bytes) -> App:
        """The answer for a record that is not on the disk yet."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            await wait_for(self.live, self.receipt)
            headers = [
                (name, self.reference if value == _HOLE else value) for name, value in self.ready.headers
            ]
            headers.append((b"date", date))
            await send({"type": "http.response.start", "status": self.ready.status, "headers": headers})
            await send({"type": "http.response.body", "body": self.body})

        return answer


def _key_of(peer: str, headers: dict[bytes, bytes], section: str, now: int) -> RefusalKey | None:
    """As `refusals.key_of`; the peer is one that is believed."""
    if b"forwarded" in headers or b"x-real-ip" in headers or headers.get(SECRET_HEADER):
        return None
    host = b"%b %b" % (headers.get(b"x-forwarded-host", b""), headers.get(b"host", b""))
    chain = headers.get(b"x-forwarded-for")
    return (headers.get(b"user-agent", b""), host, f"asked by {peer}", chain, section, now // NS_PER_MINUTE)


def remember(
    live: Live, scope: Any, asked: Visit, visit: Visit, verdict: Verdict, section: SectionHeaders, epoch: int
) -> None:
    """Keep a refusal for those that will be the same, if the policy says that they will. Never raises.

    `epoch` is that of `live` before the visit was judged.
    """
    try:
        _remember(live, scope, asked, visit, verdict, section, epoch)
    except Exception:  # the refusal itself is decided: only the next one has to be decided again
        live.count_internal_error()
        log.exception("a refusal is not remembered")


def _remember(
    live: Live, scope: Any, asked: Visit, visit: Visit, verdict: Verdict, section: SectionHeaders, epoch: int
) -> None:
    headers = dict(asked.headers)
    if scope.get("raw_path") != _AUTH_PATH or not live.keeps_refusals or b"signature-input" in headers:
        return
    cache = live.caches[id(live.engine.plan(visit.host))]
    known = cache.refusals
    refusal = known_refusal(live, cache, visit, verdict, section, epoch)
    if refusal is None or respond.refusal_status(verdict) != 403:
        return
    peer = forward_auth_again.peer_of(scope.get("client"))
    ready = forward_auth_again.remember(live, scope, asked, visit)
    if peer is None or ready is None or ready.reader.section.name != section.name:
        return
    key = _key_of(peer, headers, section.name, time_ns())
    if key is not None and is_short(key):
        keep(known, key, refusal)


def again(
    runtime: Runtime, live: Live, path: ReadyAnswer, peer: str, question: Question
) -> AskedRefusal | None:
    """Refuse as the last time, with a reference and a record of its own; None if this is not remembered.

    `path` is what is known of the path that is asked about.
    """
    headers, cache = question.headers, path.cache
    now = time_ns()
    key = _key_of(peer, headers, path.reader.section.name, now)
    known = None if key is None else cache.refusals.get(key)
    if known is None:
        return None
    reference = respond.new_reference()
    forms = (headers.get(b"accept"), headers.get(b"accept-language"))
    ready = known.ready.get(forms) or _make_ready(cache, known, forms)
    octets = reference.encode()
    body = ready.before + octets + ready.after
    draft = draft_later(
        known,
        reference,
        now,
        partial(_asked_visit, live, question, now),
        (runtime.telling, live, ready.status),
        DRAFT_BYTES + len(b"".join(headers.values())),
    )
    receipt = runtime.evidence.append(draft)
    refusal = AskedRefusal(receipt, ready.head.replace(_HOLE, octets), body, ready, octets, live)
    try:
        _count(live, cache, known, question, draft)
        if live.logs_refusals:
            tell_refusal(reference, known.verdict, cache.plan.settings.key)
        live.pages.put(reference, ready.status, ready.page_headers, body)
    except Exception:  # the record is queued: only the count is lost
        live.count_internal_error()
    return refusal


def _count(live: Live, cache: HostCache, known: KnownRefusal, question: Question, draft: Draft) -> None:
    cells = live.counters.cells
    for cell in known.cells:
        cells[cell] += 1
    if original_method(question.headers, question.method) == "GET":
        cells[live.refused_bytes] += known.size.bytes
    if known.violation:
        target = _asked_visit(live, question, draft.at).target
        if breaks_robots(cache.plan, known.verdict.identity, target):
            cells[known.violation] += 1


def _asked_visit(live: Live, question: Question, now: int) -> Visit:
    asked = visit_of(question.scope, live.addresses, received_at=now)
    return forwarded_visits(asked, live.addresses)[0]


def _make_ready(cache: HostCache, known: KnownRefusal, forms: Forms) -> ReadyRefusal:
    ready = known.form(cache, forms)
    ready.head = _STATUS_LINE + b"".join([b"%b: %b\r\n" % pair for pair in ready.headers])
    ready.page_headers = [pair for pair in ready.headers if not pair[0].startswith(b"x-vorbehalt-")]
    return keep_form(known, forms, ready)
