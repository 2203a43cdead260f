"""Websockets through the reverse proxy: messages and close codes both ways, on the `websockets` library.

Each side has its own handshake, pings and compression; what passes are messages, whole, at the pace of the
slower side.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.http11 import Request
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from vorbehalt.edge.reverse_proxy.headers import Pairs, response_headers
from vorbehalt.edge.reverse_proxy.upstream import Place

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_QUEUED_FRAMES = 4
_VANISHED = 1011
"""What the client is told when the upstream is gone without a word; 1006 cannot be sent."""

_LEAVE_SECONDS = 2.0
"""For the upstream to answer a close. One that is stuck must not hold an end of the server."""

_Close = tuple[int, str]
"""Code and reason."""

log = logging.getLogger("vorbehalt.websockets")
log.setLevel(logging.ERROR)


class _Ended(Enum):
    UPSTREAM = auto()
    CLIENT = auto()


class _Protocol(ClientProtocol):
    """The handshake of the library with the target and Host as the client sent them."""

    target = ""
    host = ""

    def connect(self) -> Request:
        request = super().connect()
        del request.headers["Host"]
        request.headers["Host"] = self.host
        request.path = self.target
        return request


async def relay(
    scope: Any,
    receive: Receive,
    send: Send,
    place: Place,
    target: bytes,
    headers: Pairs,
    connect_seconds: float,
    answer_seconds: float,
) -> tuple[int, str] | None:
    """Open the websocket at the upstream, then at the client, and pass messages on until one side ends.

    An upstream that refuses the handshake is quoted. Returns status and reason, for the log, where the
    upstream has no answer.
    """
    await receive()  # websocket.connect

    def make() -> ClientConnection:
        offered = [Subprotocol(name) for name in scope.get("subprotocols") or ()]
        protocol = _Protocol(
            WebSocketURI(False, "upstream.invalid", 80, "/", ""),
            subprotocols=offered or None,
            max_size=MAX_MESSAGE_BYTES,
            logger=log,
        )
        protocol.target = target.decode("ascii")
        protocol.host = next((_text(value) for name, value in headers if name == b"host"), "")
        return ClientConnection(protocol, ping_interval=None, max_queue=_QUEUED_FRAMES)

    passed = [
        (_text(name), _text(value))
        for name, value in headers
        if name not in (b"host", b"content-length") and not name.startswith(b"sec-websocket-")
    ]
    try:
        upstream = await place.connect(make, connect_seconds)
    except TimeoutError:
        return 504, "cannot be reached in time"
    except OSError as error:
        return 502, f"cannot be reached: {error}"
    try:
        async with asyncio.timeout(answer_seconds):
            await upstream.handshake(passed, None)
    except InvalidStatus as refusal:
        await _quote(scope, send, refusal)
        return None
    except TimeoutError:
        return 504, "did not answer in time"
    except (InvalidHandshake, InvalidMessage, ConnectionClosed, EOFError, OSError) as error:
        return 502, f"did not open the websocket: {error}"
    else:
        await _pass_on(receive, send, upstream)
        return None
    finally:
        if upstream.close_code is None:
            upstream.transport.abort()


async def _pass_on(receive: Receive, send: Send, upstream: ClientConnection) -> None:
    assert upstream.response is not None
    raw = [(_raw(name).lower(), _raw(value)) for name, value in upstream.response.headers.raw_items()]
    told = [
        (name, value) for name, value in response_headers(raw, 101) if not name.startswith(b"sec-websocket-")
    ]
    await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol, "headers": told})
    up = asyncio.create_task(_from_client(receive, upstream))
    down = asyncio.create_task(_to_client(send, upstream))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if down.done() and down.result() is _Ended.CLIENT:
            # The server knows why, and says so in a moment, unless the upstream takes nothing any more.
            await asyncio.wait((up,), timeout=_LEAVE_SECONDS)
        if up.done():
            down.cancel()
            await asyncio.wait((down,))
            await _leave(upstream, up.result())
    finally:
        up.cancel()
        down.cancel()
        await asyncio.wait((up, down))


async def _from_client(receive: Receive, upstream: ClientConnection) -> _Close | None:
    """Return how the client closed, None if it vanished."""
    while (message := await receive())["type"] == "websocket.receive":
        octets = message.get("bytes")
        # Where the upstream has closed, the other direction knows, and tells the client.
        with contextlib.suppress(ConnectionClosed):
            await upstream.send(octets if octets is not None else message["text"])
    if "reason" not in message:
        return None  # there was no close frame
    code = message.get("code", 1005)
    return 1000 if code in (1005, 1006) else code, message["reason"] or ""


async def _leave(upstream: ClientConnection, how: _Close | None) -> None:
    """Close as the client did: a client that vanished vanishes, any other waits a little for the answer."""
    if how is None:
        upstream.transport.abort()
        return
    # The answer may stand behind messages that nobody wants any more.
    rest = asyncio.create_task(_discard(upstream))
    try:
        async with asyncio.timeout(_LEAVE_SECONDS):
            await upstream.close(*how)
    except TimeoutError:
        upstream.transport.abort()
    finally:
        rest.cancel()
        await asyncio.wait((rest,))


async def _discard(upstream: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await upstream.recv()


async def _to_client(send: Send, upstream: ClientConnection) -> _Ended:
    """Return who ended it; the client has been told if it was the upstream."""
    try:
        while True:
            data = await upstream.recv()
            key = "text" if isinstance(data, str) else "bytes"
            await send({"type": "websocket.send", key: data})
    except ConnectionClosed as closed:
        ended = closed.rcvd or closed.sent
        code, reason = (ended.code, ended.reason) if ended else (_VANISHED, "")
        # The client may have closed, too.
        with contextlib.suppress(OSError, RuntimeError):
            await send({"type": "websocket.close", "code": 1000 if code == 1005 else code, "reason": reason})
        return _Ended.UPSTREAM
    except OSError:
        return _Ended.CLIENT


async def _quote(scope: Any, send: Send, refusal: InvalidStatus) -> None:
    """Hand on the upstream's own answer to a handshake, where the server can send one."""
    response = refusal.response
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": "refused by the site"})
        return
    body = bytes(response.body or b"")
    raw = [(_raw(name).lower(), _raw(value)) for name, value in response.headers.raw_items()]
    headers = [pair for pair in response_headers(raw, response.status_code) if pair[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(body)))
    start = {"type": "websocket.http.response.start", "status": response.status_code, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": body})


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _raw(text: str) -> bytes:
    return text.encode("latin-1", "replace")
