"""Where the site is: the address of an upstream and the connections to it that wait for the next request.

An event loop has its own connections. Nothing limits how many are open: there are as many as the clients have
requests under way, as without a proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from vorbehalt.edge.reverse_proxy.buffers import Buffers
from vorbehalt.edge.reverse_proxy.connection import Connection
from vorbehalt.errors import VorbehaltError

_IDLE_SECONDS = 4.0
"""Below what servers keep idle connections for (uvicorn and Node.js: 5)."""
_IDLE_SECONDS_UNSAFE = 1.0
"""For requests that must not be sent twice: a server closing at that moment is much less likely."""
_MOST_IDLE = 128
_KEEP_ALIVE_SECONDS = 60

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Place:
    """`http://host:port`, `https://host` or `unix:/path`; certificates of https are verified.

    Raises VorbehaltError for anything else.
    """

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self.text = upstream
        self._path = upstream.removeprefix("unix:") if upstream.startswith("unix:") else None
        self._host, self._port, self._tls = "", 0, None
        if self._path is None:
            secure, self._host, self._port = _origin(upstream)
            if secure:
                self._tls = tls or ssl.create_default_context()
                self._tls.set_alpn_protocols(["http/1.1"])
        elif not self._path.startswith("/"):
            raise VorbehaltError(f"upstream {upstream!r} is not of the form http://HOST:PORT or unix:/PATH")

    async def connect(self, make: Callable[[], P], seconds: float) -> P:
        """Open a connection. Raises TimeoutError, or OSError (a certificate that does not hold included)."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            if self._path is not None:
                return (await loop.create_unix_connection(make, self._path))[1]
            transport, protocol = await loop.create_connection(
                make,
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        _keep_alive(transport.get_extra_info("socket"))
        return protocol


class Pool:
    """The connections of one event loop to one place."""

    def __init__(self, place: Place, connect_seconds: float) -> None:
        self._place = place
        self._connect_seconds = connect_seconds
        self._idle: deque[Connection] = deque()
        self._buffers = Buffers()
        self._loop = asyncio.get_running_loop()

    async def take(self, *, fresh: bool, safe: bool) -> Connection:
        """Return a connection that waits, the latest first, else a new one.

        `safe`: the request may be sent again. Raises TimeoutError or OSError if nobody is there.
        """
        if self._idle and not fresh:
            oldest = self._loop.time() - (_IDLE_SECONDS if safe else _IDLE_SECONDS_UNSAFE)
            while self._idle and self._idle[-1].idle_since >= oldest:
                connection = self._idle.pop()
                if connection.is_open:
                    return connection
        return await self._place.connect(lambda: Connection(self._buffers), self._connect_seconds)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request if it can bear one, else close it."""
        if not connection.is_reusable:
            connection.close()
            return
        now = connection.idle_since = self._loop.time()
        self._idle.append(connection)
        while len(self._idle) > _MOST_IDLE or self._idle[0].idle_since < now - _IDLE_SECONDS:
            self._idle.popleft().close()

    def close(self) -> None:
        """Close what waits; idempotent."""
        while self._idle:
            self._idle.pop().close()


def _keep_alive(sock: socket.socket | None) -> None:
    """A peer that has vanished is noticed in minutes, however long a stream may be silent."""
    if sock is None:
        return
    with contextlib.suppress(OSError):  # not every platform knows all of them
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_SECONDS)


def _origin(upstream: str) -> tuple[bool, str, int]:
    """Return whether TLS is spoken, host and port."""
    try:
        parts = urlsplit(upstream)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise VorbehaltError(f"upstream {upstream!r} is not of the form http://HOST:PORT or unix:/PATH")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise VorbehaltError(f"upstream {upstream!r} must be scheme, host and port only")
    secure = parts.scheme == "https"
    return secure, parts.hostname, port or (443 if secure else 80)
