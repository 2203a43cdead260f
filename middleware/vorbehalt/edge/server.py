"""uvicorn as the sidecar uses it: heads of bounded size, exactly one Host, nothing said about itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import uvicorn

from vorbehalt.edge.server_protocol import CappedProtocol, WebSocketProtocol

App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS = 10
_MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def server_for(app: App) -> uvicorn.Server:
    """Return a server with the settings of the sidecar, not yet running."""
    config = uvicorn.Config(
        front(app),
        interface="asgi3",
        http=CappedProtocol,
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
    clock = _Date()

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


class _Date:
    """The Date field of this second (RFC 9110 section 6.6.1)."""

    def __init__(self) -> None:
        self._second = 0
        self._text = b""

    def now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode()
        return self._text
