"""What a record says of what the crawler was told before, and of what robots.txt says to it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, call, config, protect, scope, watched
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.telling import place_of
from vorbehalt.evidence.history.told import Fetch
from vorbehalt.evidence.history.told_lines import FetchLine
from vorbehalt.facts import Standing
from vorbehalt.settings import load_rules

ROBOTS = "/robots.txt"
DOCUMENTS = [
    "/.well-known/tdm-policy.json", "/.well-known/tdmrep.json", "/ai-policy", "/license.xml", ROBOTS,
]  # fmt: skip
OAI_SEARCH = b"Mozilla/5.0 (compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot)"
CURL = b"curl/8.9"


def site_of(app: Any = None, **sections: Any) -> VorbehaltMiddleware:
    return protect(app or PageApp(), **{"site": {"robots": "none"}, **sections})


def records(site: VorbehaltMiddleware, kind: str = "request") -> list[dict[str, Any]]:
    assert site.runtime is not None
    return [leaf["seen"] for leaf in site.runtime.evidence.leaves() if leaf["type"] == kind]  # type: ignore[attr-defined]


def last(site: VorbehaltMiddleware) -> dict[str, Any]:
    return records(site)[-1]


def fetched(site: VorbehaltMiddleware, token: str = "GPTBot", host: str = "") -> Any:
    assert site.runtime is not None
    return site.runtime.telling.hosts[host].last(token, ROBOTS)


@pytest.mark.parametrize("agent", [GPTBOT, PERPLEXITY])
def test_before_any_fetch_there_was_none_since_the_start_of_observation(agent: bytes) -> None:
    before = time_ns()
    site = site_of()
    for _ in range(3):
        ask(site, agent=agent)

    for record in records(site):
        told = record["told"]
        assert sorted(told["crawler"]) == DOCUMENTS
        assert set(told["crawler"].values()) == {"none"}
        assert told["operator"] == {}
        assert before <= int(told["since"]) <= time_ns()
    assert len(records(site)) == 3


def test_observation_began_before_the_first_record() -> None:
    site, evidence = watched(PageApp(), None)
    ask(site, agent=GPTBOT)
    (draft,) = evidence.of("request")
    assert int(draft.seen["told"]["since"]) <= draft.at  # type: ignore[index]


@pytest.mark.parametrize("agent", [GPTBOT, PERPLEXITY])
def test_a_record_names_the_version_that_was_fetched_and_when(agent: bytes) -> None:
    site = site_of()
    ask(site, agent=agent)
    got = ask(site, ROBOTS, agent=agent)
    for _ in range(2):
        ask(site, agent=agent)

    (served,) = records(site, "signal-served")
    for record in records(site)[1:]:
        told = record["told"]["crawler"][ROBOTS]
        assert (told["version"], told["status"], told["standing"]) == (served["digest"], 200, "claimed")
        assert (got.header(b"etag") or b"").decode().strip('"') == told["version"][:32]
        assert record["told"]["crawler"]["/license.xml"] == "none"
        assert record["robots"]["version"] == told["version"]
        assert "fetched" not in record["robots"]
    assert records(site)[0]["told"]["crawler"][ROBOTS] == "none"


def test_a_record_says_what_was_known_when_its_request_came() -> None:
    """A remembered refusal is written down later; what is fetched meanwhile came after it."""
    site, evidence = watched(PageApp(), None)
    ask(site, agent=GPTBOT)
    ask(site, agent=GPTBOT)
    ask(site, ROBOTS, agent=GPTBOT)
    ask(site, agent=GPTBOT)
    found = []
    for draft in evidence.of("request"):
        draft.fill()
        found.append(draft.seen["told"]["crawler"][ROBOTS])  # type: ignore[index]
    assert found[:2] == ["none", "none"]
    assert found[2]["standing"] == "claimed"


def test_another_crawler_of_the_same_operator_was_told() -> None:
    site = site_of()
    ask(site, "/license.xml", agent=OAI_SEARCH)
    ask(site, agent=GPTBOT)

    told = last(site)["told"]
    assert told["crawler"]["/license.xml"] == "none"
    assert list(told["operator"]) == ["/license.xml"]
    ask(site, agent=PERPLEXITY)
    assert last(site)["told"]["operator"] == {}


def etag(site: VorbehaltMiddleware) -> bytes:
    return ask(site, ROBOTS, agent=CHROME).header(b"etag") or b""


def test_a_304_counts_for_who_names_the_version() -> None:
    site = site_of()
    tag = etag(site)
    got = ask(site, ROBOTS, agent=GPTBOT, headers=[(b"if-none-match", b'"x", W/' + tag)])
    ask(site, agent=GPTBOT)

    assert got.status == 304
    assert last(site)["told"]["crawler"][ROBOTS]["status"] == 304
    assert last(site)["told"]["crawler"][ROBOTS]["version"][:32] == tag.decode().strip('"')


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", [], 200),
        ("POST", [], 405),
        ("GET", [(b"if-none-match", b"*")], 304),
    ],
)
def test_who_got_no_document_was_not_told(method: str, headers: Any, status: int) -> None:
    site = site_of()
    assert ask(site, ROBOTS, agent=GPTBOT, method=method, headers=headers).status == status
    ask(site, agent=GPTBOT)
    assert last(site)["told"]["crawler"][ROBOTS] == "none"


@pytest.mark.parametrize("agent", [CHROME, CURL, None])
def test_who_is_no_crawler_is_not_told_of(agent: bytes | None) -> None:
    rule = {"name": "closed", "match": {"path": ["/shut/"]}, "action": "block"}
    site = site_of(policy={"rule": [rule], "may_refuse_search_engines": True})
    ask(site, ROBOTS, agent=agent)
    assert ask(site, "/shut/x", agent=agent).status == 403

    assert "told" not in last(site)
    assert "robots" not in last(site)
    assert site.runtime is not None
    assert site.runtime.telling.hosts[""].crawlers == {}


GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def young_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped lists, as if fetched an hour ago: only young ones contradict."""
    from vorbehalt.engine import judging
    from vorbehalt.identify import networks

    def read(documents: Any) -> Any:
        from dataclasses import replace

        lists = networks.read_range_lists(documents)
        return {name: replace(one, fetched_at=time_ns() - 3600 * 10**9) for name, one in lists.items()}

    monkeypatch.setattr(judging, "read_range_lists", read)
    monkeypatch.setattr(judging, "_last_ranges", None)


