"""Records name the works that were asked for; a catalogue changes, breaks or grows, and no answer cares."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, Got, PageApp, ask, call, config, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import works_watch
from vorbehalt.errors import ConfigError
from vorbehalt.facts import Visit

CATALOGUE = "path,id,title\n/songs/1,own:1,One\n/songs/1,own:2,Two\n/songs/2,own:2,Two\n"


def site_of(
    path: Path | str, works: Callable[[Visit], Any] | None = None, **sections: Any
) -> VorbehaltMiddleware:
    named = {"catalogue": str(path)} if isinstance(path, Path) else {"patterns": path.split()}
    whole = config(**{"site": {"robots": "none"}, "works": named, **sections})
    return VorbehaltMiddleware(PageApp(), config=whole, works=works)


def works_in(site: VorbehaltMiddleware) -> list[Any]:
    assert site.runtime is not None
    leaves = site.runtime.evidence.leaves()  # type: ignore[attr-defined]
    return [leaf["seen"].get("works", leaf["seen"]["work"]) for leaf in leaves if leaf["type"] == "request"]


def health(site: VorbehaltMiddleware) -> list[str]:
    assert site.runtime is not None
    said = site.runtime.health()["reasons"]
    assert isinstance(said, list)
    return [reason for reason in said if " of works " in reason]


def later(path: Path, text: str) -> None:
    """Change a file so that its time of change is another one, too."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def polled(site: VorbehaltMiddleware) -> None:
    """What the housekeeper does every two seconds, and wait for the reading to end."""
    assert site.runtime is not None
    site.runtime.works.poll()
    for catalogue in site.runtime.works._catalogues.values():
        if catalogue._thread is not None:
            catalogue._thread.join(30)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "works.csv"
    path.write_text(CATALOGUE)
    return path


def test_refused_and_answered_crawlers_leave_records_that_name_the_works(catalogue: Path) -> None:
    site = site_of(catalogue)
    for path in ("/songs/1", "/songs/2", "/songs/1", "/about"):
        ask(site, path, agent=GPTBOT)  # the second is a refusal that is remembered
    ask(site, "/songs/2", agent=PERPLEXITY)
    assert works_in(site) == [["own:1", "own:2"], "own:2", ["own:1", "own:2"], None, "own:2"]


