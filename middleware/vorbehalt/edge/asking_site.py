"""A GET of our own to the app that stands behind us, for what it publishes itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from vorbehalt.engine import HostPlan
from vorbehalt.facts import host_name

MAX_BYTES = 512 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_MOMENT_SECONDS = 0.1
"""For an app to notice that we have left, before it is cancelled."""
_PACE_SECONDS = 0.01
_AGENT = b"Vorbehalt (reads what the site itself publishes)"


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """What the app answered. `status` is 0 if it answered nothing; `body` is cut after MAX_BYTES + 1.

    An app that has more to say than that is left as any client leaves, and cancelled if it does not notice.

    `moved_to` is the path and query of a redirect within the same origin, else empty.
    """

    status: int
    media_type: str
    body: bytes
    moved_to: str = ""


async def ask_site(app: Any, plan: HostPlan, scope: Any, path: str) -> SiteAnswer:
    """Ask the app for one of its own paths with a request made from the scope of the request at hand.

    Nothing in it is the visitor's: what one visitor sends must not decide what all others are served.
    Exceptions of the app pass, unless we had left already.
    """
    root = str(scope.get("root_path") or "")
    path, _, query = path.partition("?")
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
        "query_string": query.encode("ascii", "replace"),
        "headers": [
            (b"host", host),
            (b"user-agent", _AGENT),
            (b"x-forwarded-proto", origin.scheme.encode("ascii", "replace")),
        ],
        "client": ("127.0.0.1", 0),
        "vorbehalt": None,
        # Some apps serve files by pathsend where the server offers it; this reader takes bodies only.
        "extensions": {},
    }
    status = 0
    media_type = moved_to = ""
    body = bytearray()
    asked = False
    answered = asyncio.Event()
    limit = asyncio.timeout(None)

    async def receive() -> dict[str, object]:
        nonlocal asked
        if asked:
            # We are a client that waits for its answer; some apps stop when theirs has left.
            await answered.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, media_type, moved_to
        if message["type"] == "http.response.start":
            status = int(message["status"])
            for name, value in message.get("headers") or ():
                if name.lower() == b"content-type":
                    media_type = value.split(b";", 1)[0].strip().lower().decode("latin-1")
                elif name.lower() == b"location" and status in _REDIRECTS:
                    moved_to = _path_within(plan.settings.terms.origin, path, value.decode("latin-1"))
        elif message["type"] == "http.response.body":
            # Readers stop at this size, and the merge says so where a file is longer.
            body.extend((message.get("body") or b"")[: MAX_BYTES + 1 - len(body)])
            if not message.get("more_body", False):
                answered.set()
            elif len(body) > MAX_BYTES:
                if not answered.is_set():
                    answered.set()
                    limit.reschedule(asyncio.get_running_loop().time() + _MOMENT_SECONDS)
                # An app in a thread must not be held up, an endless one must not run at full speed.
                await asyncio.sleep(_PACE_SECONDS)

    try:
        async with limit:
            await app(inner, receive, send)
    except Exception:
        # Frameworks end in many ways when their client has left early; we have all that we wanted.
        if len(body) <= MAX_BYTES:
            raise
    return SiteAnswer(status, media_type, bytes(body), moved_to)


def _path_within(origin: str, path: str, location: str) -> str:
    """The path and query that a Location names, if they are of the same host; the scheme may differ."""
    try:
        there, here = urlsplit(urljoin(origin + path, location.strip())), urlsplit(origin)
        same = there.hostname == here.hostname and there.scheme in ("http", "https")
    except ValueError:
        return ""
    target = unquote(there.path) or "/"
    return (f"{target}?{there.query}" if there.query else target) if same else ""
