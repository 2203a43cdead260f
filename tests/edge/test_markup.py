"""Marks in pages and feeds: real templates, real frameworks, and always what the headers say."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from jinja2 import DictLoader, Environment
from litestar import Litestar, MediaType, get
from litestar import Request as LitestarRequest
from quart import Quart
from quart import request as quart_request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.templating import Jinja2Templates

from asgi_support import CHROME, GPTBOT, PERPLEXITY, ask, call, config, protect, scope
from markup_support import OPEN, marks, shows, told
from vorbehalt import VorbehaltMiddleware, reservation_context, reservation_feed, reservation_meta
from vorbehalt.edge import in_force

SITES: dict[str, dict[str, Any]] = {
    "default": {},
    "press open": {"reservation": {"section": [{"name": "press", "paths": ["/press/"], **OPEN}]}},
    "all open": {"reservation": OPEN},
    "pages closed, sound open": {
        "reservation": {
            **OPEN,
            "section": [
                {"name": "pages", "media": ["text/html"], "training": "reserve"},
                {"name": "sound", "media": ["audio/*"], "search": "reserve"},
                {"name": "press", "paths": ["/press/"], "ai_input": "reserve"},
                {"name": "talks", "paths": ["/press/"], "media": ["text/html"], **OPEN},
            ],
        }
    },
}
PAGE = "<!doctype html><html lang=en><head><title>A page</title>{{ reservation_meta(request) }}</head><p>Text"


def jinja_site(**sections: Any) -> VorbehaltMiddleware:
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page": PAGE}), autoescape=True))
    templates.env.globals["reservation_meta"] = reservation_meta

    async def page(request: Request) -> Response:
        return templates.TemplateResponse(request, "page")

    async def streamed(request: Request) -> Response:
        async def parts() -> Any:
            for part in templates.get_template("page").generate(request=request):
                yield part

        return StreamingResponse(parts(), media_type="text/html")

    inner = Starlette(routes=[Route("/{rest:path}", page)])
    routes = [
        Route("/streamed", streamed),
        Mount("/below", inner),
        Route("/press/listen", page),
        Route("/{rest:path}", page),
    ]
    return protect(Starlette(routes=routes), **sections)


@pytest.mark.parametrize("agent", [CHROME, PERPLEXITY])
@pytest.mark.parametrize("path", ["/a", "/press/a", "/press/listen", "/streamed", "/below/press/a"])
@pytest.mark.parametrize("name", list(SITES))
def test_a_page_says_in_its_head_what_its_headers_say(name: str, path: str, agent: bytes) -> None:
    site = jinja_site(**SITES[name])

    # The first visit takes the long way, the second the short one.
    for _ in range(2):
        got = ask(site, path, agent=agent)
        assert got.status == 200
        assert marks(got) == told(got)
        assert marks(got)


def test_the_marks_of_reserved_training_hide_no_page_from_search() -> None:
    found = dict(marks(ask(jinja_site(), "/a")))

    assert found["x-robots-tag"] == "noai, noimageai"
    assert found["tdm-reservation"] == "1"
    assert found["tdm-policy"] == "https://label.example/.well-known/tdm-policy.json"


def test_what_is_open_says_so_and_nothing_more() -> None:
    found = marks(ask(jinja_site(**SITES["press open"]), "/press/a"))

    assert [name for name, _ in found] == ["tdm-reservation", "link"]
    assert found[0] == ("tdm-reservation", "0")


def test_a_mount_below_which_the_site_lies_changes_nothing() -> None:
    site = jinja_site(**SITES["pages closed, sound open"])

    got = ask(site, "/site/press/a", root_path="/site")

    assert marks(got) == told(got)
    assert got.header(b"content-usage") == b"train-ai=y, ai-use=y, search=y"


def test_the_marks_follow_a_changed_configuration(tmp_path: Path) -> None:
    text = '[site]\norigin = "https://label.example"\n[evidence]\ndirectory = "memory:"\n[reservation]\n'
    file = tmp_path / "vorbehalt.toml"
    file.write_text(f'format = 1\n{text}training = "reserve"\n')
    site = VorbehaltMiddleware(shows(reservation_meta), config=file)
    before = ask(site, "/a")
    file.write_text(
        f'format = 1\n{text}training = "allow"\nai_input = "allow"\ntdm = "allow"\nsearch = "allow"\n'
    )
    assert site.runtime is not None

    assert site.runtime.reload(force=True)
    after = ask(site, "/a")

    for got, value in ((before, "1"), (after, "0")):
        assert marks(got) == told(got)
        assert dict(marks(got))["tdm-reservation"] == value


def test_the_marks_go_on_when_the_sites_own_robots_file_becomes_known() -> None:
    site = protect(shows(reservation_meta))
    assert site.runtime is not None
    before = ask(site, "/a")
    site.runtime.set_site_robots(site.runtime.live.engine.default, b"User-agent: *\nDisallow: /x\n")

    assert marks(ask(site, "/a")) == marks(before) != []


def test_an_answer_that_was_begun_before_a_change_ends_as_it_began(tmp_path: Path) -> None:
    seen: list[str] = []

    async def changes_meanwhile(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        assert site.runtime is not None
        site.runtime.set_site_robots(site.runtime.live.engine.default, b"User-agent: *\nDisallow: /x\n")
        site.runtime.config = config(reservation=OPEN)
        site.runtime.reload(force=True)
        gc.collect()
        seen.append(reservation_meta(scope))
        await send({"type": "http.response.body", "body": seen[-1].encode()})

    site = protect(changes_meanwhile)
    for _ in range(2):
        got = ask(site, "/a")
        assert marks(got) == told(got)
        assert seen[-1]


def test_two_sites_with_the_same_terms_do_not_need_one_another() -> None:
    one, two = protect(shows(reservation_meta)), protect(shows(reservation_meta))
    digest = one.runtime.live.engine.default.bundle.digest if one.runtime else ""
    two.close()
    del two
    gc.collect()

    assert in_force.plan_of(digest) is not None
    assert marks(ask(one, "/a"))


def test_terms_that_nobody_answers_by_any_more_are_forgotten() -> None:
    site = protect(shows(reservation_meta), site={"operator": "A label of one test"})
    assert site.runtime is not None
    digest = site.runtime.live.engine.default.bundle.digest
    site.close()
    del site
    gc.collect()

    assert in_force.plan_of(digest) is None


@pytest.mark.parametrize(
    "request_", [None, 1, "", {}, scope(), SimpleNamespace(scope=None), SimpleNamespace(META={})], ids=repr
)
def test_without_the_middleware_there_is_no_mark_and_no_error(request_: Any) -> None:
    assert reservation_meta(request_) == ""
    assert reservation_feed(request_) == ""
    assert reservation_feed(request_, "/a") == ""
    assert {name: make() for name, make in reservation_context(request_).items()} == {
        "reservation_meta": "",
        "reservation_feed": "",
        "trap_link": "",
    }


def test_switched_off_there_is_no_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VORBEHALT_ENABLED", "0")

    assert ask(protect(shows(reservation_meta)), "/a").body == b""


def test_a_fault_of_ours_costs_the_mark_and_not_the_page(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("vorbehalt.reservation.markup.meta", lambda headers: 1 / 0)

    with caplog.at_level(logging.ERROR, "vorbehalt"):
        got = ask(protect(shows(lambda scope: f"page{reservation_meta(scope)}")), "/a")

    assert got.body == b"page"
    assert "a page or feed goes without the mark" in caplog.text


def test_a_refused_crawler_sees_neither_page_nor_mark() -> None:
    got = ask(protect(shows(reservation_meta)), "/a", agent=GPTBOT)

    assert got.status == 403
    assert b'<meta name="tdm' not in got.body


def test_requests_of_frameworks_are_as_good_as_their_scope() -> None:
    def made(scope: dict[str, Any]) -> str:
        return str(reservation_meta(Request(scope))) + str(reservation_meta(SimpleNamespace(scope=scope)))

    got = ask(protect(shows(made)), "/a")

    assert sorted(marks(got)) == sorted(told(got) * 2)


def test_fastapi_litestar_and_quart_requests_are_taken() -> None:
    fastapi = FastAPI()

    @fastapi.get("/a", response_class=HTMLResponse)
    def page(request: FastAPIRequest) -> str:
        return reservation_meta(request)

    @get("/a", media_type=MediaType.HTML, sync_to_thread=False)
    def litestar_page(request: LitestarRequest[Any, Any, Any]) -> str:
        return str(reservation_meta(request))

    quart = Quart("site")

    @quart.route("/a")
    async def quart_page() -> str:
        return str(reservation_meta(quart_request))

    for app in (fastapi, Litestar([litestar_page]), quart):
        got = asyncio.run(call(protect(app), scope("/a")))
        assert marks(got) == told(got) != [], app
