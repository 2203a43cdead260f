"""What happens to a request that is looked at one by one: a signal, a refusal, or the app's answer with its terms.

`decide` is synchronous and may fail (the request then passes); an answer awaits the app at most once and lets
every exception of the app or the server pass unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from vorbehalt.edge import refusals, respond, site_robots
from vorbehalt.edge.forward_auth import forwarded_visit, limit_status
from vorbehalt.edge.live import Live
from vorbehalt.edge.recording import Recording, open_record
from vorbehalt.edge.runtime import Runtime
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import Document, SectionHeaders
from vorbehalt.reservation.headers import apply

if TYPE_CHECKING:
    from vorbehalt.edge.asgi import VorbehaltMiddleware

Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

HEALTH_PATH = "/.vorbehalt/health"
AUTH_PATH = "/.vorbehalt/auth"


class Answer(Protocol):
    """One way to answer a request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def decide(
    middleware: VorbehaltMiddleware, runtime: Runtime, live: Live, visit: Visit, scope: Scope
) -> Answer:
    """Choose the answer to one visit; counts and judges, sends nothing."""
    if visit.client.source == "untrusted":
        live.untrusted_sources += 1
    if not visit.is_websocket:
        if visit.path == HEALTH_PATH:
            return HealthAnswer(runtime)
        if middleware.answers_forward_auth and (visit.path + "/").startswith(AUTH_PATH + "/"):
            return _decide_auth(middleware, runtime, live, visit)
    plan = live.engine.plan(visit.host)
    document = None if visit.is_websocket else plan.document(visit.path)
    if document is not None:
        return SignalAnswer(middleware, runtime, live, visit, document.path)
    verdict = live.engine.judge(visit)
    live.count(verdict)
    section = plan.headers(verdict.section)
    if verdict.is_refusal:
        refusals.remember(live, visit, verdict, section, scope)
        return RefusalAnswer(middleware, runtime, live, visit, verdict, section)
    if verdict.identity is None:
        _learn(live, visit, scope)
    else:
        middleware.observe(visit, verdict, "")
    recording = open_record(runtime, live, visit, verdict, section)
    return AppAnswer(middleware, live, verdict, section, recording)


def _learn(live: Live, visit: Visit, scope: Scope) -> None:
    """Remember what ordinary visitors get on this path, so that the next one takes the short way."""
    if visit.is_websocket or scope.get("root_path"):
        return
    live.engine.claims.get(visit.header(b"user-agent"))
    host = next((value for key, value in visit.headers if key == b"host"), b"")
    live.learn_reader(live.cache_for(host), str(scope["path"]))


class AppAnswer:
    """The app's own answer, with the reservation headers; recorded first where a record is due."""

    def __init__(
        self,
        middleware: VorbehaltMiddleware,
        live: Live,
        verdict: Verdict,
        section: SectionHeaders,
        recording: Recording | None,
    ) -> None:
        self.middleware = middleware
        self.live = live
        self.verdict = verdict
        self.section = section
        self.recording = recording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        live, section, recording = self.live, self.section, self.recording

        async def send_with_terms(message: Message) -> None:
            if recording is not None:
                await recording.before_first_byte()
            try:
                if message["type"] in (
                    "http.response.start",
                    "websocket.accept",
                    "websocket.http.response.start",
                ):
                    message = {**message, "headers": apply(message.get("headers") or (), section)}
                if recording is not None:
                    recording.saw(message)
            except Exception:
                live.count_internal_error()
            await send(message)

        try:
            await self.middleware.app({**scope, "vorbehalt": self.verdict}, receive, send_with_terms)
        finally:
            if recording is not None:
                recording.finish()


class RefusalAnswer:
    """403 or 429, sent only after its record is durable. Never calls receive."""

    def __init__(
        self,
        middleware: VorbehaltMiddleware,
        runtime: Runtime,
        live: Live,
        visit: Visit,
        verdict: Verdict,
        section: SectionHeaders,
        *,
        auth_limit_status: int = 403,
    ) -> None:
        self.reference = respond.new_reference()
        status = respond.refusal_status(verdict)
        terms = live.engine.plan(visit.host).settings.terms
        self.messages = respond.refusal_messages(
            visit, verdict, self.reference, terms, section.headers, auth_limit_status=auth_limit_status
        )
        self.recording = open_record(
            runtime, live, visit, verdict, section, ref=self.reference, status=status
        )
        self.visit = visit
        middleware.observe(visit, verdict, self.reference)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.recording is not None:
            await self.recording.before_first_byte()
        if self.visit.is_websocket and "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": "reserved"})
            return
        prefix = "websocket." if self.visit.is_websocket else ""
        for message in self.messages:
            await send({**message, "type": prefix + message["type"]} if prefix else message)