def gptbot_address() -> str:
    listed = json.loads(load_rules(None)[0]["ranges/openai-gptbot.json"])
    prefix = next(text for text in json.dumps(listed).split('"') if text.count(".") == 3 and "/" in text)
    return prefix.split("/")[0]


def test_an_impostor_is_not_the_crawler_and_a_claim_hides_no_proof(young_lists: None) -> None:
    site = site_of()
    real, false, unknown = ((gptbot_address(), 1), ("8.8.8.8", 1), ("203.0.113.9", 1))

    ask(site, ROBOTS, agent=GPTBOT, client=false)
    ask(site, agent=GPTBOT, client=false)
    assert records(site, "signal-served")[-1]["claim"]["standing"] == "contradicted"
    assert "told" not in last(site)
    assert "robots" not in last(site)
    ask(site, agent=GPTBOT, client=real)
    assert last(site)["claim"]["standing"] == "verified"
    assert last(site)["told"]["crawler"][ROBOTS] == "none"

    ask(site, ROBOTS, agent=GPTBOT, client=real)
    ask(site, ROBOTS, agent=GPTBOT, client=unknown)
    ask(site, ROBOTS, agent=GPTBOT, client=false)
    ask(site, agent=GPTBOT, client=real)
    told = last(site)["told"]["crawler"][ROBOTS]
    assert (told["standing"], told["later"]["standing"]) == ("verified", "claimed")
    assert int(told["at"]) < int(told["later"]["at"])
    assert "later" not in told["later"]


def test_each_host_has_its_own() -> None:
    other = {"names": ["archive.example"], "site": {"origin": "https://archive.example", "robots": "none"}}
    site = site_of(host=[other])
    there = {"headers": [(b"host", b"archive.example"), (b"user-agent", GPTBOT)]}
    asyncio.run(call(site, {**scope(ROBOTS), **there}))
    ask(site, agent=GPTBOT)
    assert last(site)["told"]["crawler"][ROBOTS] == "none"
    asyncio.run(call(site, {**scope("/page"), **there}))
    record = last(site)
    assert record["told"]["crawler"][ROBOTS]["version"] == record["robots"]["version"]
    assert record["robots"]["version"] != records(site)[0]["robots"]["version"]


@pytest.mark.parametrize(
    ("agent", "path", "query", "expected"),
    [
        (GPTBOT, "/page", b"", (False, "Disallow: /", "GPTBot")),
        (PERPLEXITY, "/page", b"", (True, None, "*")),
        (PERPLEXITY, "/private/a", b"", (False, "Disallow: /private/", "*")),
        (PERPLEXITY, "/a", b"key=1", (False, "Disallow: /*?key=", "*")),
        (PERPLEXITY, "/robots.txtx", b"", (True, None, "*")),
    ],
)
def test_a_record_says_what_robots_txt_says(
    agent: bytes, path: str, query: bytes, expected: Any, tmp_path: Path
) -> None:
    own = tmp_path / "own.txt"
    own.write_text("User-agent: *\nDisallow: /private/\nDisallow: /*?key=\n")
    site = site_of(site={"robots": f"file:{own}"})
    for _ in range(3):
        ask(site, path, agent=agent, query_string=query)
    body = ask(site, ROBOTS, agent=CHROME).body.decode().split("\n")

    for record in records(site):
        robots = record["robots"]
        assert (robots["allowed"], robots["line"], robots["agent"]) == expected
        line = None if robots["number"] is None else body[robots["number"] - 1]
        assert line == robots["line"]
        assert "documented" not in robots
        assert "permission" not in robots
    assert len(records(site)) == 3


