"""Which answer a request gets that is looked at one by one.

`decide` is synchronous and may fail (the request then passes); it sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vorbehalt.edge import asked_refusals, forward_auth_again, refusals, traps
from vorbehalt.edge.answers import (
    AllowedAnswer,
    Answer,
    AppAnswer,
    HealthAnswer,
    PageAnswer,
    RefusalAnswer,
    TrapAnswer,
)
from vorbehalt.edge.forward_auth import AUTH_PREFIX, allowed_status, forwarded_visits, limit_status
from vorbehalt.edge.glance import Glance
from vorbehalt.edge.live import Live, Reader
from vorbehalt.edge.recording import open_record
from vorbehalt.edge.respond import refusal_status
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.signal_answers import SignalAnswer
from vorbehalt.edge.strict import Asking, judged
from vorbehalt.edge.visits import visit_of
from vorbehalt.engine import HostPlan, violates_robots
from vorbehalt.facts import Visit
from vorbehalt.patterns.score import CALM
from vorbehalt.policy.verdict import Verdict

if TYPE_CHECKING:
    from vorbehalt.edge.asgi import VorbehaltMiddleware

HEALTH_PATH = "/.vorbehalt/health"
REFUSAL_PATH = "/.vorbehalt/refusal/"
"""Where a proxy that cannot pass on the body of our answer fetches the page of a refusal, once."""


@dataclass(slots=True)
class Looked:
    """A visit without a claim to a known path, looked at. `is_calm`: nothing was found."""

    plan: HostPlan
    reader: Reader
    visit: Visit
    is_calm: bool


def look(
    live: Live, glance: Glance, plan: HostPlan, reader: Reader, scope: Any, headers: Mapping[bytes, bytes]
) -> Looked | None:
    """Look at the conduct of a visitor without a claim on a known path: all else is as for every other one.

    None: it reads on as it did, and its answer need not be noted, so that it is one more ordinary request.
    """
    if glance.reads_on(scope, headers, reader):
        live.usable_sources += 1
        live.unjudged_in_a_row = 0
        return None
    conduct = glance.conduct
    visit = visit_of(scope, live.addresses)
    is_calm = conduct.ahead(plan, visit) is CALM
    if is_calm:
        live.note_source(visit.client)
        live.unjudged_in_a_row = 0
        if conduct.watch.reads_on:
            return None
    return Looked(plan, reader, visit, is_calm)


def answer_calm(middleware: VorbehaltMiddleware, live: Live, looked: Looked) -> Answer:
    """The app's answer, which is noted, to a visitor in whose conduct nothing was found."""
    plan, reader, visit = looked.plan, looked.reader, looked.visit
    live.count_reader(reader)
    if referer := visit.header(b"referer"):
        live.count_referral(referer)
    section = reader.section
    return AppAnswer(
        middleware, live, visit, reader.verdict, section, None, live.sizes.of(plan, section.name)
    )


def decide(
    middleware: VorbehaltMiddleware, runtime: Runtime, live: Live, visit: Visit, scope: Any
) -> Answer | Asking:
    """Choose the answer to one visit; counts and judges, sends nothing. `Asking`: ask Redis first."""
    plan = live.engine.plan(visit.host)
    if not visit.is_websocket:
        if visit.path == HEALTH_PATH:
            return HealthAnswer(runtime, plan.headers(visit.path, ""))
        if middleware.answers_forward_auth and is_auth_path(visit.path):
            return _decide_auth(middleware, runtime, live, visit, scope)
        if middleware.answers_forward_auth and visit.path.startswith(REFUSAL_PATH):
            reference = visit.path.removeprefix(REFUSAL_PATH)
            return PageAnswer(live.pages.take(reference), plan.headers("/", ""), visit.target)
    live.note_source(visit.client)
    if root_path := scope.get("root_path"):
        runtime.conflicts.note_mount(str(root_path))
    document = None if visit.is_websocket else plan.document(visit.path)
    if document is not None:
        return SignalAnswer(middleware, runtime, live, plan, visit, document.path)
    epoch = live.epoch

    def answer(verdicts: list[Verdict]) -> Answer:
        return _answer(middleware, runtime, live, visit, verdicts[0], scope, epoch)

    return judged(live, runtime.sharing.strict, [visit], answer)


