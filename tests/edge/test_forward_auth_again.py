"""A question that was answered before is answered the same way, faster; whatever differs is looked at."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import (
    CHROME,
    GPTBOT,
    NAVIGATION,
    PERPLEXITY,
    Got,
    PageApp,
    WatchedEvidence,
    call,
    config,
    scope,
)
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import deciding

PROXY = ("192.0.2.1", 1)
PRESS = {"name": "press", "paths": ["/press/"], "training": "allow", "ai_input": "allow", "tdm": "allow"}
OPEN = {
    "origin": "https://open.example",
    "operator": "Open",
    "contact": "mailto:a@open.example",
}


@pytest.fixture
def site() -> VorbehaltMiddleware:
    made = VorbehaltMiddleware(
        PageApp(),
        config=config(
            network={"trusted_proxies": ["192.0.2.1"]},
            reservation={"section": [PRESS]},
            host=[{"names": ["open.example"], "site": OPEN, "reservation": {"tdm": "allow"}}],
        ),
        forward_auth=True,
    )
    assert made.runtime is not None
    made.runtime.evidence = WatchedEvidence(None)
    return made


def ask(
    site: VorbehaltMiddleware,
    uri: bytes = b"/lyrics/1",
    *headers: tuple[bytes, bytes],
    agent: bytes | None = CHROME,
    client: Any = PROXY,
    host: bytes = b"label.example",
    at: str = "",
) -> Got:
    told = [(b"x-forwarded-for", b"10.8.8.8"), (b"x-forwarded-host", host)]
    told += [] if at else [(b"x-forwarded-uri", uri)]
    request = scope(f"/.vorbehalt/auth{at}", agent=agent, headers=[*told, *headers], client=client)
    return asyncio.run(call(site, request))


def quick(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch, *args: Any, **kwargs: Any
) -> Got | None:
    """The answer if it needs no looking at; None if it does."""
    looked: list[int] = []

    def decide(*inner: Any) -> Any:
        looked.append(1)
        return deciding.decide(*inner)

    with monkeypatch.context() as patch:
        patch.setattr("vorbehalt.edge.asgi.decide", decide)
        got = ask(site, *args, **kwargs)
    return None if looked else got


def counted(site: VorbehaltMiddleware) -> dict[Any, int]:
    assert site.runtime is not None
    return {key: n for key, n in site.runtime.counters.snapshot().items() if "seconds" not in key[0] and n}


@pytest.mark.parametrize(
    ("uri", "tdm"), [(b"/lyrics/1?x=1", b"1"), (b"/press//a", b"0"), (b"/%70ress/b", b"0")]
)
def test_the_second_answer_is_the_first_one(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch, uri: bytes, tdm: bytes
) -> None:
    first = ask(site, uri, (b"referer", b"https://chatgpt.com/"))
    once = counted(site)
    second = quick(site, monkeypatch, uri, (b"referer", b"https://chatgpt.com/"))

    assert second is not None, "it was looked at again"
    assert second.messages == first.messages
    assert second.header(b"tdm-reservation") == tdm
    assert {key: 2 * number for key, number in once.items()} == counted(site)
    second.start["headers"].clear()
    third = quick(site, monkeypatch, uri)
    assert third is not None
    assert third.messages == first.messages, "a server that changes its list changes nobody else's"


PERSON = (
    *(pair for pair in NAVIGATION if pair[0] != b"user-agent"),
    (b"x-forwarded-for", b"203.0.114.9"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"label.example"),
)


def test_a_person_needs_no_look_once_known_and_a_disguise_always(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has an address is a client whose conduct counts, also where a proxy asks."""

    def visit(uri: bytes, headers: Any) -> Got | None:
        looked: list[int] = []

        def decide(*inner: Any) -> Any:
            looked.append(1)
            return deciding.decide(*inner)

        pairs = [*headers, (b"x-forwarded-uri", uri)]
        with monkeypatch.context() as patch:
            patch.setattr("vorbehalt.edge.asgi.decide", decide)
            got = asyncio.run(call(site, scope("/.vorbehalt/auth", headers=pairs, client=PROXY)))
        assert got.status == 204
        return None if looked else got

    library = [pair for pair in PERSON if not pair[0].startswith(b"sec-") and pair[0] != b"x-forwarded-for"]
    library += [(b"x-forwarded-for", b"203.0.115.7")]
    for number in range(4):
        visit(b"/lyrics/%d" % number, PERSON)
        visit(b"/lyrics/%d" % number, library)
    assert any(visit(b"/lyrics/1", PERSON) is not None for _ in range(3))
    assert [visit(b"/lyrics/1", library) for _ in range(3)] == [None] * 3


def test_envoys_form_is_remembered_with_its_200(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(site, at="/press/1")
    second = quick(site, monkeypatch, at="/press/1")

    assert second is not None
    assert (second.status, second.messages) == (200, first.messages)
    assert second.header(b"tdm-reservation") == b"0"


def test_another_host_is_another_question(site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(site)

    assert quick(site, monkeypatch, host=b"open.example") is None
    assert ask(site).messages != ask(site, host=b"open.example").messages


@pytest.mark.parametrize(
    "other",
    [
        {"agent": GPTBOT},
        {"agent": PERPLEXITY},
        {"agent": None},
        {"agent": b"never seen before"},
        {"client": ("203.0.113.9", 1)},
        {"client": None},
        {"client": ("192.0.2.1", 0)},
        {"uri": b"/never/seen"},
        {"uri": b""},
        {"uri": b"/favicon.ico"},
        {"at": "/"},
    ],
)
def test_what_differs_is_looked_at(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    ask(site)
    ask(site, b"/favicon.ico")

    assert quick(site, monkeypatch, **other) is None


@pytest.mark.parametrize(
    "header",
    [
        (b"x-original-uri", b"/b"),
        (b"x-original-url", b"/b"),
        (b"x-original-method", b"PUT"),
        (b"signature-input", b'sig1=("@authority")'),
        (b"x-forwarded-uri", b"/b"),
    ],
)
def test_headers_that_may_change_the_answer_are_looked_at(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch, header: tuple[bytes, bytes]
) -> None:
    ask(site)
    ask(site, b"/lyrics/1", header)

    assert quick(site, monkeypatch, b"/lyrics/1", header) is None


def test_a_crawler_is_refused_on_a_path_that_readers_have_asked_for(site: VorbehaltMiddleware) -> None:
    assert [ask(site).status, ask(site, agent=GPTBOT).status, ask(site).status] == [204, 403, 204]


def test_it_is_forgotten_when_the_signals_change(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(site)
    assert quick(site, monkeypatch) is not None
    assert site.runtime is not None
    site.runtime.live.forget_readers()

    assert quick(site, monkeypatch) is None


def test_a_failure_of_ours_leads_to_the_long_way(
    site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(site)
    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.live, "asked", None)

    assert ask(site).status == 204
    assert site.runtime.counters.snapshot()["vorbehalt_internal_errors_total", ()] >= 1
