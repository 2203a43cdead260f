"""What the demo sees of its own site: every request from outside, and the verdict from within."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict

_KEPT = 65_536

Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class Seen:
    """One request as it was answered. `status` is 0 while no answer has begun.

    `headers` are those of the answer; `body` is kept (to 64 KiB) of refusals and of robots.txt only.
    """

    user_agent: str
    path: str
    status: int = 0
    action: str = "allow"
    reason: str = ""
    token: str = ""
    reference: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


_current: ContextVar[Seen | None] = ContextVar("vorbehalt_demo_request", default=None)


class Watch:
    """Three places to look from: `outside` the middleware, `inside` it, and its own `observe`."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        self._lock = threading.Lock()

    def take(self) -> list[Seen]:
        """Return what was answered since the last call."""
        with self._lock:
            seen, self._seen = self._seen, []
        return seen

    def outside(self, app: App) -> App:
        """Wrap the protected site: what came, and with which status it was answered."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            agent = b", ".join(value for key, value in scope["headers"] if key == b"user-agent")
            seen = Seen(agent.decode("latin-1"), scope["path"])

            async def send_seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    seen.status = message["status"]
                    seen.headers = {
                        bytes(key).decode("latin-1").lower(): bytes(value).decode("latin-1")
                        for key, value in message.get("headers", ())
                    }
                    with self._lock:
                        self._seen.append(seen)
                elif seen.status >= 400 or seen.path == "/robots.txt":
                    seen.body = (seen.body + message.get("body", b""))[:_KEPT]
                await send(message)

            token = _current.set(seen)
            try:
                await app(scope, receive, send_seen)
            finally:
                _current.reset(token)

        return watched

    def inside(self, app: App) -> App:
        """Wrap the site itself: the verdict that the middleware left in the scope."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            verdict = scope.get("vorbehalt")
            if isinstance(verdict, Verdict):
                _note(verdict, "")
            await app(scope, receive, send)

        return watched

    def observe(self, visit: Visit, verdict: Verdict, reference: str) -> None:
        """Take down a verdict (the observer): refusals and signal documents never reach the site."""
        _note(verdict, reference)


def _note(verdict: Verdict, reference: str) -> None:
    seen = _current.get()
    if seen is None:
        return
    seen.action = verdict.action.value
    seen.reason = verdict.reasons[0] if verdict.reasons else verdict.rule
    seen.token = verdict.identity.token if verdict.identity else ""
    seen.reference = reference or seen.reference
