"""Driving an ASGI app without a server: scopes, calls, configurations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.receipt import Draft

GPTBOT = (
    b"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)
PERPLEXITY = b"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)"
CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    b" (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
NAVIGATION = (
    (b"sec-ch-ua", b'"Chromium";v="141", "Not)A;Brand";v="24"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"sec-ch-ua-platform", b'"Windows"'),
    (b"upgrade-insecure-requests", b"1"),
    (b"user-agent", CHROME),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"referer", b"https://label.example/"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"de-DE,de;q=0.9"),
    (b"cookie", b"session=1"),
)
"""What Chrome sends when a reader follows a link of the site; the names in its order."""
_FILES = ("robots.txt", "llms.txt", "llms-full.txt", "trust.txt", ".well-known/trust.txt")
LOOKED_AT = frozenset(f"/{name}" for name in (*_FILES, ".well-known/tdmrep.json"))
"""What we ask the app for ourselves."""

STRANGER = ("203.0.113.9", 50123)

Headers = Sequence[tuple[bytes, bytes]]


def config(**sections: Any) -> dict[str, Any]:
    """A complete configuration that keeps nothing on disk; sections are merged over it."""
    base: dict[str, Any] = {
        "format": 1,
        "site": {
            "origin": "https://label.example",
            "hosts": ["label.example"],
            "operator": "Label Example GmbH",
            "contact": "mailto:licensing@label.example",
        },
        "reservation": {"capacity": "owner", "rightsholder": "Label Example GmbH"},
        "evidence": {"directory": "memory:"},
    }
    for name, values in sections.items():
        if isinstance(values, dict):
            base[name] = {**base.get(name, {}), **values}
        else:
            base[name] = values
    return base


def scope(
    path: str = "/page",
    *,
    agent: bytes | None = CHROME,
    headers: Headers = (),
    method: str = "GET",
    client: Any = STRANGER,
    **more: Any,
) -> dict[str, Any]:
    """An HTTP scope as uvicorn makes it."""
    pairs = [(b"host", b"label.example"), *([(b"user-agent", agent)] if agent is not None else []), *headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": b"",
        "root_path": "",
        "headers": pairs,
        "client": client,
        "server": ("label.example", 443),
        **more,
    }


@dataclass
class Got:
    """What an app sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    receives: int = 0

    @property
    def start(self) -> dict[str, Any]:
        return next(m for m in self.messages if m["type"] == "http.response.start")

    @property
    def status(self) -> int:
        return int(self.start["status"])

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")

    def header(self, name: bytes) -> bytes | None:
        values = [value for key, value in self.start["headers"] if key == name]
        return b", ".join(values) if values else None


async def call(app: Any, request: dict[str, Any], incoming: Sequence[dict[str, Any]] = ()) -> Got:
    """Call the app once and collect what it sends."""
    got = Got()
    queue = list(incoming) or [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        got.receives += 1
        return queue.pop(0) if queue else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        got.messages.append(message)

    await app(request, receive, send)
    return got


def ask(app: Any, *args: Any, **kwargs: Any) -> Got:
    """Call the app with one scope on an event loop of its own."""
    return asyncio.run(call(app, scope(*args, **kwargs)))


class PageApp:
    """A tiny site: answers everything, remembers what it was asked."""

    def __init__(self, status: int = 200, headers: Headers = ((b"content-type", b"text/html"),)) -> None:
        self.status = status
        self.headers = list(headers)
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["path"] in ("/robots.txt", "/ai-policy"):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"no such page"})
            return
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"a page"})

    @property
    def pages(self) -> list[dict[str, Any]]:
        """The requests that were not our own look at what the site publishes."""
        return [s for s in self.scopes if s["path"] not in LOOKED_AT]


def protect(app: Callable[..., Awaitable[None]], **sections: Any) -> VorbehaltMiddleware:
    """The app behind the middleware with the test configuration."""
    return VorbehaltMiddleware(app, config=config(**sections))


class SlowReceipt:
    """Durable when told so."""

    def __init__(self, durable: asyncio.Event | None, log: list[str]) -> None:
        self._event = durable
        self._log = log

    @property
    def is_durable(self) -> bool:
        return False

    async def durable(self, deadline_seconds: float) -> bool:
        if self._event is None:
            return False
        await self._event.wait()
        self._log.append("durable")
        return True


class WatchedEvidence:
    """Takes drafts, promises nothing until told."""

    def __init__(self, durable: asyncio.Event | None) -> None:
        self.log: list[str] = []
        self.drafts: list[Draft] = []
        self.counted: list[tuple[str, ...]] = []
        self._event = durable

    def start(self) -> None: ...

    def append(self, draft: Draft) -> SlowReceipt:
        self.drafts.append(draft)
        return SlowReceipt(self._event, self.log)

    def count(self, key: tuple[str, ...], *, at: int, amount: int = 0) -> None:
        self.counted.append(key)

    def put_object(self, body: bytes) -> str:
        return ""

    def health(self) -> dict[str, object]:
        return {"state": "green", "reasons": []}

    def lost(self) -> dict[str, int]:
        return {}

    def written(self) -> dict[str, int]:
        return {}

    def close(self, timeout_seconds: float = 5.0) -> None: ...

    def of(self, kind: str) -> list[Draft]:
        return [draft for draft in self.drafts if draft.type == kind]


def watched(
    app: Any, durable: asyncio.Event | None, **sections: Any
) -> tuple[VorbehaltMiddleware, WatchedEvidence]:
    site = protect(app, **sections)
    evidence = WatchedEvidence(durable)
    assert site.runtime is not None
    site.runtime.evidence = evidence
    return site, evidence
