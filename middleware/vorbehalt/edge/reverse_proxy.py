"""The site behind the sidecar: a reverse proxy as an ASGI application, on aiohttp's client (extra `sidecar`).

Targets, headers and bodies go through as they are: nothing is decoded, decompressed, followed or remembered.
Bodies stream both ways at the pace of the slower side.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.proxy_headers import request_headers, response_headers
from vorbehalt.errors import VorbehaltError

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

log = logging.getLogger("vorbehalt")

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0
_KEEP_ALIVE_SECONDS = 4.0
_CONNECTIONS = 512
_OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))


class _ClientGone(Exception):
    """The client left before its request was whole."""


class ReverseProxy:
    """Passes requests on to one upstream, `http://host:port`, `https://host` or `unix:/path`.

    `addresses` says whose X-Forwarded-Proto and -Host are believed; loopback and unix peers always are.
    Raises VorbehaltError for an upstream with a path, query or user.
    """

    def __init__(
        self,
        upstream: str,
        addresses: AddressResolver | None = None,
        *,
        connect_seconds: float = _CONNECT_SECONDS,
        read_seconds: float = _READ_SECONDS,
    ) -> None:
        self._socket_path = upstream.removeprefix("unix:") if upstream.startswith("unix:") else None
        self._base = "http://localhost" if self._socket_path else _origin(upstream)
        self._upstream = upstream
        self._addresses = addresses or AddressResolver()
        self._local = AddressResolver(("127.0.0.0/8", "::1", "unix"))
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=connect_seconds, sock_connect=connect_seconds, sock_read=read_seconds
        )
        self._sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = (
            weakref.WeakKeyDictionary()
        )

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await _refuse_websocket(scope, send)
        elif scope["type"] == "http":
            await self._exchange_unless_gone(scope, receive, send)

    async def close(self) -> None:
        """Close the connections of the running event loop; idempotent."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _exchange_unless_gone(self, scope: Any, receive: Receive, send: Send) -> None:
        """Exchange with the upstream; a client that leaves ends it there, too."""
        incoming = _Incoming(scope["headers"], receive)
        exchange = asyncio.ensure_future(self._exchange(scope, incoming, send))
        watch = asyncio.ensure_future(incoming.until_gone())
        try:
            await asyncio.wait((exchange, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            if not exchange.done():
                exchange.cancel()
            await asyncio.wait((exchange, watch))
        if not exchange.cancelled():
            exchange.result()

    async def _exchange(self, scope: Any, incoming: _Incoming, send: Send) -> None:
        target = _target(scope)
        if not target.startswith("/") or _wants_upgrade(scope["headers"]):
            status = 501 if target.startswith("/") else 400
            await _say(send, scope["method"], status)
            return
        peer = scope["client"][0] if scope.get("client") else None
        trusted = self._local.trusts(peer) or self._addresses.trusts(peer)
        pairs = request_headers(scope["headers"], peer=peer, scheme=scope["scheme"], trusted=trusted)
        headers = CIMultiDict((_text(name), _text(value)) for name, value in pairs)
        try:
            response = await self._session().request(
                scope["method"],
                URL(self._base + target, encoded=True),
                headers=headers,
                data=incoming.body() if incoming.has_body else None,
                allow_redirects=False,
            )
        except _ClientGone:
            return
        except TimeoutError:
            log.warning("the upstream %s did not answer in time", self._upstream)
            await _say(send, scope["method"], 504)
            return
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if incoming.gone:
                return
            log.warning("the upstream %s cannot be reached: %s", self._upstream, error)
            await _say(send, scope["method"], 400 if isinstance(error, ValueError) else 502)
            return
        try:
            await _relay(response, scope["method"], send)
        except (aiohttp.ClientError, TimeoutError) as error:
            # Ending without the last message makes the server cut the connection: the client must not take
            # half a body for a whole one.
            log.warning("the upstream %s broke off: %s", self._upstream, error)
        finally:
            response.close()

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            connector: aiohttp.BaseConnector
            if self._socket_path:
                connector = aiohttp.UnixConnector(
                    self._socket_path, limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_SECONDS
                )
            else:
                connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_SECONDS)
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_OWN_HEADERS,
                timeout=self._timeout,
            )
        return session


class _Incoming:
    """The only reader of `receive`: first the body, then the news that the client has left."""

    def __init__(self, headers: Any, receive: Receive) -> None:
        self._receive = receive
        self._whole = asyncio.Event()
        self.gone = False
        self.has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
            for name, value in headers
        )
        if not self.has_body:
            self._whole.set()

    async def body(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise _ClientGone
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk
        self._whole.set()

    async def until_gone(self) -> None:
        await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True


async def _relay(response: aiohttp.ClientResponse, method: str, send: Send) -> None:
    headers = response_headers(response.raw_headers, response.status)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    left = next((int(value) for name, value in headers if name == b"content-length"), -1)
    if method != "HEAD" and response.status not in (204, 304):
        async for chunk in response.content.iter_any():
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left != 0})
            if left == 0:
                return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


_SENTENCES = {
    400: "This request cannot be passed on: its target or a header is malformed.",
    501: "Websockets do not pass through here.",
    502: "The site behind this address does not answer at the moment. Please try again later.",
    504: "The site behind this address took too long to answer. Please try again later.",
}


async def _say(send: Send, method: str, status: int) -> None:
    sentence = _SENTENCES[status]
    body = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{status}</title></head>\n'
        f"<body><h1>{status}</h1><p>{sentence}</p></body></html>\n"
    ).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _refuse_websocket(scope: Any, send: Send) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": _SENTENCES[501]})
        return

    async def send_response(message: Any) -> None:
        await send({**message, "type": "websocket." + message["type"]})

    await _say(send_response, "GET", 501)


def _origin(upstream: str) -> str:
    parts = urlsplit(upstream)
    try:
        port_holds = parts.port is None or parts.port > 0
    except ValueError:
        port_holds = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_holds:
        raise VorbehaltError(f"upstream {upstream!r} is not of the form http://HOST:PORT or unix:/PATH")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise VorbehaltError(f"upstream {upstream!r} must be scheme, host and port only")
    return f"{parts.scheme}://{parts.netloc}"


def _target(scope: Any) -> str:
    """The target as received; bytes that no URI may contain are percent-encoded."""
    raw = scope.get("raw_path") or quote_from_bytes(scope["path"].encode("utf-8", "surrogateescape")).encode()
    target = raw.partition(b"?")[0]
    if query := scope.get("query_string"):
        target += b"?" + query
    return quote_from_bytes(target, safe=_AS_IT_IS).replace("#", "%23")


def _wants_upgrade(headers: Any) -> bool:
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in headers)


def _text(raw: bytes) -> str:
    """Header bytes as aiohttp will write them again: UTF-8 stays what it is."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
