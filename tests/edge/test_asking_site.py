"""What an app publishes is read up to 512 KiB; then it is left, whatever more it has to say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from asgi_support import GPTBOT, ask, protect, scope
from proxy_support import Upstream
from vorbehalt.edge.asking_site import MAX_BYTES, SiteAnswer, ask_site
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy

PIECE = b"Disallow: /a/path/of/some/length/that/nobody/needs\n" * 1285
ENOUGH = MAX_BYTES // len(PIECE) + 1
"""So many pieces are more than is kept."""
App = Callable[[Any, Any, Any], Any]


class Endless:
    """Answers every path without an end; `listens` says whether it looks for a client that has left."""

    def __init__(self, listens: bool) -> None:
        self.listens = listens
        self.sent = 0
        self.ended = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        left = asyncio.create_task(receive())
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/plain; charset=utf-8")],
            }
        )
        try:
            while not (self.listens and left.done()):
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
                self.sent += 1
            self.ended = left.result()["type"]
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        finally:
            left.cancel()


def asked(app: App, path: str = "/llms-full.txt") -> SiteAnswer:
    site = protect(app)
    assert site.runtime is not None
    plan = site.runtime.live.engine.plan("label.example")
    return asyncio.run(asyncio.wait_for(ask_site(app, plan, scope(), path), 10))


@pytest.mark.parametrize(("listens", "end"), [(True, "http.disconnect"), (False, "cancelled")])
def test_an_app_without_an_end_is_left_when_there_is_enough(listens: bool, end: str) -> None:
    app = Endless(listens)
    answer = asked(app)
    assert (answer.status, answer.media_type, len(answer.body)) == (200, "text/plain", MAX_BYTES + 1)
    assert app.ended == end
    # Who listens ends at once; who does not sends a hundredth of a second apart until it is cancelled.
    assert app.sent <= (ENOUGH if listens else ENOUGH + 12)


def test_a_file_that_just_fits_is_read_whole_and_nobody_is_left() -> None:
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a" * (MAX_BYTES - 1), "more_body": True})
        await send({"type": "http.response.body", "body": b"b", "more_body": True})
        with contextlib.suppress(TimeoutError):
            await receive()
            await asyncio.wait_for(receive(), 0.02)
            ended.append("left")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    assert asked(app) == SiteAnswer(200, "", b"a" * (MAX_BYTES - 1) + b"b")
    assert ended == []


def test_a_starlette_app_bears_it_without_an_error(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[BaseException] = []

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield PIECE

    async def endless(request: Request) -> StreamingResponse:
        return StreamingResponse(pieces(), media_type="text/plain")

    async def failed(request: Request, error: Exception) -> StreamingResponse:
        seen.append(error)
        raise error

    app = Starlette(routes=[Route("/llms-full.txt", endless)], exception_handlers={Exception: failed})
    with caplog.at_level(logging.WARNING):
        answer = asked(app)
    assert len(answer.body) == MAX_BYTES + 1
    assert seen == []
    assert caplog.records == []


def test_what_an_app_raises_when_it_was_left_is_not_its_error_and_before_that_it_is() -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(ENOUGH if scope["path"] == "/llms-full.txt" else 1):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        raise RuntimeError("client disconnected")

    assert len(asked(breaks).body) == MAX_BYTES + 1
    with pytest.raises(RuntimeError, match="client disconnected"):
        asked(breaks, "/llms.txt")


def test_an_endless_robots_txt_is_merged_as_far_as_it_is_read() -> None:
    app = Endless(listens=False)
    site = protect(app)
    answer = ask(site, "/robots.txt", agent=GPTBOT)
    assert answer.status == 200
    assert b"/a/path/of/some/length" in answer.body
    assert site.runtime is not None
    assert [reason for reason in site.runtime.reasons.values() if "could not be read" in reason] == []


def test_the_reverse_proxy_leaves_the_upstream_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An answer of a gigabyte is closed within what sockets and queues hold."""
    sent = [0]
    over = threading.Event()

    def send(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1073741824\r\n\r\n"
        )
        try:
            while True:
                connection.sendall(PIECE)
                sent[0] += len(PIECE)
        except OSError:
            over.set()

    upstream = Upstream(send)
    proxy = ReverseProxy(upstream.url, AddressResolver())
    told: list[str] = []
    proxy.on_state = told.append
    try:
        with caplog.at_level(logging.INFO):
            answer = asked(proxy)
        assert over.wait(10)
    finally:
        upstream.close()
    assert (answer.status, len(answer.body)) == (200, MAX_BYTES + 1)
    assert sent[0] < 32 * 1024 * 1024
    assert told == []
    assert [record for record in caplog.records if record.name.startswith("vorbehalt")] == []
