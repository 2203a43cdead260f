"""The ways to answer: the app with its terms, a refusal, health, a word to a proxy. `deciding` chooses.

An answer awaits the app at most once and lets every exception of the app or the server pass unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from vorbehalt.edge import respond
from vorbehalt.edge.live import AnswerSize, Live
from vorbehalt.edge.log_lines import tell_refusal
from vorbehalt.edge.recording import Recording, open_record
from vorbehalt.edge.refusal_pages import Page, bare_refusal_messages, page_messages
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.transfer import Transfer
from vorbehalt.facts import Headers, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import SectionHeaders, apply

if TYPE_CHECKING:
    from vorbehalt.edge.asgi import VorbehaltMiddleware

Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_NOTHING = b"This link is not meant for people, and robots.txt asks programs not to follow it.\n"
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class Answer(Protocol):
    """One way to answer a request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class AppAnswer:
    """The app's own answer, with the reservation headers; recorded first where a record is due."""

    def __init__(
        self,
        middleware: VorbehaltMiddleware,
        live: Live,
        visit: Visit,
        verdict: Verdict,
        section: SectionHeaders,
        recording: Recording | None,
        size: AnswerSize,
    ) -> None:
        self.middleware = middleware
        self.live = live
        self.visit = visit
        self.verdict = verdict
        self.section = section
        self.recording = recording
        self.size = size
        self.is_get = visit.method == "GET" and not visit.is_websocket
        self.transfer = Transfer(visit.method)
        self.carried = ""
        """SHA-256 hex of the reservation headers that the answer carried; empty: none."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.middleware.app(
                {**scope, "vorbehalt": self.verdict}, self.receiving(receive), self.sending(send)
            )
        finally:
            self.finish()

    def sending(self, send: Send) -> Send:
        """Return the `send` for the app: it waits for the record, adds the terms and counts."""
        live, section, recording, transfer = self.live, self.section, self.recording, self.transfer
        conduct = live.engine.conduct if self.verdict.identity is None else None

        async def send_with_terms(message: Message) -> None:
            size = 0
            if recording is not None:
                await recording.before_first_byte()
            try:
                if message["type"] in _STARTS:
                    headers = message.get("headers") or ()
                    carried = section.for_answer(headers)
                    message = {**message, "headers": apply(headers, carried, live.name_conflict)}
                    self.carried = carried.digest
                    if conduct is not None and "status" in message:
                        sets_cookie = b"set-cookie" in [name.lower() for name, _ in headers]
                        conduct.answered(self.visit, int(message["status"]), sets_cookie)
                size = transfer.size_of(message)
            except Exception:
                live.count_internal_error()
            await send(message)
            try:
                transfer.sent(message, size)
            except Exception:
                live.count_internal_error()

        return send_with_terms

    def receiving(self, receive: Receive) -> Receive:
        """Return the `receive` for the app: it notes a client that leaves."""
        live, transfer = self.live, self.transfer

        async def receive_and_note() -> Message:
            message = await receive()
            try:
                transfer.received(message)
            except Exception:
                live.count_internal_error()
            return message

        return receive_and_note

    def finish(self) -> None:
        """Record what was handed over; called once, when the app has returned or failed. Never raises."""
        if self.recording is not None:
            self.recording.finish(self.transfer, self.carried)
        if self.is_get and self.transfer.status == 200 and self.transfer.is_whole:
            self.size.learn(self.transfer.bytes)


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
        plan = live.engine.plan(visit.host)
        terms = plan.settings.terms
        self.messages: respond.Messages = respond.refusal_messages(
            visit, verdict, self.reference, terms, section.headers, auth_limit_status=auth_limit_status
        )
        self.visit = visit
        if visit.method == "GET" and not visit.is_websocket:
            live.count_refused(live.sizes.of(plan, section.name))
        # Last: once it is recorded, nothing may go wrong any more and let the request pass after all.
        self.recording = open_record(
            runtime, live, visit, verdict, section, ref=self.reference, status=status
        )
        if live.logs_refusals:
            try:
                tell_refusal(self.reference, verdict, plan.settings.key)
            except Exception:  # a handler that raises is the application's, and no reason to let pass
                live.count_internal_error()
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


class HealthAnswer:
    """`/.vorbehalt/health`: 200 while requests are answered, with the state and the reasons in words."""

    def __init__(self, runtime: Runtime, section: SectionHeaders) -> None:
        self.body = json.dumps(runtime.health()).encode() + b"\n"
        self.section = section

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self.body)).encode()),
            (b"cache-control", b"no-store"),
            *self.section.headers,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = b"" if scope.get("method") == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


class PageAnswer:
    """The page of a refusal that a proxy was told of; without it, the status that the proxy was told."""

    def __init__(self, page: Page | None, section: SectionHeaders, target: bytes) -> None:
        limits = target.endswith(b"?status=429")
        self.messages = (
            page_messages(page) if page else bare_refusal_messages(429 if limits else 403, section.headers)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for message in self.messages:
            await send(message)


class AllowedAnswer:
    """204 (or 200) to a forward-auth question, with the reservation headers for the proxy to pass on."""

    def __init__(self, reservation: Headers, recording: Recording | None, status: int = 204) -> None:
        self.reservation = reservation
        self.recording = recording
        self.status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.recording is not None:
            await self.recording.before_first_byte()
        headers = [*self.reservation, (b"cache-control", b"no-store")]
        if self.recording is not None:
            # By it the proxy's log is joined to the record.
            headers.append((b"x-vorbehalt-reference", self.recording.reference.encode()))
        if self.status == 200:
            headers.append((b"content-length", b"0"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class TrapAnswer:
    """What stands behind a trap link: 404 and one sentence, never kept by a cache."""

    def __init__(self, reservation: Headers, recording: Recording | None) -> None:
        self.reservation = reservation
        self.recording = recording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.recording is not None:
            await self.recording.before_first_byte()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(_NOTHING)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-robots-tag", b"noindex, nofollow"),
            *self.reservation,
        ]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        body = b"" if scope.get("method") == "HEAD" else _NOTHING
        await send({"type": "http.response.body", "body": body})