def test_a_reader_leaves_no_record_and_costs_no_look_up(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(catalogue, works=lambda visit: pytest.fail("a reader was looked up"))
    for _ in range(3):
        assert ask(site, "/songs/1", agent=CHROME).status == 200
    assert works_in(site) == []
    assert health(site) == []


def test_a_url_pattern_names_works_without_a_catalogue() -> None:
    site = site_of("/lyrics/{id} /t/{isrc}")
    for path in ("/lyrics/7", "/t/de-um7-26-00001", "/t/none"):
        ask(site, path, agent=GPTBOT)
    assert works_in(site) == ["own:7", "isrc:DEUM72600001", None]


def test_each_host_has_its_own_catalogue(catalogue: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("path,id\n/songs/1,own:other\n")
    site = site_of(catalogue, host=[{"names": ["b.example"], "works": {"catalogue": str(other)}}])
    for host in (b"label.example", b"b.example"):
        request = scope("/songs/2" if host == b"label.example" else "/songs/1", agent=GPTBOT)
        request["headers"][0] = (b"host", host)
        asyncio.run(call(site, request))
    assert works_in(site) == ["own:2", "own:other"]


def test_the_callback_is_asked_first_and_the_catalogue_where_it_knows_nothing(catalogue: Path) -> None:
    def works(visit: Visit) -> Any:
        return {"/songs/1": ["isrc:DE-UM7-26-00001", "x"], "/songs/9": "isbn:0306406152"}.get(visit.path)

    site = site_of(catalogue, works=works)
    for path in ("/songs/1", "/songs/9", "/songs/2"):
        ask(site, path, agent=GPTBOT)
    assert works_in(site) == [["isrc:DEUM72600001", "own:x"], "isbn:9780306406157", "own:2"]


@pytest.mark.parametrize("answer", [7, [7], ["isbn:1"], [None], RuntimeError("ours")])
def test_a_callback_that_fails_changes_no_answer_and_is_said(catalogue: Path, answer: Any) -> None:
    def works(visit: Visit) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    site = site_of(catalogue, works=works)
    plain = site_of(catalogue)

    def form(got: Got) -> Any:
        return got.status, sorted(name for name, _ in got.start["headers"])

    assert form(ask(site, "/songs/2", agent=GPTBOT)) == form(ask(plain, "/songs/2", agent=GPTBOT))
    assert ask(site, "/songs/2", agent=PERPLEXITY).body == b"a page"
    assert works_in(site) == ["own:2", "own:2"]
    assert health(site) == ["2 times the naming of works failed; the log says how"]


def test_a_changed_catalogue_is_taken_over_and_a_broken_one_is_not(catalogue: Path) -> None:
    site = site_of(catalogue)
    ask(site, "/songs/2", agent=GPTBOT)
    later(catalogue, "path,id\n/songs/2,own:new\n")
    polled(site)
    ask(site, "/songs/2", agent=GPTBOT)
    later(catalogue, "path,id\n/songs/2,isbn:1\n/songs/3,isbn:2\n")
    polled(site)
    ask(site, "/songs/2", agent=GPTBOT)
    assert works_in(site) == ["own:2", "own:new", "own:new"]
    (said,) = health(site)
    assert said.startswith("the catalogue of works is wrong, the last good one goes on: ")
    assert said.endswith('works.csv:2: V039 "1" is no ISBN of 10 or 13 digits and 1 more')
    later(catalogue, "path,id\n/songs/2,own:last\n")
    polled(site)
    assert health(site) == []


def test_a_site_starts_with_a_broken_catalogue_and_says_so(catalogue: Path) -> None:
    catalogue.write_text("path,id\n/songs/1,isbn:1\n")
    site = site_of(catalogue)
    assert ask(site, "/songs/1", agent=CHROME).status == 200
    ask(site, "/songs/1", agent=GPTBOT)
    assert works_in(site) == [None]
    assert health(site)[0].startswith("the catalogue of works is wrong, records name no works: ")


def test_after_a_restart_the_last_good_one_goes_on(catalogue: Path, tmp_path: Path) -> None:
    state: dict[str, Any] = {"state": {"directory": str(tmp_path / "state")}}
    site_of(catalogue, **state)
    later(catalogue, "path,id\n/songs/1,isbn:1\n")
    site = site_of(catalogue, **state)
    ask(site, "/songs/2", agent=GPTBOT)
    assert works_in(site) == ["own:2"]
    assert "the last good one goes on" in health(site)[0]


def test_a_large_catalogue_is_read_while_the_site_runs(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(works_watch, "_READ_AT_ONCE", 10)
    site = site_of(catalogue)
    assert health(site) == ["the catalogue of works is being read; until then records name no works"]
    ask(site, "/songs/2", agent=GPTBOT)
    deadline = time.monotonic() + 30
    while health(site) and time.monotonic() < deadline:
        polled(site)
    ask(site, "/songs/2", agent=GPTBOT)
    assert works_in(site)[-1] == "own:2"
    assert health(site) == []


def test_a_catalogue_that_is_not_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"V028 works\.catalogue: there is no file"):
        site_of(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("ours")])
def test_a_catalogue_that_cannot_be_indexed_does_not_keep_the_site_from_starting(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(works_watch, "build_index", fail)
    site = site_of(catalogue)
    assert ask(site, "/songs/1", agent=PERPLEXITY).body == b"a page"
    assert works_in(site) == [None]
    assert health(site)[0].startswith("the catalogue of works could not be read: ")
