"""Trap links at work: whoever follows one gets nothing, is found, and is tied to whom it was given."""

from __future__ import annotations

import asyncio
import re
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from asgi_support import (
    GPTBOT,
    NAVIGATION,
    Got,
    PageApp,
    WatchedEvidence,
    call,
    config,
    protect,
    scope,
    watched,
)
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.trap_links import traps_of
from vorbehalt.edge.traps import shared_secret
from vorbehalt.errors import ConfigError
from vorbehalt.settings import load

TRAPS = {"traps": "/related/"}
READER, OTHER = ("203.0.114.9", 1), ("203.0.115.7", 1)


def asked(site: Any, path: str, client: Any = READER, *more: tuple[bytes, bytes], method: str = "GET") -> Got:
    request = scope(path, agent=None, headers=(*NAVIGATION, *more), client=client, method=method)
    return asyncio.run(call(site, request))


def link(site: VorbehaltMiddleware, page: str = "/lyrics/1", client: Any = READER) -> str:
    assert site.runtime is not None
    links = traps_of(site.runtime.live.engine.default)
    assert links is not None
    found = re.search(r'href="([^"]+)"', links.element(scope(page, client=client), time.time_ns()))
    assert found
    return found[1]


def requests(evidence: WatchedEvidence) -> list[Any]:
    return [draft.seen for draft in evidence.drafts if draft.type == "request"]


def test_behind_a_trap_link_there_is_nothing_and_it_is_recorded() -> None:
    app = PageApp()
    site, evidence = watched(app, None, patterns=TRAPS)
    got = asked(site, link(site))
    told = [got.header(name) for name in (b"cache-control", b"tdm-reservation")]
    assert (got.status, told) == (404, [b"no-store", b"1"])
    assert b"not meant for people" in got.body
    assert app.pages == [], "the site is not asked"
    (record,) = requests(evidence)
    assert [finding["id"] for finding in record["findings"]] == ["trap.hit"]
    assert (record["level"], record["decision"]["status"]) == ("limit", 404)


def test_a_link_used_from_another_address_ties_the_two_without_naming_either() -> None:
    site, evidence = watched(PageApp(), None, patterns=TRAPS)
    asked(site, link(site), OTHER)
    (record,) = requests(evidence)
    (finding,) = record["findings"]
    tie = r"a trap link; a link that was given to client [0-9a-f]{16} of day \d+"
    assert re.fullmatch(tie, finding["observed"])
    assert "203.0" not in str(record)


@pytest.mark.parametrize("path", ["/related/", "/related/x", "/related/" + "A" * 30])
def test_without_a_mark_of_ours_nobody_is_found_anything(path: str) -> None:
    site, evidence = watched(PageApp(), None, patterns=TRAPS)
    for _ in range(4):
        assert asked(site, path).status == 404
    assert requests(evidence) == []


def test_what_is_fetched_in_advance_and_a_head_count_for_nothing() -> None:
    site, evidence = watched(PageApp(), None, patterns=TRAPS)
    assert asked(site, link(site), READER, (b"sec-purpose", b"prefetch")).status == 404
    head = asked(site, link(site), READER, method="HEAD")
    assert (head.status, head.body) == (404, b"")
    assert requests(evidence) == []


def test_two_different_links_weigh_more_and_are_refused_to_nobody_as_a_block_alone() -> None:
    site, evidence = watched(PageApp(), None, patterns={**TRAPS, "mode": "enforce"})
    assert [asked(site, link(site)).status for _ in range(3)] == [404] * 3
    assert asked(site, link(site, "/lyrics/2")).status == 404
    weights = [record["findings"][0]["weight"] for record in requests(evidence)]
    assert weights == [45, 45, 45, 70]
    assert asked(site, "/style.css").status == 200


def test_a_crawler_that_is_refused_is_refused_there_as_well() -> None:
    site = protect(PageApp(), patterns=TRAPS)
    assert asyncio.run(call(site, scope(link(site), agent=GPTBOT, client=OTHER))).status == 403


def test_robots_txt_forbids_the_folder_to_everybody_and_without_traps_the_site_answers() -> None:
    site, plain = protect(PageApp(), patterns=TRAPS), protect(PageApp())
    robots = asked(site, "/robots.txt").body.decode()
    assert "Disallow: /related/" in robots.partition("User-agent: *")[2]
    assert "/related/" not in asked(plain, "/robots.txt").body.decode()
    assert asked(plain, "/related/x").status == 200


def test_the_workers_of_one_site_know_each_others_links(tmp_path: Path) -> None:
    state = {"directory": str(tmp_path / "run")}
    first, second = (watched(PageApp(), None, patterns=TRAPS, state=state) for _ in range(2))
    asked(second[0], link(first[0]))
    assert len(requests(second[1])) == 1
    secret = tmp_path / "run" / "trap-secret"
    assert (len(secret.read_bytes()), stat.S_IMODE(secret.stat().st_mode)) == (32, 0o600)


def test_a_damaged_or_impossible_secret_is_said_and_the_site_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "trap-secret").write_bytes(b"short")
    assert len(shared_secret(tmp_path)) == 32
    assert "is damaged" in caplog.text
    assert (tmp_path / "trap-secret").read_bytes() == b"short", "nothing is lost"
    (tmp_path / "file").touch()
    assert len(shared_secret(tmp_path / "file")) == 32
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("path", ["/", "related/", "/related", "/a b/", "//", "/../", "/x*/"])
def test_a_path_that_is_no_empty_folder_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="a folder that holds nothing"):
        load(config(patterns={"traps": path}))
