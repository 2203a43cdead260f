"""The look that is due now and then at who reads on is a short one, and misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from asgi_support import NAVIGATION, PageApp, call, scope, watched
from vorbehalt import VorbehaltMiddleware
from vorbehalt.facts import Visit

PERSON = ("203.0.114.9", 50123)


def asked(site: Any, path: str, headers: Sequence[tuple[bytes, bytes]], **more: Any) -> None:
    asyncio.run(call(site, scope(path, agent=None, headers=headers, client=PERSON, **more)))


def reads_on(site: VorbehaltMiddleware, pages: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """A person who loads what belongs to pages and follows links of the site."""
    asset = tuple(
        (name, {b"sec-fetch-mode": b"no-cors", b"sec-fetch-dest": b"style"}.get(name, value))
        for name, value in headers
        if name not in (b"sec-fetch-user", b"upgrade-insecure-requests")
    )
    for number in range(pages):
        asked(site, f"/lyrics/{number % 5}", headers)
        asked(site, "/style.css", asset)


def long_looks(site: VorbehaltMiddleware, monkeypatch: pytest.MonkeyPatch) -> list[Visit]:
    assert site.runtime is not None
    conduct = site.runtime.live.engine.conduct
    assert conduct is not None
    looks: list[Visit] = []
    observe = conduct.watch.observe

    def noting(visit: Visit, *args: Any, **named: Any) -> Any:
        looks.append(visit)
        return observe(visit, *args, **named)

    monkeypatch.setattr(conduct.watch, "observe", noting)
    return looks


def test_whoreads_on_takes_no_long_look_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = watched(PageApp(), None)
    reads_on(site, 20, NAVIGATION)
    looks = long_looks(site, monkeypatch)

    reads_on(site, 90, NAVIGATION)

    assert looks == []
    assert site.runtime is not None
    assert site.runtime.counters.snapshot()["vorbehalt_requests_total", ("allow", "none")] == 220


def test_over_plain_http_it_is_not_what_was_seen_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = watched(PageApp(), None)
    reads_on(site, 20, NAVIGATION)
    looks = long_looks(site, monkeypatch)

    for _ in range(65):
        asked(site, "/lyrics/1", NAVIGATION, scheme="http")

    assert [visit.scheme for visit in looks] == ["http"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"sec-ch-ua-platform", b'"Linux"'),
        (b"sec-ch-ua", b'"Chromium";v="99"'),
    ],
    ids=["platform", "version"],
)
def test_whoreads_on_and_then_contradicts_itself_is_found_at_the_next_look(name: bytes, value: bytes) -> None:
    app = PageApp()
    site, _ = watched(app, None)
    reads_on(site, 20, NAVIGATION)

    reads_on(site, 65, tuple((key, value if key == name else own) for key, own in NAVIGATION))

    assert max(page["vorbehalt"].score for page in app.pages) > 0