def _answer(
    middleware: VorbehaltMiddleware,
    runtime: Runtime,
    live: Live,
    visit: Visit,
    verdict: Verdict,
    scope: Any,
    epoch: int,
) -> Answer:
    plan = live.engine.plan(visit.host)
    live.count(verdict)
    section = plan.headers(visit.path, verdict.section)
    _watch_robots(live, plan, visit, verdict)
    if verdict.is_refusal:
        refusal = RefusalAnswer(middleware, runtime, live, visit, verdict, section)
        refusals.remember(live, visit, verdict, section, scope, epoch)
        return refusal
    if traps.leads_nowhere(plan, visit):
        if verdict.identity is not None:
            middleware.observe(visit, verdict, "")
        return TrapAnswer(section.headers, open_record(runtime, live, visit, verdict, section, status=404))
    if verdict.identity is None:
        _learn(live, visit, scope)
        if referer := visit.header(b"referer"):
            live.count_referral(referer)
    else:
        middleware.observe(visit, verdict, "")
    recording = open_record(runtime, live, visit, verdict, section)
    return AppAnswer(middleware, live, visit, verdict, section, recording, live.sizes.of(plan, section.name))


def _watch_robots(live: Live, plan: HostPlan, visit: Visit, verdict: Verdict) -> None:
    """Count a crawler's request for a path that the robots.txt in force closes to it."""
    identity = verdict.identity
    if identity is not None and violates_robots(plan, visit, verdict):
        live.counters.cells[live.robots_cell(identity.token)] += 1


def _learn(live: Live, visit: Visit, scope: Any) -> None:
    """Remember what ordinary visitors get on this path, so that the next one takes the short way."""
    path = scope.get("path")
    if visit.is_websocket or scope.get("root_path") or not path:
        return
    live.engine.claims.get(visit.header(b"user-agent"))
    host = next((value for key, value in visit.headers if key == b"host"), b"")
    cache = live.cache_for(host)
    if path not in cache.paths:
        live.learn_reader(cache, path, visit.path)


def is_auth_path(path: str) -> bool:
    """True for the path at which proxies ask, and for all below it."""
    return (path + "/").startswith(AUTH_PREFIX)


def _decide_auth(
    middleware: VorbehaltMiddleware, runtime: Runtime, live: Live, asked: Visit, scope: Any
) -> Answer | Asking:
    """Answer a proxy's question about somebody else's request; believed only from a trusted peer."""
    epoch = live.epoch
    visits = list(forwarded_visits(asked, live.addresses))

    def answer(verdicts: list[Verdict]) -> Answer:
        pairs = list(zip(visits, verdicts, strict=True))
        return _answer_auth(middleware, runtime, live, asked, scope, pairs, epoch)

    return judged(live, runtime.sharing.strict, visits, answer)


def _answer_auth(
    middleware: VorbehaltMiddleware,
    runtime: Runtime,
    live: Live,
    asked: Visit,
    scope: Any,
    pairs: list[tuple[Visit, Verdict]],
    epoch: int,
) -> Answer:
    visit, verdict = next((pair for pair in pairs if pair[1].is_refusal), pairs[0])
    live.note_source(visit.client)
    plan = live.engine.plan(visit.host)
    live.count(verdict)
    section = plan.headers(visit.path, verdict.section)
    _watch_robots(live, plan, visit, verdict)
    if verdict.is_refusal:
        refusal = RefusalAnswer(
            middleware, runtime, live, visit, verdict, section, auth_limit_status=limit_status(asked)
        )
        live.pages.keep(refusal.reference, refusal_status(verdict), refusal.messages)
        if len(pairs) == 1:
            asked_refusals.remember(live, scope, asked, visit, verdict, section, epoch)
        return refusal
    recording = open_record(runtime, live, visit, verdict, section)
    if verdict.identity is not None:
        middleware.observe(visit, verdict, "")
    else:
        if referer := visit.header(b"referer"):
            live.count_referral(referer)
        if len(pairs) == 1:
            forward_auth_again.remember(live, scope, asked, visit)
    return AllowedAnswer(section.headers, recording, allowed_status(asked))
