"""The site behind every arrangement, as an ASGI app: answers any path, with the media type of its ending."""

from __future__ import annotations

import os
from typing import Any

TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".mp3": b"audio/mpeg",
    ".mp4": b"video/mp4",
    ".png": b"image/png",
}
OWN = [(b"tdm-reservation", b"0"), (b"x-robots-tag", b"nosnippet"), (b"link", b"</style.css>; rel=preload")]


async def site(scope: Any, receive: Any, send: Any) -> None:
    """Ends without a type: none is told. Below /own/ it says something of its own; /nowhere is not there."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
        return
    path = scope["path"]
    kind = TYPES.get(os.path.splitext(path)[1])
    headers = [(b"content-type", kind)] if kind else []
    found = kind is not None or path.endswith("/bare") or path == "/"
    body = b"a work" if found else b"no such page"
    headers += [(b"content-length", b"%d" % len(body)), *(OWN if path.startswith("/own/") else [])]
    await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def protected() -> Any:
    """The same site behind the middleware; CONFIG_OF_TEST names the configuration."""
    from vorbehalt import VorbehaltMiddleware

    return VorbehaltMiddleware(site, config=os.environ["CONFIG_OF_TEST"])
