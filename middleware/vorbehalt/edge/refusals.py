"""Refusals that need no thought: the same crawler, from the same address, refused again by the same rule.

A crawler that is refused comes a thousand times. What was decided the first time is kept for the minute, if
the rule depends on nothing but who asks and in which section; only the reference, the time and the record are
new.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from time import time_ns
from typing import Any

from vorbehalt.edge import respond
from vorbehalt.edge.client_address import SECRET_HEADER
from vorbehalt.edge.known_refusals import (
    DRAFT_BYTES,
    NS_PER_MINUTE,
    RefusalKey,
    draft_later,
    is_short,
    keep,
    keep_form,
    known_refusal,
)
from vorbehalt.edge.live import HostCache, Live
from vorbehalt.edge.log_lines import tell_refusal
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.visits import visit_of
from vorbehalt.engine import breaks_robots
from vorbehalt.evidence.receipt import Receipt
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import SectionHeaders

log = logging.getLogger("vorbehalt")


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
        now // NS_PER_MINUTE,
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
    known = cache.refusals
    key = key_of(headers.get(b"user-agent", b""), scope.get("client"), headers, section.name, time_ns())
    if not live.keeps_refusals or b"signature-input" in headers:
        return
    if key is None or not is_short(key):
        return
    refusal = known_refusal(live, cache, visit, verdict, section, epoch)
    if refusal is None:
        return
    if cache.paths.get(path) is None and live.learn_reader(cache, path, visit.path) is None:
        return
    keep(known, key, refusal)


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
        ready = keep_form(known, forms, known.form(cache, forms))
    method = scope["method"]
    body = b"" if method == "HEAD" else ready.before + reference.encode() + ready.after
    start = {"type": "http.response.start", "status": ready.status, "headers": ready.headers.copy()}
    draft = draft_later(
        known,
        reference,
        now,
        partial(visit_of, scope, live.addresses, received_at=now),
        (runtime.telling, live, ready.status),
        # Joining is the cheapest way to add up a few lengths.
        DRAFT_BYTES + len(b"".join(headers.values())) + len(scope.get("query_string") or b""),
    )
    receipt = runtime.evidence.append(draft)
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