class OwnRobots(PageApp):
    """A site with a robots.txt of its own that changes."""

    body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != ROBOTS:
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


def test_a_crawler_is_judged_by_what_it_had_fetched_too() -> None:
    app = OwnRobots()
    site = protect(app)
    assert site.runtime is not None
    ask(site, ROBOTS, agent=PERPLEXITY)
    first = fetched(site, "PerplexityBot").claimed.version
    closed = b"User-agent: *\nDisallow: /private/\n"
    site.runtime.set_site_robots(site.runtime.live.engine.default, closed)
    ask(site, "/private/x", agent=PERPLEXITY)

    robots = last(site)["robots"]
    assert (robots["allowed"], robots["line"]) == (False, "Disallow: /private/")
    assert robots["version"] != first
    assert robots["fetched"] == {
        "version": first, "standing": "claimed", "allowed": True, "line": "Allow: /",
        "number": robots["fetched"]["number"], "agent": "*",
    }  # fmt: skip
    app.body = closed
    site.runtime.robots_read_at.clear()
    ask(site, ROBOTS, agent=PERPLEXITY)
    ask(site, "/private/x", agent=PERPLEXITY)
    assert "fetched" not in last(site)["robots"]
    assert last(site)["robots"]["version"] == robots["version"]


def test_a_remembered_refusal_names_the_version_fetched_before() -> None:
    site = protect(OwnRobots())
    assert site.runtime is not None
    ask(site, ROBOTS, agent=GPTBOT)
    first = fetched(site).claimed.version
    site.runtime.set_site_robots(site.runtime.live.engine.default, b"User-agent: *\nDisallow: /x\n")
    for _ in range(3):
        assert ask(site, agent=GPTBOT).status == 403

    for record in records(site):
        assert record["robots"]["fetched"]["version"] == first
        assert record["robots"]["fetched"]["line"] == "Disallow: /"


def test_what_a_lost_version_said_is_unknown() -> None:
    site = site_of()
    ask(site, agent=GPTBOT)
    assert site.runtime is not None
    lost = Fetch("1" * 64, time_ns(), 200, Standing.VERIFIED, "OpenAI")
    site.runtime.telling.told.note(FetchLine("", "GPTBot", ROBOTS, lost))
    ask(site, agent=GPTBOT)

    assert last(site)["robots"]["fetched"] == {
        "version": "1" * 64, "standing": "verified", "allowed": "unknown",
    }  # fmt: skip


def test_a_licensed_visit_carries_its_permission(young_lists: None) -> None:
    licence = {
        "reference": "V-1", "operator": "OpenAI", "uses": ["training"],
        "from": "2020-01-01", "until": "2090-01-01",
    }  # fmt: skip
    site = site_of(reservation={"permission": [licence]})
    ask(site, agent=GPTBOT, client=(gptbot_address(), 1))

    record = last(site)
    assert record["permission"] == record["robots"]["permission"] == "licence:V-1"
    assert record["robots"]["allowed"] is False


def test_a_crawler_without_a_documented_token_is_asked_for_by_its_name_and_that_is_said() -> None:
    site = site_of()
    assert site.runtime is not None
    crawler = next(
        one
        for one in site.runtime.settings.registry.crawlers
        if one.kind == "crawler"
        and not one.robots_tokens
        and one.must_match
        and one.purpose.value == "user-fetch"
    )
    ask(site, agent=crawler.must_match[0].encode())

    assert last(site)["robots"]["documented"] is False
    assert last(site)["robots"]["agent"] == "*"


def test_a_websocket_is_told_of_and_robots_txt_says_nothing_about_it() -> None:
    site = site_of()
    asyncio.run(call(site, {**scope(agent=GPTBOT), "type": "websocket"}))
    assert "told" in last(site)
    assert "robots" not in last(site)


def on_disk(folder: Path, app: Any = None) -> VorbehaltMiddleware:
    return VorbehaltMiddleware(
        app or PageApp(),
        config=config(site={"robots": "none"}, evidence={"directory": str(folder / "evidence")}),
    )


def shown(folder: Path) -> list[dict[str, Any]]:
    from vorbehalt.evidence.reading.query import Filters, show

    return [leaf["seen"] for leaf in show(folder / "evidence", Filters(type="request"))]  # type: ignore[misc]


