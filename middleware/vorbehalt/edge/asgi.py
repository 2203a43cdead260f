"""The ASGI middleware: where a request comes in, and the only thing a site has to add.

The way of a request is `__call__` (ordinary visitors) or `_enter` (everybody else), then one of the answers in
`answers.py`. Fail-open wraps our own code only: the app is called at most once, its exceptions pass unchanged.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import os
import sys
import weakref
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from vorbehalt.edge import answers, refusals
from vorbehalt.edge.live import HostCache, Live, Reader
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.visits import visit_of
from vorbehalt.errors import VorbehaltError
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.headers import apply
from vorbehalt.settings import Settings

Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Observer = Callable[[Visit, Verdict, str], None]

log = logging.getLogger("vorbehalt")

_UNKNOWN: Any = object()


class VorbehaltMiddleware:
    """Protects an ASGI application: `app = VorbehaltMiddleware(app, config="vorbehalt.toml")`.

    `config` is a path, a mapping of the same keys, or Settings. Wrapped directly, a wrong configuration raises
    ConfigError and an unusable evidence directory EvidenceError. Built inside an ASGI call (Starlette's
    `add_middleware`), both are answered as `lifespan.startup.failed`; where no lifespan comes, requests pass
    through, which is said once as CRITICAL and counted. `VORBEHALT_ENABLED=0` switches the middleware off.

    `observer(visit, verdict, reference)` is called for every visit that is judged one by one (crawlers, refusals).
    """

    def __init__(
        self,
        app: App,
        config: str | Path | Mapping[str, object] | Settings = "vorbehalt.toml",
        *,
        observer: Observer | None = None,
        forward_auth: bool = False,
    ) -> None:
        self.app = app
        self.runtime: Runtime | None = None
        self._live: Live | None = None
        self._failure: Exception | None = None
        self._told = False
        self._observer = observer
        self._forward_auth = forward_auth
        if os.environ.get("VORBEHALT_ENABLED", "1").strip().lower() in ("0", "false", "no", "off"):
            log.warning("switched off by VORBEHALT_ENABLED: nothing is reserved, judged or recorded")
            return
        try:
            self.runtime = Runtime(config)
        except VorbehaltError as error:
            if not _inside_asgi_call():
                raise
            self._failure = error
            return
        self.runtime.on_change = weakref.WeakMethod(self._swap)
        _flush_at_exit(self.runtime)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        live = self._live
        if live is None or scope["type"] != "http" or "vorbehalt" in scope:
            await self._enter(scope, receive, send)
            return
        # The way of nearly all traffic: a known User-Agent that claims nothing, on a known path.
        started = perf_counter()
        reader: Reader | None = None
        refusing: refusals.Refusing | None = None
        try:
            pairs = scope["headers"]
            headers = dict(pairs)
            cache = live.default if live.by_host is None else live.cache_for(headers.get(b"host", b""))
            known = cache.paths.get(scope["path"])
            if known is not None and len(headers) == len(pairs) and not scope.get("root_path"):
                user_agent = headers.get(b"user-agent", b"")
                claim = live.known.get(user_agent, _UNKNOWN)
                if claim is None:
                    cells = live.counters.cells
                    for cell in known.cells:
                        cells[cell] += 1
                    if b"referer" in headers:
                        live.count_referral(headers[b"referer"])
                    scope = {**scope, "vorbehalt": known.verdict}
                    section = known.section
                    live.count_seconds(perf_counter() - started)
                    reader = known
                elif claim is not _UNKNOWN and self._observer is None:
                    refusing = self._refuse_again(live, cache, known.section.name, user_agent, scope, headers)
        except Exception:
            live.count_internal_error()
            reader = refusing = None
        if refusing is not None:
            live.count_seconds(perf_counter() - started)
            await refusals.send_refusal(self.runtime, live, refusing, send)  # type: ignore[arg-type]
            return
        if reader is None:
            await self._enter(scope, receive, send)
            return

        def send_with_terms(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                try:
                    message = {**message, "headers": apply(message.get("headers", ()), section)}
                except Exception:
                    live.count_internal_error()
            return send(message)

        await self.app(scope, receive, send_with_terms)

    def _refuse_again(
        self,
        live: Live,
        cache: HostCache,
        section: str,
        user_agent: bytes,
        scope: Scope,
        headers: dict[bytes, bytes],
    ) -> refusals.Refusing | None:
        key = refusals.key_of(user_agent, scope["client"], headers, section)
        known = None if key is None else cache.refusals.get(key)
        if known is None or self.runtime is None:
            return None
        cells = live.counters.cells
        for cell in known.cells:
            cells[cell] += 1
        return refusals.prepare(self.runtime, live, known, scope, headers)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if kind not in ("http", "websocket") or "vorbehalt" in scope:
            await self.app(scope, receive, send)
            return
        runtime = self.runtime
        if runtime is None:
            self._tell_failure()
            await self.app(scope, receive, send)
            return
        if not runtime.started:
            self._begin(runtime)
        answer: answers.Answer | None = None
        live = runtime.live
        started = perf_counter()
        try:
            answer = answers.decide(self, runtime, live, visit_of(scope, live.addresses), scope)
            live.count_seconds(perf_counter() - started)
        except Exception:
            live.count_internal_error()
            log.exception("a request passes unjudged")
        if answer is None:
            await self.app(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def observe(self, visit: Visit, verdict: Verdict, reference: str) -> None:
        """Tell the observer; its failures are its own."""
        if self._observer is not None:
            self._observer(visit, verdict, reference)

    @property
    def answers_forward_auth(self) -> bool:
        return self._forward_auth

    def close(self) -> None:
        """Flush and seal the evidence and stop the threads; idempotent. A later request starts again."""
        self._live = None
        if self.runtime is not None:
            self.runtime.stop()

    def _begin(self, runtime: Runtime) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise VorbehaltError(
                "Vorbehalt runs on asyncio only; this server runs another event loop"
            ) from None
        runtime.start()
        self._swap(runtime.live)

    def _swap(self, live: Live | None) -> None:
        self._live = live

    def _tell_failure(self) -> None:
        if self._failure is not None and not self._told:
            self._told = True
            log.critical(
                "NOT PROTECTED: the configuration is wrong and requests pass through:\n%s", self._failure
            )

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: BaseException | None = self._failure
        if failure is None and self.runtime is not None:
            try:
                self._begin(self.runtime)
            except VorbehaltError as error:
                failure = error
        if failure is not None:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.failed", "message": f"Vorbehalt: {failure}"})
            if type(getattr(receive, "__self__", None)).__module__.startswith("anyio."):
                # Starlette's TestClient takes a failed startup for a good one, and waits forever at its end,
                # unless the application raises. Servers know the answer and need no traceback.
                raise failure
            return

        async def send_and_close(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await asyncio.to_thread(self.close)
            await send(message)

        await self.app(scope, receive, send_and_close)


def _inside_asgi_call() -> bool:
    """True if we are being built while an ASGI application is handling a scope (add_middleware is lazy).

    Raising there would be taken for "lifespan not supported" by servers, and every request would fail.
    """
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_flags & inspect.CO_COROUTINE and {"scope", "receive", "send"} <= set(
            code.co_varnames[: code.co_argcount]
        ):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _flush_at_exit(runtime: Runtime) -> None:
    reference = weakref.ref(runtime)

    def flush() -> None:
        if (alive := reference()) is not None:
            alive.stop()

    atexit.register(flush)
