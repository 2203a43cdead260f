"""uvicorn as the sidecar uses it: heads of bounded size, exactly one Host, nothing said about itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from vorbehalt.edge.http_date import HttpDate
from vorbehalt.edge.server_protocol import CappedProtocol, Questions, WebSocketProtocol

App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS = 10
_MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def server_for(app: App, questions: Questions | None = None) -> uvicorn.Server:
    """Return a server as the sidecar needs it, not yet running; `questions` may answer for the app."""

    class Protocol(CappedProtocol):
        pass

    if questions is not None:
        Protocol.questions = staticmethod(questions)
    config = uvicorn.Config(
        front(app),
        interface="asgi3",
        http=Protocol,
        ws=WebSocketProtocol,
        ws_max_size=_MAX_MESSAGE_BYTES,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def front(app: App) -> App:
    """Refuse requests without exactly one Host (RFC 9112 section 3.2), add Date where the answer has none."""
    clock = HttpDate()

    async def checked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        def dated(message: Any) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers") or ())
                if not any(name == b"date" for name, _ in headers):
                    headers.append((b"date", clock.now()))
                    message = {**message, "headers": headers}
            return send(message)  # type: ignore[no-any-return]

        if sum(name == b"host" for name, _ in scope["headers"]) == 1:
            await app(scope, receive, dated)
            return
        body = b"A request names exactly one Host.\n"
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        await dated({"type": "http.response.start", "status": 400, "headers": headers})
        await dated({"type": "http.response.body", "body": body})

    return checked
