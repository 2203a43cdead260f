"""A site's robots.txt in whatever state: ours stays valid and closed to AI, search engines stay in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from gpyrobotstxt.robots_cc import RobotsMatcher  # type: ignore[import-untyped]
from protego import Protego

from asgi_support import ask, protect
from vorbehalt import VorbehaltMiddleware

TRAINERS = ("GPTBot", "ClaudeBot", "CCBot", "Google-Extended")
ENGINES = ("Googlebot", "bingbot")
RULES = b"User-agent: *\nDisallow: /private/\n"
AGENT = b"User-agent: GPTBot\nAllow: /\n"


class RobotsSite:
    """Serves one robots.txt in one way; every other path is not found."""

    def __init__(self, answer: Callable[[Any, Any], Any]) -> None:
        self.answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] in ("/robots.txt", "/rules.txt", "/loop.txt"):
            await self.answer(scope, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def says(body: bytes, status: int = 200, **headers: bytes) -> Callable[[Any, Any], Any]:
    async def answer(scope: Any, send: Any) -> None:
        pairs = [(name.encode(), value) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    return answer


async def moves(scope: Any, send: Any) -> None:
    target = {"/robots.txt": b"https://label.example/rules.txt"}.get(scope["path"])
    await says(b"" if target else RULES, 301 if target else 200, location=target or b"")(scope, send)


async def loops(scope: Any, send: Any) -> None:
    await says(b"", 302, location=b"/loop.txt")(scope, send)


async def never_answers(scope: Any, send: Any) -> None:
    await asyncio.Event().wait()


async def breaks_off(scope: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": RULES, "more_body": True})
    raise ConnectionResetError


HUGE = RULES + b"# filler\nDisallow: /x\n" * 100_000 + b"User-agent: Googlebot\nDisallow: /\n"
CASES: dict[str, tuple[Callable[[Any, Any], Any], bool, str]] = {
    "good": (says(RULES), True, ""),
    "2 MB": (says(HUGE), True, "larger than"),
    "UTF-16, little end": (says(RULES.decode().encode("utf-16")), False, "not UTF-8"),
    "UTF-16 without mark": (says(RULES.decode().encode("utf-16-be")), False, "not UTF-8"),
    "byte order mark": (says(b"\xef\xbb\xbf" + RULES), True, ""),
    "CR line ends": (says(RULES.replace(b"\n", b"\r")), True, ""),
    "HTML": (says(b"<!doctype html>\n<title>Not found</title>\nUser-agent: *\nDisallow: /"), False, "HTML"),
    "HTML after blank lines": (says(b"\r\n\r\n <html>"), False, "HTML"),
    "redirect": (moves, True, ""),
    "redirect in a circle": (loops, False, "answered 302"),
    "redirect to elsewhere": (says(b"", 301, location=b"https://other.example/r.txt"), False, "answered 301"),
    "error": (says(b"", 503), False, "answered 503"),
    "refusal": (says(b"", 403), False, "answered 403"),
    "not found": (says(b"", 404), False, ""),
    "breaks off": (breaks_off, False, "ConnectionResetError"),
    "Latin-1": (says(b"User-agent: *\nDisallow: /private/\nDisallow: /h\xf6ren/\n"), True, ""),
    "lets a trainer in": (says(RULES + AGENT), True, "lets GPTBot in"),
    "says yes": (says(RULES + b"Content-Signal: ai-train=yes\n"), True, "permits what is reserved"),
    "managed by a CDN": (
        says(
            b"# BEGIN Cloudflare Managed content\nUser-agent: *\nContent-Signal: search=yes,ai-train=no\n"
            b"Allow: /\n\nUser-agent: GPTBot\nDisallow: /\n# END Cloudflare Managed Content\n\n" + RULES
        ),
        True,
        "lines 1 to 8 of the site's robots.txt are Cloudflare's managed block",
    ),
}


def served(site: VorbehaltMiddleware) -> bytes:
    got = ask(site, "/robots.txt")
    assert got.status == 200
    assert got.header(b"content-type") == b"text/plain; charset=utf-8"
    return got.body


def google(body: bytes, token: str, path: str) -> bool:
    # This port raises TypeError on a line without any separator, which the original passes over.
    lines = [line for line in body.splitlines() if b":" in line]
    return bool(
        RobotsMatcher().one_agent_allowed_by_robots(b"\n".join(lines), token, f"https://label.example{path}")
    )


def protego(body: bytes, token: str, path: str) -> bool:
    return Protego.parse(body.decode("utf-8", "replace")).can_fetch(f"https://label.example{path}", token)


@pytest.mark.parametrize("name", CASES)
def test_ours_stays_valid_closed_to_trainers_and_open_to_search_engines(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, rules_kept, named = CASES[name]
    site = protect(RobotsSite(answer))
    assert site.runtime is not None

    body = served(site)

    for reads in (google, protego):
        for token in TRAINERS:
            assert not reads(body, token, "/lyrics/1"), (reads, token)
        for token in ENGINES:
            assert reads(body, token, "/lyrics/1"), (reads, token)
            assert reads(body, token, "/private/1") is not rules_kept, (reads, token)
    health = site.runtime.health()
    told = " ".join([*health["conflicts"], *health["reasons"]])  # type: ignore[misc]
    assert named in told
    if not named:
        assert health["conflicts"] == []
        assert "robots" not in told


def test_a_site_that_never_answers_costs_the_asker_two_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from vorbehalt.edge import site_robots

    monkeypatch.setattr(site_robots, "_DEADLINE_SECONDS", 0.01)
    site = protect(RobotsSite(never_answers))
    assert site.runtime is not None

    body = served(site)

    assert not google(body, "GPTBot", "/lyrics/1")
    assert google(body, "Googlebot", "/private/1")
    assert "could not be read from the app: TimeoutError" in " ".join(site.runtime.reasons.values())
