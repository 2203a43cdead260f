"""The site behind the sidecar: a reverse proxy as an ASGI application (extra `sidecar`).

Targets, headers and bodies go through as they are: nothing is decoded, decompressed, followed or remembered.
Bodies stream both ways at the pace of the slower side.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import weakref
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_from_bytes

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.reverse_proxy.connection import Connection
from vorbehalt.edge.reverse_proxy.errors import ClientGone, UpstreamClosed, UpstreamError, UpstreamSlow
from vorbehalt.edge.reverse_proxy.exchange import Exchange
from vorbehalt.edge.reverse_proxy.headers import request_headers, response_headers
from vorbehalt.edge.reverse_proxy.page import say
from vorbehalt.edge.reverse_proxy.upstream import Place, Pool
from vorbehalt.edge.reverse_proxy.websockets import relay

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

log = logging.getLogger("vorbehalt")

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0
_SAFE = ("GET", "HEAD", "OPTIONS")
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))
_PLAIN = frozenset(range(0x21, 0x7F)) - {0x23}


class ReverseProxy:
    """Passes requests on to one upstream, `http://host:port`, `https://host` or `unix:/path`.

    `addresses` says whose X-Forwarded-Proto and -Host are believed; loopback and unix peers always are.
    `read_seconds` is how long an answer may take to begin; a stream that has begun may be silent.
    `language` is that of the page "the site does not answer" for those who name none. `tls` replaces the
    usual verification of an https upstream. Raises VorbehaltError for an upstream with a path, query or user.
    """

    def __init__(
        self,
        upstream: str,
        addresses: AddressResolver | None = None,
        *,
        connect_seconds: float = _CONNECT_SECONDS,
        read_seconds: float = _READ_SECONDS,
        language: str = "en",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.place = Place(upstream, tls)
        self.retries = 0
        """How often a request was sent again because a connection that had waited was closed meanwhile."""
        self.on_retry: Callable[[], None] | None = None
        """Called each time that happens."""
        self.on_state: Callable[[str], None] | None = None
        """Told what is wrong with the upstream, in words, and an empty text when it answers again."""
        self._problem = ""
        self._addresses = addresses or AddressResolver()
        self._local = AddressResolver(("127.0.0.0/8", "::1", "unix"))
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._language = language
        self._pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = weakref.WeakKeyDictionary()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._exchange(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def close(self) -> None:
        """Close the connections of the running event loop that wait for requests; idempotent."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            pool.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _exchange(self, scope: Any, receive: Receive, send: Send) -> None:
        method = scope["method"]
        target = _target(scope)
        headers = self._request_headers(scope)
        declared, asks_first = _body_of(headers, scope["headers"])
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode("latin-1"), target, _lines(headers))
        if not target.startswith(b"/") or not _is_clean(head, headers):
            await say(scope, send, 400, self._language)
            return
        safe = declared == 0 and method in _SAFE
        connection, exchange, error = await self._begin(head, method, declared, receive, safe)
        if error is not None or connection is None or exchange is None:
            if error is not None:
                await say(scope, send, error, self._language, close=asks_first)
            return
        try:
            await _relay(connection, exchange, method, send)
        except ClientGone:
            return
        except UpstreamError as broken:
            # Ending without the last message makes the server cut the connection: the client must not take
            # half a body for a whole one.
            log.warning("the upstream %s broke off: it %s", self.place.text, broken)
        finally:
            exchange.close()
            if exchange.is_sent:
                self._pool().give_back(connection)
            else:
                connection.close()

    async def _begin(
        self, head: bytes, method: str, declared: int | None, receive: Receive, safe: bool
    ) -> tuple[Connection | None, Exchange | None, int | None]:
        """Send a request until an answer begins. Returns connection and exchange, or the status to say.

        All are None if the client has left.
        """
        fresh = False
        while True:
            try:
                connection = await self._pool().take(fresh=fresh, safe=safe)
            except TimeoutError:
                return None, None, self._failed(504, "cannot be reached in time")
            except OSError as error:
                return None, None, self._failed(502, f"cannot be reached: {error}")
            waited = connection.is_used
            connection.begin(head, is_head=method == "HEAD")
            exchange = Exchange(connection, receive, declared, self._read_seconds)
            try:
                await connection.head()
                exchange.answered()
            except BaseException as error:
                exchange.close()
                connection.close()
                if isinstance(error, ClientGone):
                    return None, None, None
                if not isinstance(error, UpstreamError):
                    raise
                again = safe and waited and not fresh and not connection.has_answered
                if again and isinstance(error, UpstreamClosed):
                    # It closed the connection before it saw the request; a fresh one shows how it is.
                    self.retries += 1
                    if self.on_retry is not None:
                        self.on_retry()
                    fresh = True
                    continue
                return None, None, self._failed(504 if isinstance(error, UpstreamSlow) else 502, str(error))
            if self._problem:
                self._tell("")
            return connection, exchange, None

    def _request_headers(self, scope: Any) -> list[tuple[bytes, bytes]]:
        peer = scope["client"][0] if scope.get("client") else None
        trusted = self._local.trusts(peer) or self._addresses.believes(peer, dict(scope["headers"]))
        return request_headers(scope["headers"], peer=peer, scheme=scope["scheme"], trusted=trusted)

    async def _websocket(self, scope: Any, receive: Receive, send: Send) -> None:
        target = _target(scope)
        headers = self._request_headers(scope)
        if not target.startswith(b"/") or not _is_clean(b"", headers):
            await say(scope, send, 400, self._language)
            return
        failed = await relay(
            scope, receive, send, self.place, target, headers, self._connect_seconds, self._read_seconds
        )
        if failed is not None:
            await say(scope, send, self._failed(*failed), self._language)

    def _failed(self, status: int, how: str) -> int:
        log.warning("the upstream %s %s", self.place.text, how)
        self._tell(f"the upstream {self.place.text} {how}")
        return status

    def _tell(self, problem: str) -> None:
        self._problem = problem
        if self.on_state is not None:
            self.on_state(problem)

    def _pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            pool = self._pools[loop] = Pool(self.place, self._connect_seconds)
        return pool


async def _relay(connection: Connection, exchange: Exchange, method: str, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": connection.status,
            "headers": response_headers(connection.headers, connection.status),
        }
    )
    more = True
    while more:
        chunk = await connection.read()
        more = not connection.has_all
        await send({"type": "http.response.body", "body": chunk, "more_body": more})


def _target(scope: Any) -> bytes:
    """The target as received; bytes that no URI may contain are percent-encoded."""
    raw = scope.get("raw_path")
    if not raw:
        raw = quote_from_bytes(scope["path"].encode("utf-8", "surrogateescape")).encode()
    target: bytes = raw.partition(b"?")[0]
    if query := scope.get("query_string"):
        target += b"?" + query
    if _PLAIN.issuperset(target):
        return target
    return quote_from_bytes(target, safe=_AS_IT_IS).replace("#", "%23").encode()


def _body_of(headers: list[tuple[bytes, bytes]], received: Any) -> tuple[int | None, bool]:
    """Return the declared length of the body (None: in chunks), and whether the client waits for a 100."""
    declared: int | None = 0
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            declared = int(value)
        elif name == b"transfer-encoding":
            declared = None
    if declared == 0:
        return 0, False
    return declared, any(name == b"expect" for name, _ in received)


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def _is_clean(head: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """True if no header holds a line break or NUL: servers check, but not all alike."""
    lines = head or b"\r\n" + _lines(headers) + b"\r\n"
    count = len(headers) + 2
    return lines.count(b"\n") == lines.count(b"\r") == count and b"\0" not in lines
