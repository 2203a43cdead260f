"""The ASGI middleware: where a request comes in, and the only thing a site has to add.

The way of a request is `__call__` (ordinary visitors) or `_enter` (everybody else), then one of the answers
that `deciding.py` chooses. Fail-open wraps our own code only: the app is called at most once, its exceptions
pass unchanged.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from time import perf_counter_ns
from types import MethodType
from typing import Any

from vorbehalt.edge import forward_auth_again, refusals
from vorbehalt.edge.answers import AllowedAnswer, Answer
from vorbehalt.edge.deciding import Looked, answer_calm, decide, is_auth_path, look
from vorbehalt.edge.forward_auth import AUTH_PREFIX
from vorbehalt.edge.lifespan import closing, say_failed
from vorbehalt.edge.live import Live, Reader
from vorbehalt.edge.recording import wait_for
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.strict import Asking
from vorbehalt.edge.surroundings import flush_at_exit, inside_asgi_call, refuse_other_loops
from vorbehalt.edge.unprotected import Unprotected
from vorbehalt.edge.visits import path_of, visit_of
from vorbehalt.edge.works_watch import WorksCallback
from vorbehalt.errors import VorbehaltError
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.settings import Settings

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Observer = Callable[[Visit, Verdict, str], None]

log = logging.getLogger("vorbehalt")

_UNKNOWN: Any = object()


class VorbehaltMiddleware:
    """Protects an ASGI application: `app = VorbehaltMiddleware(app, config="vorbehalt.toml")`.

    `config` is a path, a mapping of the same keys, or Settings. Wrapped directly, a wrong configuration
    raises ConfigError and an unusable evidence directory EvidenceError. Built inside an ASGI call
    (Starlette's `add_middleware`), both are answered as `lifespan.startup.failed`; where no lifespan comes,
    requests pass through, which is said once as CRITICAL and counted. `VORBEHALT_ENABLED=0` switches the
    middleware off.

    `observer(visit, verdict, reference)` is called for every visit of a crawler, every refusal and every
    signal document.

    `works(visit)` names the works that a visit asked for, as `"isrc:..."`, several of them, or None where it
    knows none; then the catalogue is asked. It is called for visits that leave a record, also in another
    thread, and has to answer from memory. Whatever it raises is counted, and the catalogue is asked.
    """

    def __init__(
        self,
        app: App,
        config: str | Path | Mapping[str, object] | Settings = "vorbehalt.toml",
        *,
        observer: Observer | None = None,
        forward_auth: bool = False,
        works: WorksCallback | None = None,
    ) -> None:
        self.app = app
        self.runtime: Runtime | None = None
        self._live: Live | None = None
        self._failure: VorbehaltError | None = None
        self._unprotected: Unprotected | None = None
        self._told = False
        self.observer = observer
        self._forward_auth = forward_auth
        if os.environ.get("VORBEHALT_ENABLED", "1").strip().lower() in ("0", "false", "no", "off"):
            log.warning("switched off by VORBEHALT_ENABLED: nothing is reserved, judged or recorded")
            return
        try:
            self.runtime = Runtime(config, works)
        except VorbehaltError as error:
            if not inside_asgi_call():
                raise
            self._failure = error
            self._unprotected = Unprotected(error)
            return
        self.runtime.on_change = weakref.WeakMethod(self._swap)
        flush_at_exit(self.runtime)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        live = self._live
        if live is None or scope["type"] != "http" or "vorbehalt" in scope:
            await self._enter(scope, receive, send)
            return
        # The way of nearly all traffic: a known User-Agent that claims nothing, on a known path.
        started = perf_counter_ns()
        reader: Reader | None = None
        refusing: refusals.Refusing | None = None
        looked: Looked | None = None
        try:
            pairs = scope["headers"]
            if type(pairs) is list:
                headers = dict(pairs)
                cache = live.default if live.by_host is None else live.cache_for(headers.get(b"host", b""))
                known = cache.paths.get(scope["path"])
                if (
                    known is not None
                    and len(headers) == len(pairs)
                    and not scope.get("root_path")
                    and b"signature-input" not in headers
                ):
                    # None (no User-Agent, or names in upper case) is never known: that takes the long way.
                    claim = live.known.get(headers.get(b"user-agent"), _UNKNOWN)  # type: ignore[arg-type]
                    if claim is None:
                        glance = live.glance
                        if (
                            glance is None
                            or glance.passes(
                                scope.get("client"),
                                headers,
                                known,
                                scope["method"],
                                scope.get("query_string"),
                            )
                            or (looked := look(live, glance, cache.plan, known, scope, headers)) is None
                        ):
                            # What comes from the site itself was sent by nobody else.
                            referer = headers.get(b"referer")
                            if referer is not None and headers.get(b"sec-fetch-site") != b"same-origin":
                                live.count_referral(referer)
                            inner = scope.copy()
                            inner["vorbehalt"] = known.verdict
                            cells = live.counters.cells
                            for cell in known.cells:
                                cells[cell] += 1
                            if times := next(live.times):
                                live.count_duration(perf_counter_ns() - started, times)
                            reader = known
                    elif claim is not _UNKNOWN and live.keeps_refusals and self.observer is None:
                        refusing = refusals.again(
                            self.runtime,  # type: ignore[arg-type]
                            live,
                            cache,
                            known.section.name,
                            scope,
                            headers,
                        )
                        if refusing is not None:
                            live.count_duration(perf_counter_ns() - started)
        except Exception:
            live.count_internal_error()
        if reader is None:
            if refusing is None:
                await self._enter(scope, receive, send, looked)
                return
            receipt, start, body = refusing
            if not receipt.is_durable:
                await wait_for(live, receipt)
            await send(start)
            await send(body)
            return
        await self.app(inner, receive, MethodType(reader.carry, send))

    async def _enter(self, scope: Scope, receive: Receive, send: Send, looked: Looked | None = None) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if kind not in ("http", "websocket") or "vorbehalt" in scope:
            await self.app(scope, receive, send)
            return
        runtime = self.runtime
        if runtime is None:
            if self._unprotected is not None:
                self._unprotected.count()
            await self.app(scope, receive, send)
            return
        answer: Answer | None = None
        if self._forward_auth and kind == "http" and self._live is not None:
            ready = self._asked_again(self._live, scope)
            if ready is not None:
                await send(ready.start())
                await send({"type": "http.response.body", "body": b""})
                return
        if runtime.started or self._begin(runtime):
            live = runtime.live
            started = perf_counter_ns()
            try:
                if not isinstance(scope.get("headers"), list | tuple):
                    # Read more than once, which an iterator does not bear.
                    scope = {**scope, "headers": list(scope.get("headers") or ())}
                if looked is not None and looked.is_calm:
                    answer = answer_calm(self, live, looked)
                else:
                    visit = visit_of(scope, live.addresses) if looked is None else looked.visit
                    decided = decide(self, runtime, live, visit, scope)
                    answer = await decided.ask() if isinstance(decided, Asking) else decided
                live.count_duration(perf_counter_ns() - started)
            except Exception:
                live.count_unjudged()
                log.exception("a request passes unjudged")
                answer = self._pass_auth(scope)
        if answer is None:
            await self.app(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def _asked_again(self, live: Live, scope: Scope) -> forward_auth_again.ReadyAnswer | None:
        """The answer to a proxy's question that was answered before."""
        started = perf_counter_ns()
        try:
            ready = forward_auth_again.again(live, scope)
            if ready is not None:
                live.count_duration(perf_counter_ns() - started)
            return ready
        except Exception:
            live.count_internal_error()
            return None

    def _pass_auth(self, scope: Scope) -> Answer | None:
        """A proxy that asks has nothing but our answer: in doubt its visitor passes, too."""
        if self._forward_auth and is_auth_path(path_of(scope)):
            return AllowedAnswer((), None, 200 if path_of(scope).startswith(AUTH_PREFIX) else 204)
        return None

    def observe(self, visit: Visit, verdict: Verdict, reference: str) -> None:
        """Tell the observer; its failures are its own and change no answer."""
        if self.observer is None:
            return
        try:
            self.observer(visit, verdict, reference)
        except Exception:
            if self.runtime is not None:
                self.runtime.live.count_internal_error()
            log.exception("the observer failed")

    @property
    def live(self) -> Live | None:
        """What is in force; None before the start and after the end."""
        return self._live

    @property
    def answers_forward_auth(self) -> bool:
        return self._forward_auth

    def close(self) -> None:
        """Flush and seal the evidence and stop the threads; idempotent. A later request starts again."""
        if self.runtime is not None:
            self.runtime.stop()

    def _begin(self, runtime: Runtime) -> bool:
        """Start at a request, because no lifespan came; False if that fails, and then the request passes."""
        refuse_other_loops()
        try:
            self._start(runtime)
        except Exception:
            runtime.live.count_internal_error()
            if not self._told:
                self._told = True
                log.critical("NOT PROTECTED: the start failed and requests pass through", exc_info=True)
            return False
        try:
            runtime.listen()
        except VorbehaltError as error:
            # At a startup this is an error; here people are waiting, and a taken port is not their business.
            runtime.reasons["metrics"] = str(error)
            log.error("%s", error)
        return True

    def _start(self, runtime: Runtime) -> None:
        runtime.start()
        while runtime.started and self._live is not runtime.live:
            # Again, if there was a reload in the meantime.
            self._swap(runtime.live)

    def _swap(self, live: Live | None) -> None:
        self._live = live

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: Exception | None = self._failure
        if failure is None and self.runtime is not None:
            try:
                refuse_other_loops()
                self._start(self.runtime)
                self.runtime.listen()
            except Exception as error:  # said to the server, which ends
                failure = error
        if failure is not None:
            await say_failed(failure, receive, send)
        else:
            await self.app(scope, receive, closing(self.close, send))
