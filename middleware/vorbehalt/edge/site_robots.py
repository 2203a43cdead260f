"""The site's own robots.txt, asked of the app itself, so that its rules are merged and never lost."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any

from vorbehalt.edge.live import Live
from vorbehalt.edge.runtime import Runtime
from vorbehalt.engine import HostPlan

log = logging.getLogger("vorbehalt")

_DEADLINE_SECONDS = 2.0
_MAX_BYTES = 512 * 1024
_FRESH_SECONDS = 300.0


class _TooLarge(Exception):
    """The app's robots.txt exceeds what robots.txt parsers must read (RFC 9309 section 2.5)."""


async def ensure(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    """Fetch the site's robots.txt if it was never fetched; the asking client waits at most two seconds."""
    if plan.settings.key not in runtime.robots_read_at:
        await _read(runtime, live, plan, app, scope)


async def refresh_if_old(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    """Fetch again after five minutes; runs when the answer has already been sent."""
    read_at = runtime.robots_read_at.get(plan.settings.key, 0.0)
    if monotonic() - read_at > _FRESH_SECONDS:
        await _read(runtime, live, plan, app, scope)


async def _read(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    reason = f"robots.txt of {plan.settings.terms.origin}"
    try:
        status, body = await asyncio.wait_for(_get(app, plan, scope), _DEADLINE_SECONDS)
    except Exception as error:
        # Whatever the app does here, the last good copy goes on and health says so.
        runtime.reasons["robots"] = f"{reason} could not be read from the app: {type(error).__name__}"
        log.warning("%s", runtime.reasons["robots"])
        return
    if status == 200 or 400 <= status < 500:
        # Merging a hostile robots.txt of full size takes most of a second; a usual one a few milliseconds.
        await asyncio.to_thread(runtime.set_site_robots, plan, body if status == 200 else None)
    else:
        runtime.reasons["robots"] = f"{reason}: the app answered {status}"
        log.warning("%s", runtime.reasons["robots"])
        return
    runtime.reasons.pop("robots", None)
    runtime.robots_read_at[plan.settings.key] = monotonic()


async def _get(app: Any, plan: HostPlan, scope: Any) -> tuple[int, bytes]:
    """Ask the app for its robots.txt with a GET of our own, made from the scope of the request at hand."""
    path = plan.settings.terms.robots_path
    root = str(scope.get("root_path") or "")
    host = next((value for key, value in scope["headers"] if key == b"host"), b"")
    inner = {
        **scope,
        "method": "GET",
        "path": root + path if scope["path"].startswith(root) else path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host), (b"user-agent", b"Vorbehalt (reads the site's own robots.txt)")],
        "vorbehalt": None,
    }
    status = 0
    parts: list[bytes] = []
    asked = False

    async def receive() -> dict[str, object]:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
        elif message["type"] == "http.response.body":
            parts.append(bytes(message.get("body") or b""))
            if sum(map(len, parts)) > _MAX_BYTES:
                raise _TooLarge(f"more than {_MAX_BYTES} bytes")

    # Some apps serve files by pathsend where the server offers it; this reader takes bodies only.
    inner["extensions"] = {}
    await app(inner, receive, send)
    return status, b"".join(parts)