def test_another_worker_and_a_restart_know_it(tmp_path: Path) -> None:
    one, two = on_disk(tmp_path), on_disk(tmp_path)
    ask(one, agent=CHROME)
    ask(two, agent=CHROME)
    assert one.runtime is not None
    assert two.runtime is not None
    ask(one, ROBOTS, agent=GPTBOT)
    assert (tmp_path / "evidence" / "run" / "told").read_bytes().count(b'"GPTBot"') == 1
    two.runtime.telling.poll()
    assert fetched(two) == fetched(one)
    since = one.runtime.telling.hosts[""].since
    assert two.runtime.telling.hosts[""].since == since
    one.close()
    two.close()

    again = on_disk(tmp_path)
    ask(again, agent=GPTBOT)
    again.close()
    (record,) = shown(tmp_path)
    assert record["told"]["since"] == str(since)
    assert record["told"]["crawler"][ROBOTS]["version"] == record["robots"]["version"]


def test_the_version_fetched_before_a_restart_is_read_from_the_evidence(tmp_path: Path) -> None:
    first = on_disk(tmp_path)
    ask(first, ROBOTS, agent=GPTBOT)
    before = fetched(first).claimed.version
    first.close()

    site = VorbehaltMiddleware(
        PageApp(),
        config=config(
            site={"robots": "none", "operator": "Another"},
            reservation={"training": "allow", "tdm": "allow", "ai_input": "allow"},
            evidence={"directory": str(tmp_path / "evidence")},
        ),
    )
    ask(site, agent=PERPLEXITY)
    ask(site, agent=GPTBOT)
    site.close()

    robots = shown(tmp_path)[-1]["robots"]
    assert robots["version"] != before
    assert robots["allowed"] is True
    assert (robots["fetched"]["version"], robots["fetched"]["allowed"]) == (before, False)
    assert robots["fetched"]["line"] == "Disallow: /"


def test_nothing_personal_is_in_the_file(tmp_path: Path) -> None:
    site = on_disk(tmp_path)
    ask(site, ROBOTS, agent=GPTBOT, client=("8.8.8.8", 1), headers=[(b"from", b"jane@example.org")])
    site.close()
    kept = (tmp_path / "evidence" / "run" / "told").read_bytes()
    assert b"GPTBot" in kept
    assert [part for part in (b"8.8.8.8", b"Mozilla", b"jane") if part in kept] == []


def test_a_new_host_is_observed_since_the_reload(tmp_path: Path) -> None:
    path = tmp_path / "vorbehalt.toml"
    text = """
format = 1
[site]
origin = "https://label.example"
robots = "none"
[evidence]
directory = "memory:"
"""
    path.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=path)
    ask(site, agent=CHROME)
    assert site.runtime is not None
    since = site.runtime.telling.hosts[""].since
    more = '[[host]]\nnames = ["b.example"]\nsite = { origin = "https://b.example", robots = "none" }\n'
    path.write_text(text + more)
    before = time_ns()
    assert site.runtime.reload(force=True)

    assert site.runtime.telling.hosts[""].since == since
    assert before <= site.runtime.telling.hosts["b.example"].since <= time_ns()


def test_a_fault_in_it_loses_neither_the_record_nor_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of()
    ask(site, agent=GPTBOT)
    assert site.runtime is not None

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("vorbehalt.edge.telling._robots", broken)
    monkeypatch.setattr(site.runtime.telling, "note", broken)
    assert [ask(site, agent=agent).status for agent in (GPTBOT, GPTBOT, PERPLEXITY)] == [403, 403, 200]
    assert ask(site, ROBOTS, agent=GPTBOT).status == 200
    assert "robots" not in last(site)
    assert len(records(site)) == 4
    assert site.runtime.counters.snapshot()["vorbehalt_internal_errors_total", ()] == 4


def test_an_answer_waits_no_longer_than_the_deadline_for_the_file(tmp_path: Path) -> None:
    import threading

    site = VorbehaltMiddleware(
        PageApp(),
        config=config(
            site={"robots": "none"},
            evidence={"directory": str(tmp_path / "evidence"), "reply_deadline": "20ms"},
        ),
    )
    ask(site, agent=CHROME)
    assert site.runtime is not None
    go = threading.Event()
    disk = site.runtime.telling.told._disk
    sync = disk.sync
    disk.sync = lambda fd: (go.wait(10), sync(fd))[1]  # type: ignore[method-assign]

    async def main() -> int:
        got = await call(site, scope(ROBOTS, agent=GPTBOT))
        assert not go.is_set()
        go.set()
        return got.status

    assert asyncio.run(main()) == 200


def test_the_place_of_a_host_names_its_documents() -> None:
    site = site_of()
    assert site.runtime is not None
    place = place_of(site.runtime.live.engine.default)
    assert sorted(place.documents) == DOCUMENTS
    assert place.robots.version == site.runtime.live.engine.default.bundle.documents[ROBOTS].digest
