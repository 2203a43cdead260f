"""Where metrics are read: `metrics_app` inside an application, or `[metrics] listen` on a port of its own."""

from __future__ import annotations

import asyncio
import http.server
import inspect
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, overload

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from vorbehalt.edge.exposition import MetricsSource as MetricsSource
from vorbehalt.edge.exposition import exposition as exposition
from vorbehalt.edge.exposition import register as register
from vorbehalt.edge.exposition import renew as renew
from vorbehalt.edge.exposition import sync as sync
from vorbehalt.edge.exposition import unregister as unregister
from vorbehalt.edge.listening import split_address
from vorbehalt.errors import StoreError, VorbehaltError

_lock = threading.Lock()


class MetricsApp:
    """An ASGI application with the metrics: `app.mount("/metrics", metrics_app)`, or `metrics_app()`.

    It serves whatever engine is alive in the process, so it can be mounted before there is one.
    """

    @overload
    def __call__(self) -> MetricsApp: ...
    @overload
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...
    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._answer(*arguments, **named) if arguments or named else self

    async def _answer(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        status, headers, body = await asyncio.to_thread(_respond, scope["method"])
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


if sys.version_info >= (3, 12):
    MetricsApp.__call__ = inspect.markcoroutinefunction(MetricsApp.__call__)  # type: ignore[method-assign]
else:
    # Servers tell ASGI 3 from ASGI 2 by asking whether `__call__` is a coroutine function.
    MetricsApp.__call__._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]

metrics_app = MetricsApp()


def _respond(method: str) -> tuple[int, list[tuple[str, str]], bytes]:
    if method not in ("GET", "HEAD"):
        return _plain(405, "Metrics can be read with GET and HEAD.", [("Allow", "GET, HEAD")])
    try:
        body = exposition()
    except StoreError as error:
        return _plain(503, str(error), [])
    headers = [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4), ("Content-Length", str(len(body)))]
    return 200, headers, body


def _plain(
    status: int, sentence: str, more: list[tuple[str, str]]
) -> tuple[int, list[tuple[str, str]], bytes]:
    body = sentence.encode() + b"\n"
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), *more]
    return status, headers, body


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10
    server_version = "Vorbehalt"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0].rstrip("/") != "/metrics":
            status, headers, body = _plain(404, "Metrics are at /metrics.", [])
        else:
            status, headers, body = _respond(self.command)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are no news."""


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Server6(_Server):
    address_family = socket.AF_INET6


_listening: dict[str, tuple[int, _Server]] = {}


def listen(address: str, *, shared: bool = False) -> tuple[str, int]:
    """Serve `/metrics` on ADDRESS:PORT from a thread of its own, once per process; return what was bound.

    `shared` lets the workers of one site listen together: any of them answers for all. Raises VorbehaltError
    with a sentence if the address cannot be used.
    """
    host, port = split_address(address)
    with _lock:
        known = _listening.get(address)
        if known is not None and known[0] == os.getpid():
            return _bound(known[1])
        server_class = _Server6 if ":" in host else _Server
        server = server_class((host, port), _Handler, bind_and_activate=False)
        try:
            if shared:
                server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            server.server_bind()
            server.server_activate()
        except OSError as error:
            server.server_close()
            raise VorbehaltError(f"metrics cannot listen on {address}: {error.strerror or error}") from error
        _listening[address] = (os.getpid(), server)
    threading.Thread(target=server.serve_forever, name="vorbehalt-metrics", daemon=True).start()
    return _bound(server)


def _after_fork() -> None:
    # Another thread of the parent may have held it, and will never let go of it here.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _bound(server: _Server) -> tuple[str, int]:
    host, port = server.socket.getsockname()[:2]
    return host, port
