"""The middleware in process, no server: ordinary readers and refusals against bare Starlette, and others."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from measure import Budget, Figure, Stopwatch, Taken, interleaved, table
from vorbehalt import VorbehaltMiddleware

BODY = b"x" * 1024
CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    b" (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
GPTBOT = (
    b"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)
CHROME_HEADERS = [
    (b"host", b"label.example"),
    (b"sec-ch-ua", b'"Chromium";v="141", "Google Chrome";v="141", "Not?A_Brand";v="8"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"sec-ch-ua-platform", b'"Windows"'),
    (b"upgrade-insecure-requests", b"1"),
    (b"user-agent", CHROME),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    (b"sec-fetch-site", b"none"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"en-US,en;q=0.9"),
]
FOLLOWED = [(name, b"same-origin" if name == b"sec-fetch-site" else value) for name, value in CHROME_HEADERS]
KNOWN_HEADERS = [*FOLLOWED, (b"referer", b"https://label.example/"), (b"cookie", b"session=0123456789abcdef")]
ASSET_HEADERS = [
    (b"host", b"label.example"),
    (b"sec-ch-ua-platform", b'"Windows"'),
    (b"user-agent", CHROME),
    (b"sec-ch-ua", b'"Chromium";v="141", "Google Chrome";v="141", "Not?A_Brand";v="8"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"accept", b"text/css,*/*;q=0.1"),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"no-cors"),
    (b"sec-fetch-dest", b"style"),
    (b"referer", b"https://label.example/a"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"en-US,en;q=0.9"),
    (b"cookie", b"session=0123456789abcdef"),
]
BOT_HEADERS = [(b"host", b"label.example"), (b"user-agent", GPTBOT), (b"accept", b"*/*")]

App = Callable[[Any, Any, Any], Any]


async def page(request: Request) -> Response:
    return Response(BODY, media_type="text/html")


def starlette(middleware: list[Middleware] | None = None) -> Starlette:
    return Starlette(routes=[Route("/a", page), Route("/a.css", page)], middleware=middleware)


def configuration(evidence: str = "off") -> dict[str, Any]:
    return {
        "format": 1,
        "site": {"origin": "https://label.example", "operator": "Label", "contact": "mailto:a@label.example"},
        "evidence": {"directory": evidence},
    }


def scope(
    headers: list[tuple[bytes, bytes]], path: str = "/a", client: str = "203.0.113.7"
) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": (client, 50000),
        "server": ("label.example", 443),
    }


def driver(app: App, headers: list[tuple[bytes, bytes]], count: int) -> Callable[[], float]:
    """Await the app `count` times under uvloop with a scope of its own each; microseconds per request."""
    import uvloop

    async def run() -> Taken:
        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            pass

        watch = Stopwatch()
        for _ in range(count):
            await app(scope(headers.copy()), receive, send)
        return watch.per(count)

    return lambda: uvloop.run(run())


def reading(app: App, count: int, client: str, chain: bytes = b"") -> Callable[[], float]:
    """A known person at a public address, of whom every second request is a page; microseconds a request."""
    import uvloop

    told = [(b"x-forwarded-for", chain)] if chain else []
    page_headers, asset_headers = [*KNOWN_HEADERS, *told], [*ASSET_HEADERS, *told]

    async def run() -> Taken:
        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            pass

        watch = Stopwatch()
        for _ in range(count // 2):
            await app(scope(page_headers.copy(), client=client), receive, send)
            await app(scope(asset_headers.copy(), "/a.css", client), receive, send)
        return watch.per(count)

    return lambda: uvloop.run(run())


def others() -> dict[str, tuple[App, int]]:
    """Peers, where installed, with the number of requests they are timed over."""
    found: dict[str, tuple[App, int]] = {}
    if importlib.util.find_spec("bot_guard"):
        guard = importlib.import_module("bot_guard").BotGuard()
        bot_guard = importlib.import_module("bot_guard.middleware.fastapi").BotGuardMiddleware
        found["+ bot-guard-py"] = (starlette([Middleware(bot_guard, guard=guard)]), 2000)
    if importlib.util.find_spec("guard"):
        fastapi_guard = importlib.import_module("guard")
        settings = fastapi_guard.SecurityConfig(
            enable_redis=False,
            rate_limit=10**9,
            rate_limit_window=60,
            auto_ban_threshold=10**9,
            enable_penetration_detection=False,
        )
        found["+ fastapi-guard, no penetration detection"] = (
            starlette([Middleware(fastapi_guard.SecurityMiddleware, config=settings)]),
            300,
        )
    return found


def run(rounds: int) -> tuple[dict[str, Figure], list[Budget]]:
    """Print the table of in-process figures and return them with their budgets."""
    bare = starlette()
    protected = VorbehaltMiddleware(starlette(), config=configuration())
    inner = starlette([Middleware(VorbehaltMiddleware, config=configuration())])
    asking = configuration()
    asking["network"] = {"trusted_proxies": ["203.0.113.7"], "dns": True, "signatures": True}
    behind = VorbehaltMiddleware(starlette(), config=asking)
    forwarded = [*CHROME_HEADERS, (b"x-forwarded-for", b"8.8.8.8")]
    variants: dict[str, Callable[[], float]] = {
        "bare Starlette, reader": driver(bare, CHROME_HEADERS, 10_000),
        "Vorbehalt around it, reader": driver(protected, CHROME_HEADERS, 10_000),
        "Vorbehalt by add_middleware, reader": driver(inner, CHROME_HEADERS, 10_000),
        "Vorbehalt behind a trusted proxy, look-ups on, reader": driver(behind, forwarded, 10_000),
        "bare Starlette, known person": reading(bare, 10_000, "203.0.114.7"),
        "Vorbehalt around it, known person": reading(protected, 10_000, "203.0.114.7"),
        "Vorbehalt behind a trusted proxy, known person": reading(behind, 10_000, "203.0.113.7", b"8.8.4.4"),
        "bare Starlette, crawler": driver(bare, BOT_HEADERS, 10_000),
        "Vorbehalt refuses a crawler (no wait for the disk)": driver(protected, BOT_HEADERS, 10_000),
    }
    for name, (app, count) in others().items():
        variants[f"{name}, reader"] = driver(app, CHROME_HEADERS, count)
    figures = interleaved(variants, rounds)
    table("In process, against bare Starlette", figures, base="bare Starlette, reader")
    base = figures["bare Starlette, reader"].median
    reader = figures["Vorbehalt around it, reader"].median
    proxied = figures["Vorbehalt behind a trusted proxy, look-ups on, reader"].median
    refusal = figures["Vorbehalt refuses a crawler (no wait for the disk)"].median
    known = figures["bare Starlette, known person"].median
    watched = figures["Vorbehalt around it, known person"].median
    told = figures["Vorbehalt behind a trusted proxy, known person"].median
    spent = [
        f"{figures[name].processor or 0.0:.2f}"
        for name in (
            "bare Starlette, known person",
            "Vorbehalt around it, known person",
            "Vorbehalt behind a trusted proxy, known person",
        )
    ]
    print(f"\nProcessor time of a known person's request, least rounds, µs: {', '.join(spent)}")
    budgets = [
        Budget("a known person, conduct watched: x bare Starlette", watched / known, 1.5),
        Budget("a known person, conduct watched: added", watched - known, 4.0, " µs"),
        Budget("a known person behind a trusted proxy: x bare Starlette", told / known, 1.8),
        Budget("a known person behind a trusted proxy: added", told - known, 6.0, " µs"),
        Budget("an ordinary reader: x bare Starlette", reader / base, 1.5),
        Budget("an ordinary reader: added", reader - base, 4.0, " µs"),
        Budget("a reader behind a trusted proxy, look-ups on: x bare Starlette", proxied / base, 1.8),
        Budget("a reader behind a trusted proxy, look-ups on: added", proxied - base, 6.0, " µs"),
        Budget(
            "a refusal without the wait for the disk: x bare",
            refusal / figures["bare Starlette, crawler"].median,
            0.7,
        ),
    ]
    protected.close()
    behind.close()
    return figures, budgets
