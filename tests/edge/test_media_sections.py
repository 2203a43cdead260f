"""What is reserved may depend on the media type: the headers follow the answer, and the record says which."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import GPTBOT, PERPLEXITY, PageApp, ask, call, protect, scope, watched
from vorbehalt.reservation.headers import headers_digest

AUDIO = {"name": "audio", "media": ["audio/*"], "search": "reserve"}
OPEN = {"search": "allow", "training": "allow", "ai_input": "allow", "tdm": "allow"}
SITE: dict[str, Any] = {"reservation": {**OPEN, "section": [{**AUDIO, "training": "reserve"}]}}


def answers(kind: bytes | None, status: int = 200) -> PageApp:
    return PageApp(status, [] if kind is None else [(b"Content-Type", kind)])


@pytest.mark.parametrize(
    ("kind", "usage"),
    [
        (b"text/html", b"train-ai=y, ai-use=y, search=y"),
        (b"audio/mpeg", b"train-ai=n, ai-use=y, search=n"),
        (b"AUDIO/Ogg; codecs=opus", b"train-ai=n, ai-use=y, search=n"),
        (b"audiobook/x", b"train-ai=y, ai-use=y, search=y"),
        (None, b"train-ai=n, ai-use=y, search=n"),
    ],
)
def test_the_headers_follow_the_media_type_and_are_the_strictest_without_one(
    kind: bytes | None, usage: bytes
) -> None:
    site = protect(answers(kind), **SITE)

    # The first visit takes the long way, the second the short one.
    for _ in range(2):
        assert ask(site, "/a").header(b"content-usage") == usage


def test_a_refusal_is_no_work_of_the_site_and_carries_the_strictest_headers() -> None:
    got = ask(protect(answers(b"audio/mpeg"), **SITE), "/a", agent=GPTBOT)
    assert got.status == 403
    assert got.header(b"content-usage") == b"train-ai=n, ai-use=y, search=n"


def test_a_longer_path_wins_over_a_section_for_media() -> None:
    sections = [
        {**AUDIO, "paths": ["/press/listen/"], "training": "reserve"},
        {"name": "press", "paths": ["/press/"], "ai_input": "reserve"},
    ]
    site = protect(answers(b"audio/mpeg"), reservation={**OPEN, "section": sections})

    assert ask(site, "/press/listen/1").header(b"content-usage") == b"train-ai=n, ai-use=y, search=n"
    assert ask(site, "/press/1").header(b"content-usage") == b"train-ai=y, ai-use=n, search=y"
    assert ask(site, "/listen/1").header(b"content-usage") == b"train-ai=y, ai-use=y, search=y"


@pytest.mark.parametrize("kind", [b"audio/mpeg", b"text/html", None])
def test_the_completion_names_the_headers_that_the_answer_carried(kind: bytes | None) -> None:
    site, evidence = watched(answers(kind), None, **SITE)

    got = asyncio.run(call(site, scope("/a", agent=PERPLEXITY)))

    ours = [header for header in got.start["headers"] if header[0] != b"Content-Type"]
    assert evidence.of("request")[0].seen["reservation"] == {
        "section": "",
        "headers": None,
        "signals": site.runtime.live.engine.default.bundle.digest if site.runtime else "",
    }
    assert evidence.of("completion")[0].seen["reservation"] == {"headers": headers_digest(ours)}


def test_without_sections_for_media_the_request_already_names_the_headers() -> None:
    site, evidence = watched(answers(b"text/html"), None)

    got = asyncio.run(call(site, scope("/a", agent=PERPLEXITY)))

    digest = headers_digest([header for header in got.start["headers"] if header[0] != b"Content-Type"])
    reservation = evidence.of("request")[0].seen["reservation"]
    assert isinstance(reservation, dict)
    assert reservation["headers"] == digest
    assert evidence.of("completion")[0].seen["reservation"] == {"headers": digest}


def test_a_signal_document_is_told_by_its_own_media_type() -> None:
    site = protect(answers(b"text/html"), reservation={"section": [{**AUDIO, "training": "reserve"}]})

    whole = ask(site, "/license.xml")
    unchanged = ask(site, "/license.xml", headers=[(b"if-none-match", whole.header(b"etag") or b"")])

    assert (whole.status, whole.header(b"content-usage")) == (200, b"train-ai=n, ai-use=n, search=y")
    assert (unchanged.status, unchanged.header(b"content-usage")) == (304, b"train-ai=n, ai-use=n, search=n")
