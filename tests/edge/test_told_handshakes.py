"""`[patterns] tls_header` at the edge: a proxy of the site's own tells the handshake, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import PageApp, call, protect, scope
from pattern_support import captured_headers

PROXY = ("10.0.0.1", 40000)
GENUINE = b"t13d1516h2_8daaf6152771_02713d6af862"
OTHER = b"t13d4312h1_c7886603b240_b26ce05bbdd6"
CHROMIUM = [
    (name.lower().encode(), value.encode())
    for name, value in captured_headers("chromium-headful").items()
    if name.lower() not in ("host", "connection", "cookie")
]


@pytest.fixture
def app() -> PageApp:
    return PageApp()


@pytest.fixture
def site(app: PageApp) -> Any:
    """A site behind a proxy, at which readers of twenty networks have returned their cookie."""
    site = protect(app, network={"trusted_proxies": ["10.0.0.0/8"]}, patterns={"tls_header": "X-JA4"})
    for number in range(20):
        visit(site, f"5.6.{number}.7", GENUINE)
        visit(site, f"5.6.{number}.7", GENUINE, path="/a", cookie=True)
    return site


def visit(
    site: Any, address: str, ja4: bytes, *, path: str = "/", cookie: bool = False, peer: Any = PROXY
) -> None:
    headers = [*CHROMIUM, (b"x-ja4", ja4), (b"x-forwarded-proto", b"https")]
    headers += [(b"cookie", b"sid=1")] if cookie else []
    headers += [(b"x-forwarded-for", address.encode())] if peer is PROXY else []
    asked = scope(path, agent=None, headers=headers, client=peer)
    assert asyncio.run(call(site, asked)).status == 200


def found(app: PageApp) -> list[tuple[str, str]]:
    verdict = app.pages[-1]["vorbehalt"]
    return [(finding.id, finding.observed) for finding in verdict.findings]


def test_another_handshake_told_by_the_proxy_contradicts_the_browser(site: Any, app: PageApp) -> None:
    visit(site, "9.9.9.9", OTHER)

    assert found(app) == [("proto.tls_contradicts", f"claims chrome 156; JA4 {OTHER.decode()}")]
    assert app.pages[-1]["vorbehalt"].level == "limit"


def test_the_known_one_does_not(site: Any, app: PageApp) -> None:
    visit(site, "9.9.9.9", GENUINE)

    assert found(app) == []


def test_the_header_of_a_visitor_who_comes_past_the_proxy_says_nothing(site: Any, app: PageApp) -> None:
    visit(site, "9.9.9.9", OTHER, peer=("9.9.9.9", 50123))

    assert found(app) == []
    assert site.runtime.live.engine.conduct.watch.failures == 0
