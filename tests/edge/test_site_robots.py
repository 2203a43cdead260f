"""The site's own robots.txt is asked of the app, as nobody in particular, and never lost by accident."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, Got, ask, call, config, protect, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import site_robots
from vorbehalt.reservation.robots.file import parse

RULES = b"User-agent: *\nDisallow: /private/\n"


class RobotsApp:
    """A site with a robots.txt that can be made to change, fail or take its time."""

    def __init__(self, body: bytes = RULES, status: int = 200) -> None:
        self.body = body
        self.status = status
        self.asked: list[dict[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith("/robots.txt"):
            self.asked.append(scope)
            if self.gate is not None:
                await self.gate.wait()
            if self.error is not None:
                raise self.error
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(site_robots, "monotonic", lambda: now[0])
    return now


def robots(site: VorbehaltMiddleware, **more: Any) -> Got:
    return ask(site, "/robots.txt", **more)


def reasons(site: VorbehaltMiddleware) -> str:
    assert site.runtime is not None
    return " ".join(site.runtime.reasons.values())


def test_the_app_is_asked_once_in_five_minutes(clock: list[float]) -> None:
    app = RobotsApp()
    site = protect(app)

    for _ in range(3):
        assert RULES in robots(site).body
    assert len(app.asked) == 1
    clock[0] += 301
    app.body = b"User-agent: *\nDisallow: /other/\n"
    assert RULES in robots(site).body
    assert b"/other/" in robots(site).body
    assert len(app.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 429, 301, 500, 503])
def test_an_app_that_refuses_to_say_loses_no_rules(status: int, clock: list[float]) -> None:
    app = RobotsApp()
    site = protect(app)
    assert RULES in robots(site).body

    app.status, app.body = status, b"no"
    clock[0] += 301
    for _ in range(2):
        assert RULES in robots(site).body
    assert f"the app answered {status}" in reasons(site)
    app.status, app.body = 200, RULES
    clock[0] += 11
    robots(site)
    assert reasons(site) == ""


@pytest.mark.parametrize("status", [404, 410])
def test_an_app_that_has_none_any_more_has_none(status: int, clock: list[float]) -> None:
    app = RobotsApp()
    site = protect(app)
    robots(site)
    app.status = status
    clock[0] += 301
    robots(site)

    assert b"/private/" not in robots(site).body
    assert reasons(site) == ""


def test_a_failing_app_is_asked_again_after_ten_seconds_and_not_before(clock: list[float]) -> None:
    app = RobotsApp()
    app.error = RuntimeError("the database is down")
    site = protect(app)

    for _ in range(4):
        assert b"GPTBot" in robots(site).body
    assert len(app.asked) == 1
    assert "RuntimeError" in reasons(site)
    app.error = None
    clock[0] += 11
    assert RULES in robots(site).body
    assert len(app.asked) == 2
    assert reasons(site) == ""


def test_those_who_come_while_the_app_is_asked_wait_for_its_answer() -> None:
    app = RobotsApp()

    async def main() -> None:
        app.gate = asyncio.Event()
        site = protect(app)
        tasks = [asyncio.ensure_future(call(site, scope("/robots.txt"))) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        app.gate.set()
        assert all([RULES in (await task).body for task in tasks])

    asyncio.run(main())
    assert len(app.asked) == 1


def test_a_slow_app_is_waited_for_no_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_robots, "_DEADLINE_SECONDS", 0.05)
    app = RobotsApp()

    async def main() -> VorbehaltMiddleware:
        app.gate = asyncio.Event()
        site = protect(app)
        got = await call(site, scope("/robots.txt"))
        assert b"GPTBot" in got.body
        return site

    assert "TimeoutError" in reasons(asyncio.run(main()))


def test_nothing_of_the_visitor_decides_what_all_others_are_served() -> None:
    app = RobotsApp()
    site = protect(app)
    request = scope(
        "/robots.txt",
        agent=GPTBOT,
        headers=[(b"cookie", b"session=1"), (b"x-forwarded-host", b"evil.example"), (b"authorization", b"x")],
        method="HEAD",
        query_string=b"debug=1",
        scheme="http",
        extensions={"http.response.pathsend": {}},
    )
    request["headers"][0] = (b"host", b"evil.example")

    asyncio.run(call(site, request))

    (asked,) = app.asked
    assert dict(asked["headers"]) == {
        b"host": b"label.example",
        b"user-agent": b"Vorbehalt (reads what the site itself publishes)",
        b"x-forwarded-proto": b"https",
    }
    assert (asked["method"], asked["scheme"], asked["query_string"]) == ("GET", "https", b"")
    assert (asked["path"], asked["raw_path"], asked["extensions"]) == ("/robots.txt", b"/robots.txt", {})
    assert asked["client"] == ("127.0.0.1", 0)


def test_under_a_mount_the_app_is_asked_where_it_is_mounted() -> None:
    app = RobotsApp()
    site = protect(app)

    asyncio.run(call(site, scope("/shop/robots.txt", root_path="/shop")))

    assert (app.asked[0]["path"], app.asked[0]["raw_path"]) == ("/shop/robots.txt", b"/shop/robots.txt")


def test_a_robots_txt_beyond_what_readers_read_keeps_the_rules_that_they_do_read() -> None:
    filler = b"# " + b"x" * 98 + b"\n"
    app = RobotsApp(RULES + filler * 8000)
    site = protect(app)

    body = robots(site).body

    assert RULES in body
    assert parse(body).groups


def test_every_host_has_a_robots_txt_of_its_own() -> None:
    class ByHost(RobotsApp):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            host = dict(scope["headers"])[b"host"]
            self.body = b"User-agent: *\nDisallow: /" + host + b"/\n"
            await super().__call__(scope, receive, send)

    further = [
        {"names": ["open.example"], "site": {"origin": "https://open.example:8443"}},
        {"names": ["old.example"], "site": {"origin": "https://new.example"}},
    ]
    site = protect(ByHost(), host=further)

    for host in (b"label.example", b"open.example:8443", b"old.example"):
        request = scope("/robots.txt")
        request["headers"][0] = (b"host", host)
        body = asyncio.run(call(site, request)).body
        assert b"Disallow: /" + host + b"/" in body


@pytest.mark.parametrize("robots_setting", ["none", "file"])
def test_what_the_app_said_is_not_used_once_the_configuration_names_another_source(
    robots_setting: str, tmp_path: Any
) -> None:
    app = RobotsApp()
    file = tmp_path / "vorbehalt.toml"
    (tmp_path / "own.txt").write_text("User-agent: *\nDisallow: /from-file/\n")
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        'robots = "app"\n[evidence]\ndirectory = "memory:"\n'
    )
    file.write_text(text)
    site = VorbehaltMiddleware(app, config=file)
    assert RULES in robots(site).body

    setting = "none" if robots_setting == "none" else "file:own.txt"
    file.write_text(text.replace('"app"', f'"{setting}"'))
    assert site.runtime is not None
    site.runtime.reload(force=True)

    body = robots(site).body
    assert b"/private/" not in body
    assert (b"/from-file/" in body) == (robots_setting == "file")


def test_a_reload_while_the_app_is_asked_gets_the_rules_too() -> None:
    app = RobotsApp()
    site = VorbehaltMiddleware(app, config=config())
    runtime = site.runtime
    assert runtime is not None
    ask(site, agent=CHROME)
    plan = runtime.live.engine.default

    runtime.reload(force=True)
    runtime.set_site_robots(plan, RULES)

    assert runtime.live.engine.default is not plan
    assert RULES in runtime.live.engine.default.bundle.documents["/robots.txt"].body


def test_a_client_that_leaves_while_the_app_is_asked_does_not_stop_the_next() -> None:
    app = RobotsApp()

    async def main() -> None:
        app.gate = asyncio.Event()
        site = protect(app)
        task = asyncio.ensure_future(call(site, scope("/robots.txt")))
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        app.gate.set()
        assert RULES in (await call(site, scope("/robots.txt"))).body

    asyncio.run(main())
