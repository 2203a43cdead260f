"""Trap links in pages: hidden from people, forbidden to robots, tied to whom they were given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns
from typing import Any
from xml.etree import ElementTree

import html5lib
import pytest
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.templating import Jinja2Templates

from asgi_support import Got, PageApp, ask, protect, scope
from vorbehalt import reservation_context, trap_link
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.trap_links import TrapLinks, place_traps, traps_of

SECRET = b"a secret of the site"
PAGE = "<!doctype html><html lang=en><title>Lyrics</title><p>Words<p>{{ trap_link(request) }}</html>"
VISITOR = ("9.9.9.9", 4711)
DAY = 86_400_000_000_000


def links(path: str = "/related/", secret: bytes = SECRET) -> TrapLinks:
    return TrapLinks(path, secret, AddressResolver())


@contextmanager
def site(traps: TrapLinks | None) -> Iterator[Any]:
    """A site with Jinja templates whose plan places these traps."""
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page": PAGE}), autoescape=True))
    templates.env.globals["trap_link"] = trap_link

    async def page(request: Request) -> Response:
        return templates.TemplateResponse(request, "page")

    inner = Starlette(routes=[Route("/{rest:path}", page)])
    app = protect(Starlette(routes=[Mount("/below", inner), Route("/{rest:path}", page)]))
    ask(app, "/warm-up")
    assert app.runtime is not None
    plans = app.runtime.live.engine.plans()
    for plan in plans:
        place_traps(plan, traps)
    try:
        yield app
    finally:
        for plan in plans:
            place_traps(plan, None)


def anchors(got: Got) -> list[ElementTree.Element]:
    document = html5lib.parse(got.body.decode(), namespaceHTMLElements=False)
    return list(document.iter("a"))


def test_the_link_is_seen_by_nobody_and_followed_by_no_obedient_robot() -> None:
    with site(links()) as app:
        (anchor,) = anchors(ask(app, "/lyrics/1", client=VISITOR))

    assert anchor.get("rel") == "nofollow"
    assert anchor.get("aria-hidden") == "true"
    assert anchor.get("tabindex") == "-1"
    assert anchor.get("hidden") is not None
    assert "".join(anchor.itertext()) == ""
    assert list(anchor) == []


def test_the_mark_in_it_is_that_of_the_visitor() -> None:
    traps = links()
    with site(traps) as app:
        (anchor,) = anchors(ask(app, "/lyrics/1", client=VISITOR))

    mark = traps.mark_of(anchor.get("href", ""), time_ns())
    assert mark is not None
    assert traps.tie(mark, "9.9.9.9") == ""
    assert traps.tie(mark, "8.8.8.8") == f"a link that was given to client {mark.client} of day {mark.day}"


def test_every_page_and_every_visitor_has_a_link_of_its_own() -> None:
    with site(links()) as app:
        made = [
            anchors(ask(app, path, client=(address, 1)))[0].get("href")
            for path in ("/lyrics/1", "/lyrics/2")
            for address in ("9.9.9.9", "8.8.8.8")
        ]

    assert len(set(made)) == 4


def test_a_mount_below_which_the_site_lies_stands_before_the_link() -> None:
    with site(links()) as app:
        (anchor,) = anchors(ask(app, "/below/a", client=VISITOR))

    assert anchor.get("href", "").startswith("/related/")


@pytest.mark.parametrize(
    "client", [("10.0.0.1", 1), ("203.0.113.9", 1), None], ids=["private", "test-net", "none"]
)
def test_who_is_not_known_gets_no_link(client: Any) -> None:
    with site(links()) as app:
        got = ask(app, "/lyrics/1", client=client)

    assert got.status == 200
    assert anchors(got) == []


def test_another_site_that_began_with_the_same_signals_takes_nobodys_links_away() -> None:
    """It was found under the digest that it had before, and its own digest has no links."""
    others = [protect(PageApp()) for _ in range(8)]
    for other in others:
        assert other.runtime is not None
        engine = other.runtime.live.engine
        engine.default.take(engine.render(engine.default.settings, b"User-agent: *\nDisallow: /a/\n"))
    with site(links()) as app:
        (anchor,) = anchors(ask(app, "/lyrics/1", client=VISITOR))
    assert anchor.get("href", "").startswith("/related/")
    assert len(others) == 8


def test_where_no_traps_are_placed_there_is_no_link() -> None:
    with site(None) as app:
        assert anchors(ask(app, "/lyrics/1", client=VISITOR)) == []
    assert trap_link(scope()) == ""
    assert trap_link(None) == ""


def test_a_fault_of_ours_costs_the_link_and_not_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a fault")

    traps = links()
    monkeypatch.setattr(TrapLinks, "element", broken)
    with site(traps) as app:
        got = ask(app, "/lyrics/1", client=VISITOR)

    assert got.status == 200
    assert anchors(got) == []


def test_django_templates_have_it_by_name() -> None:
    assert reservation_context(scope())["trap_link"]() == ""


def test_a_path_without_a_mark_of_ours_is_no_trap() -> None:
    traps = links()
    now = time_ns()

    for path in ("/", "/related", "/related/", "/related/songs", "/related/" + "A" * 30, "/other/x"):
        assert traps.mark_of(path, now) is None


def test_a_link_from_an_old_page_counts_no_more() -> None:
    traps = links()
    now = time_ns()
    element = traps.element(scope("/a", client=VISITOR), now)
    path = element.partition('href="')[2].partition('"')[0]

    assert traps.mark_of(path, now + 6 * DAY) is not None
    assert traps.mark_of(path, now + 7 * DAY) is None


@pytest.mark.parametrize("path", ["", "/", "related/", "/related", "//"])
def test_a_path_that_would_forbid_the_whole_site_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        links(path)


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        links(secret=b"short")


def test_traps_of_a_host_that_is_gone_are_forgotten() -> None:
    with site(links()) as app:
        plan = app.runtime.live.engine.plans()[0]
        assert traps_of(plan) is not None
    assert traps_of(plan) is None
