"""uvicorn as the sidecar uses it: heads of bounded size, exactly one Host, nothing said about itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

MAX_HEAD_BYTES = 64 * 1024
_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS = 10


def server_for(app: App) -> uvicorn.Server:
    """Return a server with the settings of the sidecar, not yet running."""
    config = uvicorn.Config(
        front(app),
        interface="asgi3",
        http=CappedProtocol,
        ws="none",
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

        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers") or ())
                if not any(name == b"date" for name, _ in headers):
                    headers.append((b"date", clock.now()))
                    message = {**message, "headers": headers}
            await send(message)

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


class _HeadTooLarge(Exception):
    """Raised inside the parser's callbacks to stop it."""


class CappedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to request line and headers: beyond 64 KiB the answer is 431."""

    _head_bytes = 0
    _waiting_bytes = 0
    _in_head = False
    _too_large = False

    def on_message_begin(self) -> None:
        self._head_bytes = self._waiting_bytes = 0
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            # A header that never ends reaches no callback.
            self._waiting_bytes += len(data)
            if self._waiting_bytes > MAX_HEAD_BYTES:
                self._too_large = True
                self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        if not self._too_large:
            super().send_400_response(msg)
            return
        body = b"Request line and headers are larger than 64 KiB.\n"
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._too_large = True
            raise _HeadTooLarge
