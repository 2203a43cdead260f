"""The lifespan of an application that we stand around: a start that fails is said, an end is orderly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

log = logging.getLogger("vorbehalt")


async def say_failed(failure: Exception, receive: Receive, send: Send) -> None:
    """Answer the startup: it failed, and why."""
    message = await receive()
    if message["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.failed", "message": f"Vorbehalt: {failure}"})
    if type(getattr(receive, "__self__", None)).__module__.startswith("anyio."):
        # Starlette's TestClient takes a failed startup for a good one, and waits forever at its end,
        # unless the application raises. Servers know the answer and need no traceback.
        raise failure


def closing(close: Callable[[], None], send: Send) -> Send:
    """Return the `send` for the application: before its end is told to the server, ours comes."""

    async def send_and_close(message: Message) -> None:
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            try:
                await asyncio.to_thread(close)
            except Exception:  # the server is waiting for the end, which comes all the same
                log.exception("the end was not orderly")
        await send(message)

    return send_and_close
