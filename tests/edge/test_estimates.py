"""Robots violations, bytes that refusals saved, people sent by AI products: counted, and nobody blamed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, call, config, protect, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.live import AnswerSize

VIOLATIONS = "vorbehalt_robots_violations_total"
SAVED = ("vorbehalt_refused_bytes_estimated_total", ())
GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def counted(site: VorbehaltMiddleware, name: str) -> dict[tuple[str, ...], int]:
    assert site.runtime is not None
    return {k[1]: v for k, v in site.runtime.counters.snapshot().items() if k[0] == name and v}


def with_robots(body: bytes, **sections: Any) -> VorbehaltMiddleware:
    site = protect(PageApp(), **sections)
    ask(site)
    assert site.runtime is not None
    site.runtime.set_site_robots(site.runtime.live.engine.default, body)
    return site


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_every_page_that_robots_txt_closes_to_a_crawler_counts(mode: str) -> None:
    site = protect(PageApp(), policy={"mode": mode})

    for path in ("/page", "/page", "/other", "/page?q=1"):
        ask(site, path, agent=GPTBOT)

    assert counted(site, VIOLATIONS) == {("GPTBot",): 4}


def test_signals_and_open_paths_are_no_violation() -> None:
    site = protect(PageApp(), policy={"open_paths": ["/hooks/"]})

    for path in (
        "/robots.txt",
        "/.well-known/tdmrep.json",
        "/ai-policy",
        "/.well-known/x",
        "/ads.txt",
        "/hooks/a",
    ):
        ask(site, path, agent=GPTBOT)
    request = {**scope(agent=GPTBOT), "type": "websocket"}
    asyncio.run(call(site, request))

    assert counted(site, VIOLATIONS) == {}


def test_a_crawler_that_is_let_in_breaks_only_the_rules_that_stand_there() -> None:
    site = with_robots(
        b"User-agent: *\nDisallow: /private/\nDisallow: /*?draft=\n\n"
        b"User-agent: PerplexityBot\nDisallow: /not-you/\n"
    )

    for path in ("/page", "/private/x", "/private/x?y"):
        ask(site, path, agent=GOOGLE)
        ask(site, path, agent=PERPLEXITY)
    ask(site, "/page", agent=GOOGLE, query_string=b"draft=1")
    ask(site, "/not-you/x", agent=PERPLEXITY)
    ask(site, "/not-you/x", agent=GOOGLE)

    assert counted(site, VIOLATIONS) == {("Googlebot",): 3, ("PerplexityBot",): 1}


@pytest.mark.parametrize("agent", [CHROME, b"curl/8.5.0", None])
def test_people_and_tools_break_no_rules_of_crawlers(agent: bytes | None) -> None:
    site = with_robots(b"User-agent: *\nDisallow: /\n")

    ask(site, "/page", agent=agent)

    assert counted(site, VIOLATIONS) == {}


def test_an_impostor_does_not_blame_the_crawler_whose_name_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())

    ask(site, agent=b"Mozilla/5.0 (compatible; Google-Extended/1.0)")

    assert counted(site, "vorbehalt_requests_total")[("block", "training")] == 1
    assert counted(site, VIOLATIONS) == {}


def test_remembered_refusals_are_asked_by_path_where_robots_txt_is_not_closed_altogether() -> None:
    section = {
        "name": "press",
        "paths": ["/press/"],
        "training": "allow",
        "ai_input": "allow",
        "tdm": "allow",
    }
    rule = {"name": "no-gptbot", "match": {"token": ["GPTBot"]}, "action": "block"}
    site = protect(PageApp(), reservation={"section": [section]}, policy={"rule": [rule]})

    for _ in range(3):
        for path in ("/page", "/press/a", "/other"):
            assert ask(site, path, agent=GPTBOT).status == 403

    assert counted(site, VIOLATIONS) == {("GPTBot",): 6}


def test_a_file_of_very_many_rules_is_not_asked_on_every_request() -> None:
    rules = b"".join(b"Disallow: /p%d/\n" % number for number in range(600))
    site = with_robots(b"User-agent: *\n" + rules)

    ask(site, "/p1/x", agent=GOOGLE)

    assert counted(site, VIOLATIONS) == {}


class Sized(PageApp):
    """Pages of a given size, with or without Content-Length."""

    def __init__(self, size: int, *, declares: bool = True, status: int = 200) -> None:
        super().__init__(status)
        self.size, self.declares = size, declares

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % self.size)] if self.declares else []
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        half = self.size // 2
        await send({"type": "http.response.body", "body": b"x" * half, "more_body": True})
        await send({"type": "http.response.body", "body": b"x" * (self.size - half)})


@pytest.mark.parametrize("declares", [True, False])
def test_a_refusal_saves_what_such_a_page_weighs_on_average(declares: bool) -> None:
    app = Sized(1000, declares=declares)
    site = protect(app)
    ask(site, "/a")
    app.size = 3000
    ask(site, "/b")

    for number in range(1, 5):
        ask(site, "/a", agent=GPTBOT)
        assert counted(site, SAVED[0]) == {(): 2000 * number}
    ask(site, "/a", agent=GPTBOT, method="HEAD")
    ask(site, "/a", agent=GPTBOT, method="POST")
    assert counted(site, SAVED[0]) == {(): 8000}


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_only_a_refused_get_saves_a_page(method: str) -> None:
    site = protect(Sized(1000))
    ask(site, "/a")

    for _ in range(2):
        assert ask(site, "/a", agent=GPTBOT, method=method).status == 403
    request = {**scope("/a", agent=GPTBOT), "type": "websocket"}
    asyncio.run(call(site, request))

    assert counted(site, SAVED[0]) == {}


@pytest.mark.parametrize(
    ("status", "method", "path"),
    [(404, "GET", "/a"), (200, "HEAD", "/a"), (200, "POST", "/a"), (206, "GET", "/a")],
)
def test_only_whole_pages_teach_the_mean(status: int, method: str, path: str) -> None:
    site = protect(Sized(1000, status=status))

    ask(site, path, method=method)
    ask(site, path, agent=GPTBOT)

    assert counted(site, SAVED[0]) == {}


def test_the_mean_is_kept_by_section_and_outlives_a_reload() -> None:
    app = Sized(1000)
    section = {"name": "lyrics", "paths": ["/lyrics/"], "ai_input": "allow", "tdm": "allow"}
    site = VorbehaltMiddleware(app, config=config(reservation={"section": [section]}))
    ask(site, "/page")
    app.size = 50
    ask(site, "/lyrics/1")
    assert site.runtime is not None
    site.runtime.reload(force=True)

    ask(site, "/lyrics/2", agent=GPTBOT)

    assert counted(site, SAVED[0]) == {(): 50}


def test_the_mean_follows_what_is_seen_now() -> None:
    size = AnswerSize()
    for _ in range(5000):
        size.learn(1000)
    assert size.mean == pytest.approx(1000)
    for _ in range(5000):
        size.learn(3000)

    assert 2900 < size.mean <= 3000


def test_a_person_sent_by_an_ai_product_counts_on_the_first_page_too() -> None:
    site = protect(PageApp())
    referer = [(b"referer", b"https://chatgpt.com/c/1")]

    for _ in range(3):
        ask(site, headers=referer)
    ask(site, agent=GPTBOT, headers=referer)
    ask(site, headers=[(b"referer", b"https://label.example/")])
    ask(site, headers=[*referer, (b"sec-fetch-site", b"cross-site")])
    ask(site, headers=[*referer, (b"sec-fetch-site", b"same-origin")])

    assert counted(site, "vorbehalt_referrals_total") == {("OpenAI",): 4}


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, "0"), (0.9e-6, "0"), (1.1e-6, "1"), (3.9e-6, "2"), (8.0, "23"), (9.0, "23"), (9e9, "23")],
)
def test_any_time_of_a_decision_has_its_bucket(seconds: float, bucket: str) -> None:
    site = protect(PageApp())
    assert site.runtime is not None

    site.runtime.live.count_duration(int(seconds * 1e9))

    assert counted(site, "vorbehalt_decision_seconds") == {(bucket,): 1}


def test_of_ordinary_requests_one_of_sixteen_is_timed_for_all() -> None:
    site = protect(PageApp())

    async def asked(times: int) -> int:
        for _ in range(times):
            await call(site, scope("/lyrics/1"))
        return sum(counted(site, "vorbehalt_decision_seconds").values())

    async def counts() -> list[int]:
        first = await asked(1)  # looked at, and counted by itself
        return [first, *[await asked(times) - first for times in (15, 1, 15, 1, 320)]]

    assert asyncio.run(counts()) == [1, 0, 16, 16, 32, 352]