class SignalAnswer:
    """A signal document: served to everybody, before any judgement; a claimed crawler's fetch is recorded."""

    def __init__(
        self, middleware: VorbehaltMiddleware, runtime: Runtime, live: Live, visit: Visit, path: str
    ) -> None:
        self.middleware = middleware
        self.runtime = runtime
        self.live = live
        self.visit = visit
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan = self.live.engine.plan(self.visit.host)
        is_robots = self.path == plan.settings.terms.robots_path
        if is_robots and plan.settings.robots == "app":
            await site_robots.ensure(self.runtime, self.live, plan, self.middleware.app, scope)
        document = plan.bundle.documents[self.path]
        if document.for_people:
            await self._after_the_app(document, scope, receive, send)
        else:
            await self._send(document, send)
        if is_robots and plan.settings.robots == "app":
            await site_robots.refresh_if_old(self.runtime, self.live, plan, self.middleware.app, scope)

    async def _send(self, document: Document, send: Send) -> None:
        plan = self.live.engine.plan(self.visit.host)
        section = plan.headers(plan.sections.find(self.visit.path))
        messages = respond.document_messages(
            document, section.headers, self.visit.method, self.visit.header(b"if-none-match")
        )
        try:
            verdict = self.live.engine.judge(self.visit)
            recording = open_record(
                self.runtime,
                self.live,
                self.visit,
                verdict,
                section,
                status=messages[0]["status"],
                document=document,
            )
            self.live.count(verdict)
            self.middleware.observe(self.visit, verdict, "")
        except Exception:
            self.live.count_internal_error()
            recording = None
        if recording is not None:
            await recording.before_first_byte()
        for message in messages:
            await send(message)

    async def _after_the_app(self, document: Document, scope: Scope, receive: Receive, send: Send) -> None:
        """A page for people yields to the app's own page: ours is sent only in place of a 404."""
        missing = False
        plan = self.live.engine.plan(self.visit.host)
        section = plan.headers(plan.sections.find(self.visit.path))

        async def send_unless_missing(message: Message) -> None:
            nonlocal missing
            if message["type"] == "http.response.start":
                missing = message["status"] == 404
                if not missing:
                    message = {**message, "headers": apply(message.get("headers") or (), section)}
            if not missing:
                await send(message)

        verdict = self.live.engine.judge(self.visit)
        await self.middleware.app({**scope, "vorbehalt": verdict}, receive, send_unless_missing)
        if missing:
            await self._send(document, send)


class HealthAnswer:
    """`/.vorbehalt/health`: 200 while requests are answered, with the state and the reasons in words."""

    def __init__(self, runtime: Runtime) -> None:
        self.body = json.dumps(runtime.health()).encode() + b"\n"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self.body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


def _decide_auth(middleware: VorbehaltMiddleware, runtime: Runtime, live: Live, asked: Visit) -> Answer:
    """Answer a proxy's question about somebody else's request; believed only from a trusted peer."""
    visit = forwarded_visit(asked, live.addresses)
    plan = live.engine.plan(visit.host)
    verdict = live.engine.judge(visit)
    live.count(verdict)
    section = plan.headers(verdict.section)
    if verdict.is_refusal:
        return RefusalAnswer(
            middleware, runtime, live, visit, verdict, section, auth_limit_status=limit_status(asked)
        )
    recording = open_record(runtime, live, visit, verdict, section)
    if verdict.identity is not None:
        middleware.observe(visit, verdict, "")
    return AllowedAnswer(section, recording)


class AllowedAnswer:
    """204 to a forward-auth question, with the reservation headers for the proxy to pass on."""

    def __init__(self, section: SectionHeaders, recording: Recording | None) -> None:
        self.section = section
        self.recording = recording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.recording is not None:
            await self.recording.before_first_byte()
        headers = [*self.section.headers, (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
