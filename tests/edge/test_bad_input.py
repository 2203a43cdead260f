"""Any scope a server may make of any bytes: nobody is refused by accident, nothing of ours is raised."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asgi_support import CHROME, GPTBOT, PERPLEXITY, Got, PageApp, call, protect, scope
from vorbehalt import VorbehaltMiddleware

ERRORS = ("vorbehalt_internal_errors_total", ())


def errors(site: VorbehaltMiddleware) -> int:
    assert site.runtime is not None
    return site.runtime.counters.snapshot().get(ERRORS, 0)


def ask_thrice(site: VorbehaltMiddleware, request: dict[str, Any]) -> list[Got]:
    """Before, while and after anything is remembered of it."""

    async def thrice() -> list[Got]:
        return [await call(site, dict(request)) for _ in range(3)]

    return asyncio.run(thrice())


PATHS = (
    "*",
    "",
    "/",
    "//",
    "///",
    "/..",
    "/../..",
    "/.",
    "/%2e%2e/page",
    "/\\..\\page",
    "\\",
    "/\x00",
    "/a\r\nb",
    "/\udcff",
    "/\ud800",
    "http://label.example",
    "http://",
    "HTTPS://label.example/page",
    "label.example:443",
    "?",
    "/?a#b",
    "/page;x=1",
    "/" + "a" * 65536,
    "/" + "/." * 30000,
    "/" + "../" * 20000,
    "page",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path[:24]))
@pytest.mark.parametrize("raw", [True, False])
def test_odd_paths_reach_the_app_as_they_came_and_a_crawler_not_at_all(path: str, raw: bool) -> None:
    app = PageApp()
    site = protect(app)
    request = scope("/page", agent=CHROME)
    request["path"] = path
    if raw:
        request["raw_path"] = path.encode("utf-8", "surrogatepass")
    else:
        del request["raw_path"]

    assert [got.status for got in ask_thrice(site, request)] == [200] * 3
    assert [seen["path"] for seen in app.pages] == [path] * 3
    assert {
        got.status for got in ask_thrice(site, {**request, "headers": scope(agent=GPTBOT)["headers"]})
    } == {403}
    assert len(app.pages) == 3
    assert errors(site) == 0


def test_dots_that_the_server_has_decoded_lead_nowhere_open() -> None:
    site = protect(PageApp())

    for path in (
        "/.well-known/../page",
        "/.well-known/./../page",
        "/.well-known//../page",
        "/favicon.ico/../page",
    ):
        assert {got.status for got in ask_thrice(site, scope(path, agent=GPTBOT))} == {403}
    for path in ("//.well-known/x", "/a/../.well-known/x"):
        assert {got.status for got in ask_thrice(site, scope(path, agent=GPTBOT))} == {200}


HEADERS: dict[str, list[tuple[Any, Any]]] = {
    "none": [],
    "no user-agent": [(b"host", b"label.example")],
    "no host": [(b"user-agent", CHROME)],
    "upper case": [(b"Host", b"label.example"), (b"User-Agent", CHROME), (b"X-Forwarded-For", b"8.8.8.8")],
    "200 duplicates": [(b"user-agent", CHROME)] * 200,
    "200 cookies": [(b"user-agent", CHROME), *[(b"cookie", b"a=1")] * 200],
    "two hosts": [(b"host", b"a"), (b"host", b"b"), (b"user-agent", CHROME)],
    "bytearrays": [
        (bytearray(b"host"), bytearray(b"label.example")),
        (bytearray(b"user-agent"), bytearray(CHROME)),
    ],
    "memoryviews": [
        (memoryview(b"host"), memoryview(b"label.example")),
        (memoryview(b"user-agent"), memoryview(CHROME)),
    ],
    "memoryview values": [
        (b"user-agent", memoryview(CHROME)),
        (b"referer", memoryview(b"https://chatgpt.com/")),
    ],
    "bytearray values": [(b"user-agent", bytearray(CHROME)), (b"host", bytearray(b"label.example"))],
    "lists": [[b"user-agent", CHROME], [b"host", b"label.example"]],  # type: ignore[list-item]
    "nul and line ends": [(b"user-agent", b"Mozilla\x00\r\nX: y\n"), (b"ho\x00st", b"\r\n"), (b"", b"")],
    "not utf-8": [(b"user-agent", b"\xff\xfe\xc0\x80"), (b"host", b"\xff\xfe"), (b"\xff", b"\xff")],
    "a megabyte": [(b"user-agent", b"Mozilla/5.0 " + b"x" * 1_000_000), (b"accept", b"a" * 1_000_000)],
    "a megabyte of words": [(b"user-agent", b"Mozilla " * 125_000)],
    "long chain": [(b"user-agent", CHROME), (b"x-forwarded-for", b"8.8.8.8, " * 50_000)],
    "odd chain": [(b"user-agent", CHROME), (b"forwarded", b'for="_x;for=";;,,="'), (b"x-real-ip", b"\x00")],
    "odd referer": [(b"user-agent", CHROME), (b"referer", b"://")],
}
HOSTS = (
    b"LABEL.example",
    b"label.example:99999",
    b"[::1]:80",
    b"[::1",
    b"::1",
    b"a b",
    b"\x00",
    b"x" * 70_000,
    b".",
    b":",
)


@pytest.mark.parametrize("name", HEADERS)
def test_odd_headers_get_nobody_refused(name: str) -> None:
    app = PageApp()
    site = protect(app)

    started = time.perf_counter()
    got = ask_thrice(site, {**scope(), "headers": HEADERS[name]})

    assert [one.status for one in got] == [200] * 3
    assert all(one.header(b"tdm-reservation") == b"1" for one in got)
    assert len(app.pages) == 3
    assert app.pages[0]["headers"] is HEADERS[name]
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: ascii(host[:16]))
@pytest.mark.parametrize("several", [True, False])
def test_any_host_gets_the_default_terms(host: bytes, several: bool) -> None:
    more = (
        {"host": [{"names": ["open.example"], "site": {"origin": "https://open.example"}}]} if several else {}
    )
    site = protect(PageApp(), **more)

    for agent, status in ((CHROME, 200), (GPTBOT, 403)):
        request = scope(agent=agent)
        request["headers"][0] = (b"host", host)
        got = ask_thrice(site, request)
        assert [one.status for one in got] == [status] * 3
        assert b"https://label.example/" in (got[2].header(b"link") or b"")
    assert errors(site) == 0


@pytest.mark.parametrize("wrap", [bytearray, memoryview, bytes])
@pytest.mark.parametrize("name", [b"user-agent", b"User-Agent", b"USER-AGENT"])
def test_a_crawler_is_seen_however_the_server_keeps_its_bytes(name: bytes, wrap: Any) -> None:
    app = PageApp()
    site = protect(app)
    ask_thrice(site, scope())
    ask_thrice(site, scope(agent=None))
    ask_thrice(site, scope(agent=b""))

    request = {**scope(), "headers": [(wrap(b"host"), wrap(b"label.example")), (wrap(name), wrap(GPTBOT))]}

    assert [got.status for got in ask_thrice(site, request)] == [403] * 3


@pytest.mark.parametrize(
    "client",
    [
        None,
        (),
        [],
        "testclient",
        "8.8.8.8",
        ("testclient", 50000),
        ["8.8.8.8", 1],
        ("", None),
        (None, None),
        (b"8.8.8.8", 1),
        (["x"], 1),
        7,
        {},
        {"a": 1},
        ("/run/app.sock", None),
        ("fe80::1%eth0", 1),
        ("::ffff:8.8.8.8", 1),
    ],
)
def test_any_client_of_a_scope_is_borne(client: Any) -> None:
    site = protect(PageApp())
    for agent in (CHROME, GPTBOT, PERPLEXITY):
        request = scope(agent=agent, client=client)

        assert [got.status for got in ask_thrice(site, request)] == [403 if agent == GPTBOT else 200] * 3


OPTIONAL = (
    "asgi",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "headers",
    "client",
    "server",
    "extensions",
)


@pytest.mark.parametrize("value", ["missing", None])
@pytest.mark.parametrize("key", OPTIONAL)
def test_a_scope_may_lack_anything(key: str, value: Any) -> None:
    class Anything(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            self.scopes.append(scope)
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body"})

    app = Anything()
    site = protect(app)
    for agent in (CHROME, GPTBOT, PERPLEXITY):
        request = scope(agent=agent)
        if value == "missing":
            request.pop(key, None)
        else:
            request[key] = value
        refused = agent == GPTBOT and key != "headers"
        assert [got.status for got in ask_thrice(site, request)] == [403 if refused else 200] * 3


@pytest.mark.parametrize("kind", [tuple, iter, "generator"])
def test_headers_may_be_any_iterable_and_the_app_still_gets_them(kind: Any) -> None:
    seen: list[list[Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append([tuple(pair) for pair in scope["headers"]])
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    site = protect(app)
    for agent, status in ((CHROME, 200), (GPTBOT, 403), (PERPLEXITY, 200)):
        for _ in range(3):
            request = scope(agent=agent)
            pairs = request["headers"]
            request["headers"] = (pair for pair in pairs) if kind == "generator" else kind(pairs)
            assert asyncio.run(call(site, request)).status == status
            assert not seen or (b"user-agent", agent) in seen[-1] or status == 403
    assert len(seen) == 6
    assert errors(site) == 0


def test_a_client_without_a_port_behind_a_proxy_is_borne() -> None:
    site = protect(PageApp())
    request = scope(agent=GPTBOT, client=("8.8.8.8",), headers=[(b"x-forwarded-for", b"9.9.9.9")])

    assert [got.status for got in ask_thrice(site, request)] == [403] * 3
    assert errors(site) == 0


def test_texts_where_bytes_belong_are_borne() -> None:
    site = protect(PageApp())
    request = {**scope(agent=GPTBOT), "raw_path": "/page", "query_string": "q=1"}

    assert [got.status for got in ask_thrice(site, request)] == [403] * 3


def test_http_1_0_without_a_host_gets_the_default_terms() -> None:
    site = protect(PageApp(), host=[{"names": ["open.example"], "site": {"origin": "https://open.example"}}])
    request = {**scope(), "http_version": "1.0", "headers": [(b"user-agent", GPTBOT)]}

    assert [got.status for got in ask_thrice(site, request)] == [403] * 3


_SITE: list[VorbehaltMiddleware] = []
_BYTES = st.binary(max_size=80)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [b"host", b"user-agent", b"x-forwarded-for", b"forwarded", b"x-real-ip", b"accept"]
            )
            | _BYTES,
            _BYTES | st.sampled_from([CHROME, b"8.8.8.8", b"text/html"]),
        ),
        max_size=8,
    ),
    path=st.text(max_size=40) | st.sampled_from(PATHS[:20]),
    client=st.none() | st.tuples(st.text(max_size=20), st.integers() | st.none()),
    query=_BYTES,
    method=st.sampled_from(["GET", "HEAD", "POST", "X" * 40, ""]),
    root=st.sampled_from(["", "/", "/shop", "//"]),
)
def test_whatever_comes_the_app_answers_or_a_named_crawler_is_refused(
    headers: Any, path: str, client: Any, query: bytes, method: str, root: str
) -> None:
    if not _SITE:
        _SITE.append(protect(PageApp()))
    site = _SITE[0]
    before = errors(site)
    request = {**scope(), "headers": headers, "path": path, "client": client, "query_string": query}
    request |= {"method": method, "root_path": root}
    del request["raw_path"]

    for got in ask_thrice(site, request):
        assert got.status in (200, 304, 404, 405) or (got.status == 403 and b"VB-" in got.body)
    assert errors(site) == before
