"""Marks in pages: what a browser finds of them, and what the headers say of the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import html5lib
from starlette.responses import HTMLResponse

from asgi_support import Got

OPEN = {"search": "allow", "training": "allow", "ai_input": "allow", "tdm": "allow"}


def marks(got: Got) -> list[tuple[str, str]]:
    """What a browser finds in the head, under the names of the headers."""
    document = html5lib.parse(got.body.decode(), namespaceHTMLElements=False)
    (head,) = document.iter("head")
    found = [
        (name.replace("robots", "x-robots-tag"), element.get("content", ""))
        for element in head.iter("meta")
        if (name := element.get("name", "")) in ("tdm-reservation", "tdm-policy", "robots")
    ]
    for element in head.iter("link"):
        found.append(
            ("link", f'<{element.get("href")}>; rel="{element.get("rel")}"; type="{element.get("type")}"')
        )
    return found


def told(got: Got) -> list[tuple[str, str]]:
    """The same of the headers; content-usage has no form in HTML."""
    names = (b"tdm-reservation", b"tdm-policy", b"x-robots-tag", b"link")
    return [(name.decode(), value.decode()) for name, value in got.start["headers"] if name in names]


def shows(made: Callable[[dict[str, Any]], object]) -> Callable[..., Awaitable[None]]:
    """An application that answers with what is made of its scope."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await HTMLResponse(str(made(scope)))(scope, receive, send)

    return app
