"""What is behind the sidecar when there is no upstream: nothing, and it says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

_BODY = (
    b"There is no site behind this address: Vorbehalt runs here for forward auth only.\n"
    b"Its answers are at /.vorbehalt/auth, its state at /.vorbehalt/health.\n"
)


async def plain_app(
    scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer every request with 404 and a sentence; close websockets; complete the lifespan."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    elif scope["type"] == "http":
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(_BODY)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else _BODY})
