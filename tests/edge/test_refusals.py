"""A refusal that is remembered must be the refusal that would have been decided anew."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PageApp, ask, call, protect, scope
from vorbehalt import VorbehaltMiddleware

CLAUDE = (
    b"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
)
JSON = (b"accept", b"application/json")
HTML = (b"accept", b"text/html,application/xhtml+xml;q=0.9")
GERMAN = (b"accept-language", b"de-DE,de;q=0.9")


def refusals_kept(site: VorbehaltMiddleware) -> int:
    assert site.runtime is not None
    return len(site.runtime.live.default.refusals)


def without_reference(body: bytes) -> bytes:
    return re.sub(rb"VB-[0-9A-Z-]+", b"VB", body)


@pytest.mark.parametrize("headers", [[], [JSON], [HTML], [HTML, GERMAN]])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_second_refusal_is_like_the_first_but_for_its_reference(headers: Any, method: str) -> None:
    site = protect(PageApp())

    first, second, third = (ask(site, agent=GPTBOT, headers=headers, method=method) for _ in range(3))

    assert refusals_kept(site) == 1
    assert first.status == second.status == 403
    assert sorted(first.start["headers"]) == sorted(second.start["headers"]) == sorted(third.start["headers"])
    assert without_reference(first.body) == without_reference(second.body)
    if method != "HEAD":
        assert len({first.body, second.body, third.body}) == 3
        assert len(second.body) == int(second.header(b"content-length") or 0)
    else:
        assert second.body == b""


def test_the_form_is_chosen_anew_for_every_refusal() -> None:
    site = protect(PageApp())
    ask(site, agent=GPTBOT, headers=[JSON])

    html, german = ask(site, agent=GPTBOT, headers=[HTML]), ask(site, agent=GPTBOT, headers=[HTML, GERMAN])

    assert html.header(b"content-type") == b"text/html; charset=utf-8"
    assert german.header(b"content-language") == b"de"
    assert json.loads(ask(site, agent=GPTBOT).body)["status"] == 403


def test_remembered_refusals_leave_records_of_their_own() -> None:
    site = protect(PageApp())

    for path in ("/page", "/page", "/other", "/page"):
        assert ask(site, path, agent=GPTBOT, headers=[(b"cookie", b"secret=1")]).status == 403
    site.close()

    assert site.runtime is not None
    records = [r for r in site.runtime.evidence.leaves() if r["type"] == "request"]  # type: ignore[attr-defined]
    assert [record["seen"]["path"] for record in records] == ["/page", "/page", "/other", "/page"]
    assert len({record["ref"] for record in records}) == 4
    for record in records:
        assert record["seen"]["claim"]["token"] == "GPTBot"
        assert record["seen"]["decision"]["status"] == 403
        assert "203.0.113.9" not in json.dumps(record)
        assert "secret" not in json.dumps(record)


def test_every_refusal_is_counted() -> None:
    site = protect(PageApp())

    for _ in range(5):
        ask(site, agent=GPTBOT)

    assert site.runtime is not None
    counted = site.runtime.counters.snapshot()
    assert counted["vorbehalt_requests_total", ("block", "training")] == 5
    labels = ("GPTBot", "OpenAI", "training", "unknown", "block")
    assert {k: v for k, v in counted.items() if k[0] == "vorbehalt_crawler_requests_total"} in (
        {("vorbehalt_crawler_requests_total", labels): 5},
        {("vorbehalt_crawler_requests_total", (*labels[:3], "claimed", "block")): 5},
        {("vorbehalt_crawler_requests_total", (*labels[:3], "contradicted", "block")): 5},
    )


def test_another_address_agent_or_chain_is_not_taken_for_the_same() -> None:
    site = protect(PageApp(), network={"trusted_proxies": ["192.0.2.1"]})
    proxy = ("192.0.2.1", 1)

    def refused(agent: bytes, chain: bytes | None, client: Any = proxy) -> int:
        headers = [] if chain is None else [(b"x-forwarded-for", chain)]
        return asyncio.run(call(site, scope(agent=agent, client=client, headers=headers))).status

    assert refused(GPTBOT, b"203.0.113.5") == 403
    assert refused(GPTBOT, b"203.0.113.6") == 403
    assert refused(CLAUDE, b"203.0.113.5") == 403
    assert refused(GPTBOT, None, ("203.0.113.7", 1)) == 403
    assert refusals_kept(site) == 4
    assert refused(CHROME, b"203.0.113.5") == 200


def test_what_depends_on_more_than_the_identity_is_not_remembered() -> None:
    rule = {"name": "no-bots-here", "match": {"token": ["GPTBot"], "path": ["/private/"]}, "action": "block"}
    site = protect(PageApp(), policy={"mode": "enforce", "rule": [rule], "preset": "observe-only"})

    assert ask(site, "/private/a", agent=GPTBOT).status == 403
    assert ask(site, "/private/a", agent=GPTBOT).status == 403
    assert refusals_kept(site) == 0
    assert ask(site, "/public", agent=GPTBOT).status == 200


def test_a_quota_goes_on_counting() -> None:
    rule = {"name": "few", "match": {"token": ["GPTBot"]}, "action": "allow", "limit": "2/min per prefix"}
    site = protect(PageApp(), policy={"rule": [rule]})
    client = ("8.8.8.8", 1)

    got = [asyncio.run(call(site, scope(agent=GPTBOT, client=client))) for _ in range(4)]

    assert [one.status for one in got] == [200, 200, 429, 429]
    assert got[2].header(b"retry-after")
    assert refusals_kept(site) == 0


def test_the_memory_of_refusals_is_bounded() -> None:
    site = protect(PageApp())

    async def flood() -> None:
        for number in range(5000):
            await call(site, scope(agent=GPTBOT, client=(f"198.51.{number // 250}.{number % 250}", 1)))

    asyncio.run(flood())

    assert refusals_kept(site) <= 4096


def test_a_port_tells_visitors_apart_only_where_a_chain_came_with_it() -> None:
    site = protect(PageApp(), network={"trusted_proxies": ["192.0.2.1"]})

    for port in (1, 2):
        ask(site, agent=GPTBOT, client=("203.0.113.7", port))
    assert refusals_kept(site) == 1
    for port in (1, 2):
        ask(site, agent=GPTBOT, client=("192.0.2.1", port), headers=[(b"x-forwarded-for", b"203.0.113.5")])
    assert refusals_kept(site) == 3


@pytest.mark.parametrize(
    "more",
    [
        {"type": "websocket"},
        {"root_path": "/shop"},
        {"path": ""},
        {"headers": [(b"cookie", b"a=1"), (b"cookie", b"b=2")]},
        {"headers": [(b"signature-input", b'sig1=("@authority")')]},
        {"headers": [(b"forwarded", b"for=203.0.113.5")]},
        {"headers": [(b"x-real-ip", b"203.0.113.5")]},
        {"client": None},
    ],
    ids=str,
)
def test_what_is_not_compared_is_not_remembered(more: dict[str, Any]) -> None:
    site = protect(PageApp())
    request = scope(agent=GPTBOT, headers=more.get("headers", ()))
    request |= {key: value for key, value in more.items() if key != "headers"}

    for _ in range(2):
        asyncio.run(call(site, request))

    assert refusals_kept(site) == 0
    assert site.runtime is not None
    assert "/page" not in site.runtime.live.default.paths


def test_where_a_header_of_its_own_tells_the_address_nothing_is_remembered() -> None:
    site = protect(PageApp(), network={"trusted_proxies": ["192.0.2.1"], "client_header": "cf-connecting-ip"})

    for _ in range(2):
        assert ask(site, agent=GPTBOT, client=("192.0.2.1", 1)).status == 403

    assert refusals_kept(site) == 0


def test_a_refusal_under_a_mount_teaches_nothing_about_the_path_without_it() -> None:
    section = {"name": "lyrics", "paths": ["/lyrics/"]}
    section |= dict.fromkeys(("training", "ai_input", "tdm"), "allow")
    site = protect(PageApp(), reservation={"section": [section]})

    asyncio.run(call(site, scope("/lyrics/1", agent=GPTBOT, root_path="/lyrics")))
    for _ in range(2):
        assert ask(site, "/lyrics/1").header(b"tdm-reservation") == b"0"
