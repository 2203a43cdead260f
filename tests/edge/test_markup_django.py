"""The marks in templates of a real Django under ASGI, and under WSGI, where there are none."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import asyncio
from typing import Any

import django
import html5lib
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.test import RequestFactory
from django.urls import path

from asgi_support import Got, protect, scope

PAGE = (
    "<!doctype html><html lang=en><head><title>{{ title }}</title>{{ reservation_meta }}</head><p>{{ title }}"
)
CHANNEL = "<channel>{{ reservation_feed }}</channel>"


def page(request: HttpRequest, rest: str = "") -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({"title": "<b>"}, request))


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> Any:
        yield engines["django"].from_string(PAGE).render({"title": "x"}, request)

    return StreamingHttpResponse(parts())


def feed(request: HttpRequest) -> HttpResponse:
    text = engines["django"].from_string(CHANNEL).render({}, request)
    return HttpResponse(text, content_type="application/rss+xml")


urlpatterns = [path("streamed", streamed), path("feed", feed), path("<path:rest>", page)]


@pytest.fixture(autouse=True, scope="module")
def _configured() -> None:
    template = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"context_processors": ["vorbehalt.reservation_context"]},
    }
    settings.configure(
        ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="a test", TEMPLATES=[template], DEBUG=False
    )
    django.setup()


def ask(where: str, **sections: Any) -> Got:
    """Django takes the end of what is received for a client that left, so nothing ends here."""
    got, app = Got(), protect(get_asgi_application(), **sections)

    async def run() -> None:
        sent = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not sent.is_set():
                sent.set()
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, Any]) -> None:
            got.messages.append(message)

        await app(scope(where), receive, send)

    asyncio.run(run())
    return got


OPEN = {"search": "allow", "training": "allow", "ai_input": "allow", "tdm": "allow"}
PRESS = {"reservation": {"section": [{"name": "press", "paths": ["/press/"], **OPEN}]}}


@pytest.mark.parametrize("where", ["/a", "/press/a", "/streamed"])
def test_a_django_template_says_in_its_head_what_the_headers_say(where: str) -> None:
    got = ask(where, **PRESS)

    document = html5lib.parse(got.body.decode(), namespaceHTMLElements=False)
    (head,) = document.iter("head")
    found = {element.get("name"): element.get("content") for element in head.iter("meta")}
    names = (
        ("tdm-reservation", b"tdm-reservation"),
        ("tdm-policy", b"tdm-policy"),
        ("robots", b"x-robots-tag"),
    )
    assert found == {name: value.decode() for name, header in names if (value := got.header(header))}
    assert found["tdm-reservation"] == ("0" if where.startswith("/press/") else "1")
    (link,) = head.iter("link")
    assert f"<{link.get('href')}>".encode() in (got.header(b"link") or b"")


def test_a_feed_of_django_leads_to_the_licence() -> None:
    got = ask("/feed")

    assert b'rel="license" type="application/rsl+xml" href="https://label.example/license.xml"' in got.body


def test_under_wsgi_the_page_comes_without_marks() -> None:
    answer = page(RequestFactory().get("/a"))

    assert b"<title>&lt;b&gt;</title></head>" in answer.content
