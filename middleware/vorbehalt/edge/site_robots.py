"""The site's own robots.txt, asked of the app itself, so that its rules are merged and never lost."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

from vorbehalt.edge.live import Live
from vorbehalt.edge.runtime import Runtime
from vorbehalt.engine import HostPlan
from vorbehalt.facts import host_name

log = logging.getLogger("vorbehalt")

_DEADLINE_SECONDS = 2.0
_MAX_BYTES = 512 * 1024
_FRESH_SECONDS = 300.0
_RETRY_SECONDS = 10.0
_GLANCE_SECONDS = 0.02
_NO_ROBOTS = (404, 410)


async def ensure(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    """Fetch the site's robots.txt if it was never fetched; the asking client waits at most two seconds.

    Who comes while another is asking waits for that answer. After a failure nobody waits for ten seconds.
    Never raises.
    """
    key = plan.settings.key
    deadline = monotonic() + _DEADLINE_SECONDS
    while key in runtime.robots_reading and key not in runtime.robots_read_at and monotonic() < deadline:  # noqa: ASYNC110
        # No asyncio.Event: it would be bound to one of the loops that ask.
        await asyncio.sleep(_GLANCE_SECONDS)
    if key not in runtime.robots_read_at and _is_due(runtime, key):
        await _read(runtime, live, plan, app, scope)


async def refresh_if_old(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    """Fetch again after five minutes; runs when the answer has already been sent. Never raises."""
    key = plan.settings.key
    read_at = runtime.robots_read_at.get(key)
    if (read_at is None or monotonic() - read_at > _FRESH_SECONDS) and _is_due(runtime, key):
        await _read(runtime, live, plan, app, scope)


def _is_due(runtime: Runtime, key: str) -> bool:
    tried_at = runtime.robots_tried_at.get(key)
    rested = tried_at is None or monotonic() - tried_at > _RETRY_SECONDS
    return rested and key not in runtime.robots_reading


async def _read(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    key = plan.settings.key
    runtime.robots_reading.add(key)
    trouble = ""
    try:
        status, body = await asyncio.wait_for(_get(app, plan, scope), _DEADLINE_SECONDS)
        if status == 200 or status in _NO_ROBOTS:
            # Merging a hostile robots.txt of full size takes most of a second; a usual one milliseconds.
            await asyncio.to_thread(runtime.set_site_robots, plan, body if status == 200 else None)
            runtime.robots_read_at[key] = monotonic()
        else:
            # A refusal or a redirect says nothing about the rules: those known go on.
            trouble = f"the app answered {status or 'nothing'}"
    except Exception as error:
        # Whatever the app does here, the last good copy goes on and health says so.
        trouble = f"it could not be read from the app: {type(error).__name__}"
    finally:
        runtime.robots_reading.discard(key)
    code = f"robots {key}".rstrip()
    if trouble:
        runtime.robots_tried_at[key] = monotonic()
        runtime.reasons[code] = f"robots.txt of {plan.settings.terms.origin}: {trouble}"
        log.warning("%s", runtime.reasons[code])
    else:
        runtime.reasons.pop(code, None)


async def _get(app: Any, plan: HostPlan, scope: Any) -> tuple[int, bytes]:
    """Ask the app for its robots.txt with a GET of our own, made from the scope of the request at hand.

    Nothing in it is the visitor's: what one visitor sends must not decide what all others are served.
    """
    path = plan.settings.terms.robots_path
    root = str(scope.get("root_path") or "")
    full = root + path if str(scope.get("path") or "").startswith(root) else path
    origin = urlsplit(plan.settings.terms.origin)
    names = plan.settings.names
    host = origin.netloc.encode("ascii", "replace")
    if names and host_name(host) not in names:
        # Who tells sites apart by Host knows this one by its names.
        host = names[0].encode("ascii", "replace")
    inner = {
        **scope,
        "method": "GET",
        "scheme": origin.scheme,
        "path": full,
        "raw_path": quote(full).encode("ascii"),
        "query_string": b"",
        "headers": [
            (b"host", host),
            (b"user-agent", b"Vorbehalt (reads the site's own robots.txt)"),
            (b"x-forwarded-proto", origin.scheme.encode("ascii", "replace")),
        ],
        "client": ("127.0.0.1", 0),
        "vorbehalt": None,
    }
    status = 0
    body = bytearray()
    asked = False
    answered = asyncio.Event()

    async def receive() -> dict[str, object]:
        nonlocal asked
        if asked:
            # We are a client that waits for its answer; some apps stop when theirs has left.
            await answered.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
        elif message["type"] == "http.response.body":
            if len(body) <= _MAX_BYTES:
                # Readers stop at this size, and the merge says so where a file is longer.
                body.extend((message.get("body") or b"")[: _MAX_BYTES + 1 - len(body)])
            if not message.get("more_body", False):
                answered.set()

    # Some apps serve files by pathsend where the server offers it; this reader takes bodies only.
    inner["extensions"] = {}
    await app(inner, receive, send)
    return status, bytes(body)
