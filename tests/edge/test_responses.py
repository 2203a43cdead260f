"""Every response carries the terms, whatever the app answers , however; what is the app's stays as it is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, call, config, protect, scope
from vorbehalt import VorbehaltMiddleware

SHARED: list[tuple[bytes, bytes]] = [(b"content-type", b"text/html"), (b"link", b"</style.css>; rel=preload")]
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": SHARED}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x", "more_body": False}


class Says:
    """An app that sends the very same messages every time."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = messages
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/robots.txt":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})
            return
        self.calls += 1
        for message in self.messages:
            await send(message)


ANSWERS: dict[str, tuple[dict[str, Any], ...]] = {
    **{
        str(status): ({**START, "status": status}, BODY)
        for status in (200, 201, 206, 301, 304, 401, 404, 500, 503)
    },
    "streamed": (START, {**BODY, "more_body": True}, {**BODY, "more_body": True}, BODY),
    "pathsend": (START, {"type": "http.response.pathsend", "path": __file__}),
    "zerocopysend": (START, {"type": "http.response.zerocopysend", "file": 0, "count": 1}),
    "early hints": ({"type": "http.response.early_hint", "links": [b"</a>"]}, START, BODY),
    "trailers": ({**START, "trailers": True}, BODY, {"type": "http.response.trailers", "headers": SHARED}),
    "debug": ({"type": "http.response.debug", "info": {}}, START, BODY),
    "no headers": ({"type": "http.response.start", "status": 200}, BODY),
    "headers of None": ({**START, "headers": None}, BODY),
    "a tuple": ({**START, "headers": tuple(SHARED)}, BODY),
    "lists": ({**START, "headers": [list(pair) for pair in SHARED]}, BODY),
    "upper case": ({**START, "headers": [(b"TDM-Reservation", b"0"), (b"X-Own", b"1")]}, BODY),
}


@pytest.mark.parametrize("agent", [CHROME, PERPLEXITY])
@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_of_the_app_carries_the_terms_once(name: str, agent: bytes) -> None:
    before = repr(ANSWERS[name])
    app = Says(*ANSWERS[name])
    site = protect(app)

    for method in ("GET", "GET", "HEAD", "POST"):
        got = ask(site, agent=agent, method=method)

        assert [m["type"] for m in got.messages] == [m["type"] for m in ANSWERS[name]]
        names = [key.lower() for key, _ in got.start["headers"]]
        assert names.count(b"tdm-reservation") == names.count(b"content-usage") == 1
        assert got.header(b"tdm-reservation") == b"1"
        assert got.start["headers"] is not ANSWERS[name][0].get("headers")
        others = [m for m in got.messages if m["type"] != "http.response.start"]
        assert others == [m for m in ANSWERS[name] if m["type"] != "http.response.start"]
    assert app.calls == 4
    assert repr(ANSWERS[name]) == before
    assert site.runtime is not None
    assert ("vorbehalt_internal_errors_total", ()) not in site.runtime.counters.snapshot()


def test_answers_of_our_own_carry_the_terms() -> None:
    site = protect(PageApp())

    for path, agent, status in (
        ("/page", GPTBOT, 403),
        ("/page", GPTBOT, 403),
        ("/robots.txt", CHROME, 200),
        ("/license.xml", CHROME, 200),
        ("/ai-policy", CHROME, 200),
        ("/.vorbehalt/health", CHROME, 200),
    ):
        got = ask(site, path, agent=agent)
        assert got.status == status
        assert got.header(b"tdm-reservation") == b"1", path
    assert ask(site, "/robots.txt", method="DELETE").header(b"tdm-reservation") == b"1"
    assert ask(site, "/.vorbehalt/health", method="HEAD").body == b""


@pytest.mark.parametrize("value", ["0", "false", "NO", " off "])
def test_switched_off_it_is_as_if_it_were_not_there(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VORBEHALT_ENABLED", value)
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    site = VorbehaltMiddleware(app, config={"format": "nonsense"})
    for request in (
        {**scope()},
        {**scope(agent=GPTBOT)},
        {**scope(), "type": "websocket"},
        {"type": "lifespan"},
    ):
        asyncio.run(call(site, request))
        assert seen[-1][0] is request
    site.close()


@pytest.mark.parametrize("value", ["1", "true", "", "yes"])
def test_anything_else_leaves_it_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VORBEHALT_ENABLED", value)

    assert ask(protect(PageApp()), agent=GPTBOT).status == 403


def health(site: VorbehaltMiddleware) -> str:
    return " ".join(json.loads(ask(site, "/.vorbehalt/health", client=("127.0.0.1", 1)).body)["reasons"])


def test_health_says_that_only_a_proxy_is_seen() -> None:
    site = protect(PageApp())
    assert "X-Forwarded-For" not in health(site)

    ask(site, "/a", client=("10.0.0.7", 1))
    assert "address of the public internet" in health(site)
    assert "network.trusted_proxies" in health(site)
    ask(site, "/b", client=("10.0.0.7", 1), headers=[(b"x-forwarded-for", b"8.8.8.8")])
    assert "we see your proxy, not your visitors" in health(site)


def test_health_says_nothing_once_visitors_are_seen() -> None:
    site = protect(PageApp(), network={"trusted_proxies": ["10.0.0.0/8"]})

    ask(site, "/a", client=("10.0.0.7", 1))
    ask(site, "/b", client=("10.0.0.7", 1), headers=[(b"x-forwarded-for", b"8.8.8.8")])

    assert "proxies" not in health(site)


def test_forward_auth_notes_the_visitors_it_is_asked_about() -> None:
    settings = config(network={"trusted_proxies": ["10.0.0.0/8"]})
    site = VorbehaltMiddleware(PageApp(), config=settings, forward_auth=True)
    proxy = ("10.0.0.7", 1)

    ask(site, "/.vorbehalt/auth", client=proxy)
    assert "address of the public internet" in health(site)
    ask(site, "/.vorbehalt/auth", client=proxy, headers=[(b"x-forwarded-for", b"8.8.8.8")])
    assert "address of the public internet" not in health(site)


def test_the_scope_of_a_known_path_is_the_servers_own_but_for_the_verdict() -> None:
    app = PageApp()
    site = protect(app)
    extensions: dict[str, Any] = {"http.response.pathsend": {}}
    request = scope(extensions=extensions, state={"a": 1}, anything=object())

    for _ in range(3):
        asyncio.run(call(site, request))

    for seen in app.pages:
        assert {key: value for key, value in seen.items() if key != "vorbehalt"} == request
        assert seen["extensions"] is extensions
        assert seen is not request


def test_receive_and_send_of_a_reader_are_passed_on_on_the_short_way() -> None:
    app = PageApp()
    received: list[Any] = []

    class Reads(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            received.append(await receive())
            await super().__call__(scope, receive, send)

    site = protect(Reads())
    post = {"type": "http.request", "body": b"form", "more_body": False}
    for agent in (CHROME, CHROME, PERPLEXITY):
        asyncio.run(call(site, scope(agent=agent, method="POST"), [post]))

    assert received == [post] * 3
    assert app.scopes == []
