"""A real websocket server behind the reverse proxy, and real clients before it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from proxy_support import SECONDS, serving
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy

UPGRADE = (
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


class Socket:
    """A websocket server; keeps handshakes, and how each connection ended (code, reason)."""

    def __init__(self, handler: Callable[[ServerConnection], None], **options: Any) -> None:
        self.requests: list[Request] = []
        self.ends: list[tuple[int | None, str | None]] = []
        self.ended = threading.Event()
        self._handler = handler
        self._server = serve(self._handle, "127.0.0.1", 0, max_size=None, **options)
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        try:
            with contextlib.suppress(ConnectionClosed):
                self._handler(connection)
                connection.close()
        finally:
            self.ends.append((connection.close_code, connection.close_reason))
            self.ended.set()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(SECONDS)


@contextlib.contextmanager
def between(handler: Callable[[ServerConnection], None], **options: Any) -> Iterator[tuple[int, Socket]]:
    upstream = Socket(handler, **options)
    try:
        with serving(ReverseProxy(upstream.url)) as port:
            yield port, upstream
    finally:
        upstream.close()


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def open_at(port: int, path: str = "/live?x=1%20", **options: Any) -> ClientConnection:
    options = {"max_size": None, "open_timeout": SECONDS, "proxy": None, **options}
    client: ClientConnection = connect(f"ws://127.0.0.1:{port}{path}", **options)
    return client


def opened_at(port: int, **options: Any) -> ClientConnection:
    """For tests that end the connection themselves."""
    return open_at(port, **options).__enter__()
