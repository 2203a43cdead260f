"""Birth and death of the middleware: lifespan, wrong configurations, reload, websockets, test clients."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from asgi_support import GPTBOT, PERPLEXITY, PageApp, ask, call, config, protect, scope
from vorbehalt import ConfigError, VorbehaltError, VorbehaltMiddleware
from vorbehalt.errors import EvidenceError

WRONG: dict[str, Any] = {"format": 1, "site": {"origin": "not an origin"}}


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("a page")


def starlette_site(settings: dict[str, Any]) -> Starlette:
    app = Starlette(routes=[Route("/", page)])
    app.add_middleware(VorbehaltMiddleware, config=settings)
    return app


def lifespan(app: Any) -> list[dict[str, Any]]:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    got = asyncio.run(call(app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming))
    return got.messages


def test_a_wrong_configuration_raises_where_it_is_wrapped_directly() -> None:
    with pytest.raises(ConfigError, match="V0"):
        VorbehaltMiddleware(PageApp(), config=WRONG)


def test_an_unusable_evidence_directory_raises_and_names_the_ways_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(EvidenceError, match="memory:") as caught:
        VorbehaltMiddleware(
            PageApp(), config=config(evidence={"directory": str(tmp_path / "file" / "evidence")})
        )
    assert '"off"' in str(caught.value)


def test_under_add_middleware_a_wrong_configuration_fails_the_startup() -> None:
    messages = lifespan(starlette_site(WRONG))

    assert messages[0]["type"] == "lifespan.startup.failed"
    assert "origin" in messages[0]["message"]


def test_under_add_middleware_without_lifespan_people_pass_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = starlette_site(WRONG)

    with caplog.at_level(logging.CRITICAL, "vorbehalt"):
        assert ask(app, "/").status == 200
        assert ask(app, "/", agent=GPTBOT).status == 200
    assert len([r for r in caplog.records if r.levelno == logging.CRITICAL]) == 1


def test_a_right_configuration_starts_and_stops() -> None:
    messages = lifespan(starlette_site(config()))

    assert [m["type"] for m in messages] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_the_constructor_starts_no_thread() -> None:
    import threading

    before = set(threading.enumerate())
    protect(PageApp())

    assert set(threading.enumerate()) <= before


def test_starlettes_test_client_is_never_refused_with_and_without_lifespan() -> None:
    app = starlette_site(config())

    assert TestClient(app).get("/").status_code == 200
    assert TestClient(app).get("/").headers["tdm-reservation"] == "1"
    with TestClient(app) as client:
        assert client.get("/").status_code == 200
        assert client.get("/", headers={"user-agent": GPTBOT.decode()}).status_code == 403
    assert TestClient(app).get("/").status_code == 200


def test_trio_is_refused_with_a_sentence() -> None:
    site = starlette_site(config())

    with pytest.raises(VorbehaltError, match="asyncio only"):
        TestClient(site, backend="trio").get("/")
    with pytest.raises(VorbehaltError, match="asyncio only"), TestClient(site, backend="trio"):
        pass


def test_a_test_client_is_told_of_a_wrong_configuration() -> None:
    with pytest.raises(ConfigError, match="origin"), TestClient(starlette_site(WRONG)):
        pass


def test_a_changed_configuration_is_taken_over_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "vorbehalt.toml"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        '[evidence]\ndirectory = "memory:"\n[policy]\nmode = "enforce"\n'
    )
    file.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=file)
    assert site.runtime is not None
    # The housekeeper would sometimes be the first to see a change.
    site.runtime._keep_house = lambda: None  # type: ignore[method-assign]
    assert ask(site, agent=GPTBOT).status == 403

    file.write_text(text.replace("enforce", "observe") + "# changed\n")
    assert site.runtime.reload()
    assert ask(site, agent=GPTBOT).status == 200
    file.write_text(text.replace("enforce", "perhaps") + "# changed again\n")
    assert not site.runtime.reload()
    assert ask(site, agent=GPTBOT).status == 200
    assert "configuration" in str(site.runtime.health()["reasons"])
    file.write_text(text)
    assert site.runtime.reload()
    assert ask(site, agent=GPTBOT).status == 403
    assert "configuration" not in str(site.runtime.health()["reasons"])


def websocket(agent: bytes, **more: Any) -> dict[str, Any]:
    request = scope("/socket", agent=agent)
    del request["method"]
    return {**request, "type": "websocket", "scheme": "wss", "subprotocols": [], **more}


async def socket_app(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept", "headers": [(b"x-app", b"1")]})
    await send({"type": "websocket.send", "text": "hello"})
    await send({"type": "websocket.close"})


def test_a_crawlers_websocket_is_answered_by_http_where_the_server_can() -> None:
    got = asyncio.run(
        call(protect(socket_app), websocket(GPTBOT, extensions={"websocket.http.response": {}}))
    )

    assert [m["type"] for m in got.messages] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert got.messages[0]["status"] == 403
    assert got.receives == 0


def test_a_crawlers_websocket_is_closed_where_the_server_cannot() -> None:
    got = asyncio.run(call(protect(socket_app), websocket(GPTBOT)))

    assert [m["type"] for m in got.messages] == ["websocket.close"]


@pytest.mark.parametrize("agent", [b"Mozilla/5.0 Firefox/143.0", PERPLEXITY])
def test_an_accepted_websocket_carries_the_terms(agent: bytes) -> None:
    got = asyncio.run(call(protect(socket_app), websocket(agent), [{"type": "websocket.connect"}]))

    accept = got.messages[0]
    assert accept["type"] == "websocket.accept"
    assert (b"x-app", b"1") in accept["headers"]
    assert (b"tdm-reservation", b"1") in accept["headers"]
