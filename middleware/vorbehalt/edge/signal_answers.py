"""Signal documents: served to everybody, before any judgement; pages for people yield to the app's own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from vorbehalt.edge import respond, site_robots, site_survey
from vorbehalt.edge.answers import AppAnswer, Message, Receive, Scope, Send
from vorbehalt.edge.live import Live
from vorbehalt.edge.negotiate import chosen_variant
from vorbehalt.edge.recording import Recording, open_record
from vorbehalt.edge.runtime import Runtime
from vorbehalt.engine import HostPlan
from vorbehalt.facts import Visit

if TYPE_CHECKING:
    from vorbehalt.edge.asgi import VorbehaltMiddleware

log = logging.getLogger("vorbehalt")


class SignalAnswer:
    """A signal document: never limited, never by User-Agent; a claimed crawler's fetch is recorded."""

    def __init__(
        self,
        middleware: VorbehaltMiddleware,
        runtime: Runtime,
        live: Live,
        plan: HostPlan,
        visit: Visit,
        path: str,
    ) -> None:
        self.middleware = middleware
        self.runtime = runtime
        self.live = live
        self.plan = plan
        self.visit = visit
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self.plan.settings
        asks_app = self.path == settings.terms.robots_path and settings.robots == "app"
        if asks_app:
            await site_robots.ensure(self.runtime, self.live, self.plan, self.middleware.app, scope)
        if self.plan.bundle.documents[self.path].for_people:
            await self._after_the_app(scope, receive, send)
            return
        ready = await self._ready()
        if ready is None:
            await self.middleware.app(scope, receive, send)
            return
        for message in ready:
            await send(message)
        if asks_app:
            await site_robots.refresh_if_old(self.runtime, self.live, self.plan, self.middleware.app, scope)
        if self.path == settings.terms.robots_path:
            await site_survey.look_once(self.runtime, self.plan, self.middleware.app, scope)

    async def _ready(self) -> respond.Messages | None:
        """Return the document as messages, its record durable; None where a fault of ours prevents it."""
        plan, visit = self.plan, self.visit
        try:
            document = chosen_variant(plan.bundle.documents[self.path], visit)
            section = plan.headers(visit.path, plan.sections.find(visit.path))
            messages = respond.document_messages(document, (), visit.method, visit.header(b"if-none-match"))
            section = section.for_answer(messages[0]["headers"])
            messages[0]["headers"] += section.headers
        except Exception:
            self.live.count_internal_error()
            log.exception("a signal document cannot be served")
            return None
        recording: Recording | None = None
        waits = False
        try:
            verdict = self.live.engine.judge(visit)
            status = messages[0]["status"]
            waits = self.runtime.telling.note(plan, visit, verdict, document, status)
            recording = open_record(
                self.runtime, self.live, visit, verdict, section, status=status, document=document
            )
            self.live.count(verdict)
            self.middleware.observe(visit, verdict, "")
        except Exception:
            self.live.count_internal_error()
        if recording is not None:
            await recording.before_first_byte()
        if waits:
            await self._written()
        return messages

    async def _written(self) -> None:
        """What this crawler was told is known to all workers, and after a crash, before it is told."""
        try:
            evidence = self.live.engine.settings.evidence
            await self.runtime.telling.written(evidence.reply_deadline_seconds)
        except Exception:
            self.live.count_internal_error()
            log.exception("who was told what is not kept")

    async def _after_the_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page for people yields to the app's own page: ours is sent only in place of its 4xx."""
        held: list[Message] = []
        ours: respond.Messages | None = None
        relay: Send | None = None
        page = self._app_page()
        if page is None:
            await self.middleware.app(scope, receive, send)
            return

        async def send_own_or_nothing(message: Message) -> None:
            nonlocal ours, relay
            if relay is None and ours is None:
                held.append(message)
                if message["type"] != "http.response.start":
                    return
                if 400 <= message["status"] < 500:
                    ours = await self._ready()
                if ours is None:
                    self._open(page)
                    relay = page.sending(send)
                    for early in held:
                        await relay(early)
            elif relay is not None:
                await relay(message)

        inner = {**scope, "vorbehalt": page.verdict}
        try:
            await self.middleware.app(inner, page.receiving(receive), send_own_or_nothing)
        finally:
            page.finish()
        for message in ours or ():
            await send(message)

    def _app_page(self) -> AppAnswer | None:
        """Return the answer that the app's own page will be, not yet recorded; None after a fault of ours."""
        try:
            verdict = self.live.engine.judge(self.visit)
            section = self.plan.headers(self.visit.path, verdict.section)
            size = self.live.sizes.of(self.plan, section.name)
            return AppAnswer(self.middleware, self.live, self.visit, verdict, section, None, size)
        except Exception:
            self.live.count_unjudged()
            log.exception("a request passes unjudged")
            return None

    def _open(self, page: AppAnswer) -> None:
        """The app has a page of its own: it is recorded and counted as any other."""
        try:
            page.recording = open_record(self.runtime, self.live, self.visit, page.verdict, page.section)
            self.live.count(page.verdict)
            self.middleware.observe(self.visit, page.verdict, "")
        except Exception:
            self.live.count_internal_error()
