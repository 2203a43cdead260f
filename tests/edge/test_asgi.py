"""The middleware from outside: what visitors get, and what the app is asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, call, config, protect, scope
from vorbehalt import VorbehaltMiddleware

SIGNALS = (
    "/robots.txt",
    "/.well-known/tdmrep.json",
    "/.well-known/tdm-policy.json",
    "/license.xml",
    "/ai-policy",
)


def test_a_reader_is_served_with_the_terms_the_first_and_every_time() -> None:
    app = PageApp(headers=[(b"content-type", b"text/html"), (b"x-robots-tag", b"nosnippet")])
    site = protect(app)

    for _ in range(3):
        got = ask(site)

        assert got.status == 200
        assert got.body == b"a page"
        assert got.header(b"tdm-reservation") == b"1"
        assert got.header(b"content-usage") == b"train-ai=n, ai-use=n, search=y"
        assert got.header(b"x-robots-tag") == b"nosnippet, noai, noimageai"
    assert app.headers == [(b"content-type", b"text/html"), (b"x-robots-tag", b"nosnippet")]
    assert [str(s["vorbehalt"].action) for s in app.pages] == ["allow"] * 3


def test_the_scope_of_the_server_is_not_written_to() -> None:
    request = scope()

    asyncio.run(call(protect(PageApp()), request))

    assert "vorbehalt" not in request


@pytest.mark.parametrize("path", ["/page", "/lyrics/1", "/", "//page", "/a/../page"])
def test_a_training_crawler_is_refused_before_the_app_is_asked(path: str) -> None:
    app = PageApp()

    got = ask(protect(app), path, agent=GPTBOT)

    assert got.status == 403
    assert not app.pages
    assert got.receives == 0
    assert got.header(b"tdm-reservation") == b"1"
    assert got.header(b"cache-control") == b"no-store"
    assert got.header(b"content-type") == b"application/problem+json"
    problem = json.loads(got.body)
    assert problem["status"] == 403
    assert "licensing@label.example" in got.body.decode()


def test_a_crawler_that_hides_in_a_second_user_agent_header_is_seen() -> None:
    got = ask(protect(PageApp()), headers=[(b"user-agent", GPTBOT)])

    assert got.status == 403


@pytest.mark.parametrize("path", SIGNALS)
@pytest.mark.parametrize("agent", [GPTBOT, CHROME, None])
def test_signal_documents_are_served_to_everybody(path: str, agent: bytes | None) -> None:
    site = protect(PageApp(), policy={"preset": "reserve-all"})

    got = ask(site, path, agent=agent)

    assert got.status == 200
    assert got.body
    again = ask(site, path, agent=agent, headers=[(b"if-none-match", got.header(b"etag") or b"")])
    assert again.status == 304
    assert again.body == b""


@pytest.mark.parametrize("path", SIGNALS[:-1])
def test_signal_documents_answer_head_and_refuse_other_methods(path: str) -> None:
    site = protect(PageApp())

    head, post = ask(site, path, method="HEAD"), ask(site, path, method="POST")

    assert (head.status, head.body) == (200, b"")
    assert int(head.header(b"content-length") or 0) > 0
    assert post.status == 405
    assert post.header(b"allow") == b"GET, HEAD"


def test_the_sites_own_policy_page_wins_over_ours() -> None:
    class Own(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"our own words"})

    got = ask(protect(Own()), "/ai-policy")

    assert got.body == b"our own words"
    assert got.header(b"tdm-reservation") == b"1"


@pytest.mark.parametrize("path", ["/.well-known/security.txt", "/ads.txt", "/favicon.ico", "/hooks/pay"])
def test_open_paths_are_never_judged(path: str) -> None:
    got = ask(protect(PageApp(), policy={"open_paths": ["/hooks/"]}), path, agent=GPTBOT)

    assert got.status == 200


def test_the_sites_own_robots_rules_are_merged_and_kept() -> None:
    class WithRobots(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/robots.txt":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"User-agent: *\nDisallow: /private/\n"})
            else:
                await super().__call__(scope, receive, send)

    body = ask(protect(WithRobots()), "/robots.txt").body

    assert b"Disallow: /private/" in body
    assert b"GPTBot" in body


def test_a_slow_or_failing_robots_of_the_site_does_not_hide_ours() -> None:
    class Broken(PageApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            raise RuntimeError("database is down")

    site = protect(Broken())

    got = ask(site, "/robots.txt", agent=GPTBOT)

    assert got.status == 200
    assert b"GPTBot" in got.body
    health = json.loads(ask(site, "/.vorbehalt/health").body)
    assert health["state"] == "yellow"
    assert "robots.txt" in " ".join(health["reasons"])


def test_the_app_is_called_once_and_its_exception_passes_unchanged() -> None:
    calls = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["path"])
        raise KeyError("the app's own")

    site = protect(app)
    for agent in (CHROME, CHROME, PERPLEXITY):
        with pytest.raises(KeyError, match="the app's own"):
            ask(site, "/page", agent=agent)
    assert calls == ["/page"] * 3


def test_cancellation_is_not_swallowed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        for agent in (CHROME, PERPLEXITY):
            task = asyncio.ensure_future(call(protect(app), scope(agent=agent)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_trouble_of_ours_lets_the_request_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())

    def broken(*_: Any) -> Any:
        raise ValueError("a fault of ours")

    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.live.engine, "judge", broken)

    got = ask(site, agent=GPTBOT)

    assert got.status == 200
    assert site.runtime.counters.snapshot()[("vorbehalt_internal_errors_total", ())] == 1


def test_a_nested_middleware_passes_through() -> None:
    app = PageApp()
    site = protect(protect(app))

    got = ask(site)

    assert len(app.pages) == 1
    assert [key for key, _ in got.start["headers"]].count(b"tdm-reservation") == 1
    assert ask(site, agent=GPTBOT).status == 403


def test_other_scope_types_are_passed_on() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(call(protect(app), {"type": "something.new"}))

    assert seen == ["something.new"]


def test_it_can_be_switched_off_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VORBEHALT_ENABLED", "0")

    got = ask(VorbehaltMiddleware(PageApp(), config="no-such-file.toml"), agent=GPTBOT)

    assert got.status == 200
    assert got.header(b"tdm-reservation") is None


def test_observe_mode_serves_and_says_what_would_have_happened() -> None:
    app = PageApp()

    got = ask(protect(app, policy={"mode": "observe"}), agent=GPTBOT)

    assert got.status == 200
    verdict = app.pages[0]["vorbehalt"]
    assert (str(verdict.action), str(verdict.would), verdict.enforced) == ("allow", "block", False)


def test_hosts_have_terms_of_their_own_and_the_target_does_not_choose_them() -> None:
    site = protect(
        PageApp(),
        host=[
            {
                "names": ["open.example"],
                "site": {"origin": "https://open.example"},
                "policy": {"mode": "observe"},
            }
        ],
    )
    other = [(b"host", b"open.example")]

    def to(host: bytes, path: str) -> int:
        request = scope(path, agent=GPTBOT)
        request["headers"][0] = (b"host", host)
        return asyncio.run(call(site, request)).status

    assert to(b"open.example", "/page") == 200
    assert to(b"OPEN.example:443", "/page") == 200
    assert to(b"label.example", "/page") == 403
    assert to(b"label.example", "http://open.example/page") == 403
    assert to(b"nobody.example", "/page") == 403
    assert other


@pytest.mark.parametrize("client", [None, ("testclient", 50000), ("", 0), ("::ffff:203.0.113.9", 1)])
@pytest.mark.parametrize("agent", [None, b"", b"\xff\xfe\x00", b"a" * 70_000, b"GPTBo\r\nX: t", CHROME])
def test_nobody_is_refused_for_odd_bytes(client: Any, agent: bytes | None) -> None:
    app = PageApp()

    got = asyncio.run(
        call(protect(app), scope(agent=agent, client=client, headers=[(b"x-forwarded-for", b"\x00,,;")]))
    )

    assert got.status == 200
    assert len(app.pages) == 1


@pytest.mark.parametrize("path", ["*", "", "/%00", "/\udcff", "http://label.example/page", "/" + "a" * 9000])
def test_odd_paths_reach_the_app_unchanged(path: str) -> None:
    app = PageApp()
    site = protect(app)

    for _ in range(2):
        assert ask(site, path).status == 200
    assert [s["path"] for s in app.pages] == [path, path]


def test_a_mounted_app_is_matched_without_its_mount() -> None:
    app = PageApp()
    site = protect(app, policy={"open_paths": ["/open"]})

    assert ask(site, "/shop/open", agent=GPTBOT, root_path="/shop").status == 200
    assert ask(site, "/shop/page", agent=GPTBOT, root_path="/shop").status == 403
    assert app.pages[0]["path"] == "/shop/open"
    assert app.pages[0]["root_path"] == "/shop"


def test_config_may_be_settings() -> None:
    from vorbehalt.settings import load

    assert ask(VorbehaltMiddleware(PageApp(), config=load(config())), agent=GPTBOT).status == 403
