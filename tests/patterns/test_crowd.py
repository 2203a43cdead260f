"""Which requests count in cohorts, and whose views are a reader's."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from conduct_support import BOOK
from crowd_support import AGENT_149, CHROME, FLEETS, INPUTS, chromium, event, safari
from vorbehalt.facts import ClientAddress, Headers, Visit
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.cohort import SLOT, Measures
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.fingerprint import cohort_fingerprint
from vorbehalt.patterns.seen import seen
from vorbehalt.patterns.sketches import MINUTE, SECOND
from vorbehalt.patterns.watch import Watch

NOW = 1_794_997_800 * SECOND
PHONE = safari(b"de-DE,de;q=0.9")


PLAIN: Headers = tuple(pair for pair in CHROME.page if not pair[0].startswith(b"sec-fetch"))
"""Of a page, as far as these say."""


class Scene:
    """One site, and what its cohorts count."""

    def __init__(self) -> None:
        self.cohorts = Cohorts(BOOK, INPUTS)
        self.watch = Watch(BOOK, INPUTS, cohorts=self.cohorts)

    def ask(
        self, path: str, headers: Headers, at: int = 0, beside: Circumstances = ORDINARY, method: str = "GET"
    ) -> Visit:
        visit = replace(event(NOW + at * SECOND, "", "95.4.4.4", path, headers).visit, method=method)
        self.watch.observe(visit, beside)
        assert self.watch.last_failure is None
        return visit

    def network(self) -> Measures:
        self.cohorts.campaigns(NOW + 10 * MINUTE)
        return self.cohorts._kinds["network"].meet("95.4.4.0/24", self.cohorts._now).measures()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_page_view_counts(scene: Scene) -> None:
    scene.ask("/archive/1", CHROME.page)
    assert (scene.network().views, scene.network().orphans) == (1, 1)


@pytest.mark.parametrize(
    "beside",
    [
        Circumstances(is_declared=True),
        Circumstances(checks_links=True),
        Circumstances(robots_version="0011"),
    ],
)
def test_what_says_what_it_is_does_not_count(scene: Scene, beside: Circumstances) -> None:
    scene.ask("/archive/1", CHROME.page, beside=beside)
    assert scene.network().views == 0


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_only_get_counts(scene: Scene, method: str) -> None:
    scene.ask("/archive/1", PLAIN, method=method)
    assert scene.network().views == 0


def test_what_is_fetched_in_advance_does_not_count(scene: Scene) -> None:
    scene.ask("/archive/1", (*CHROME.page, (b"sec-purpose", b"prefetch")))
    assert scene.network().views == 0


@pytest.mark.parametrize("path", ["/feed.xml", "/song.mp3", "/static/1.css"])
def test_only_pages_count(scene: Scene, path: str) -> None:
    scene.ask(path, PHONE.asset[:1] + PHONE.page[2:3])
    assert scene.network().views == 0


def test_what_claims_no_browser_does_not_count(scene: Scene) -> None:
    scene.ask("/archive/1", ((b"host", b"label.example"), (b"user-agent", b"Lynx/2.9.0 libwww-FM/2.14")))
    assert scene.network().views == 0


def test_an_address_that_may_be_no_key_does_not_count(scene: Scene) -> None:
    visit = event(NOW, "", "10.0.0.1", "/archive/1", CHROME.page).visit
    scene.watch.observe(replace(visit, client=ClientAddress("10.0.0.1", "direct", False, "10.0.0.1")))
    assert len(scene.cohorts) == 0


@pytest.mark.parametrize(
    ("extra", "beside"),
    [
        (((b"cookie", b"sid=1"),), ORDINARY),
        (((b"if-none-match", b'"1"'),), ORDINARY),
        (((b"if-modified-since", b"Thu, 01 Jan 2026 00:00:00 GMT"),), ORDINARY),
        ((), Circumstances(challenge_passed=True)),
        ((), Circumstances(is_signed_in=True)),
    ],
)
def test_these_views_are_a_readers(scene: Scene, extra: Headers, beside: Circumstances) -> None:
    scene.ask("/archive/1", (*CHROME.page, *extra), beside=beside)
    assert (scene.network().views, scene.network().orphans) == (1, 0)


def test_who_loaded_assets_before_is_a_reader(scene: Scene) -> None:
    scene.ask("/static/1.css", CHROME.asset)
    scene.ask("/archive/1", CHROME.page, 30)
    assert (scene.network().views, scene.network().orphans) == (1, 0)


def test_who_showed_a_cookie_before_is_a_reader(scene: Scene) -> None:
    scene.ask("/feed.xml", (*CHROME.page, (b"cookie", b"sid=1")))
    scene.ask("/archive/1", CHROME.page, 30)
    assert (scene.network().views, scene.network().orphans) == (1, 0)


def test_a_call_of_the_pages_script_settles_it_like_an_asset(scene: Scene) -> None:
    scene.ask("/archive/1", CHROME.page)
    call = tuple((n, b"empty" if n == b"sec-fetch-dest" else v) for n, v in CHROME.asset)
    scene.ask("/api/plays", (*call, (b"x-requested-with", b"XMLHttpRequest")), 2)
    assert (scene.network().views, scene.network().orphans, scene.network().readers) == (1, 0, 1)


def test_a_call_of_another_sites_script_settles_nothing(scene: Scene) -> None:
    scene.ask("/archive/1", CHROME.page)
    other = {b"sec-fetch-site": b"cross-site", b"sec-fetch-dest": b"empty"}
    foreign = tuple((name, other.get(name, value)) for name, value in CHROME.asset)
    scene.ask("/embed", foreign, 2)
    assert scene.network().orphans == 1


def test_a_reader_counts_with_the_first_two_pages_of_an_hour_and_all_paths_are_remembered(
    scene: Scene,
) -> None:
    for number in range(20):
        scene.ask(f"/archive/{number}", (*CHROME.page, (b"cookie", b"sid=1")), number)
    assert scene.network().views == 2
    assert scene.watch.spot("/archive/19").hash in scene.cohorts.read_paths


def shape_of(headers: Headers) -> str:
    visit = event(NOW, "", "95.4.4.4", "/archive/1", headers).visit
    return f"headers:{cohort_fingerprint(seen(visit, INPUTS)).hex()}"


def keys(scene: Scene, headers: Headers) -> set[str]:
    scene.ask("/archive/1", headers)
    return {cohort.key for cohort in scene.cohorts._kinds["headers"]}


def test_a_strong_contradiction_makes_a_cohort(scene: Scene) -> None:
    headers: Headers = (
        (b"host", b"label.example"),
        (b"user-agent", AGENT_149),
        (b"accept", b"text/html"),
    )
    assert keys(scene, headers) == {shape_of(headers), "contradiction:claim.no_fetch_metadata"}


def test_a_weak_contradiction_makes_none(scene: Scene) -> None:
    headers = tuple(pair for pair in CHROME.page if pair[0] != b"accept-language")
    assert scene.watch.in_request.find(event(NOW, "", "95.4.4.4", "/", headers).visit).findings
    assert keys(scene, headers) == {shape_of(headers)}


def test_without_a_contradiction_there_is_none(scene: Scene) -> None:
    headers = chromium(149, AGENT_149, b"de").page
    assert keys(scene, headers) == {shape_of(headers)}


def test_dead_browsers_are_told_apart(scene: Scene) -> None:
    scene.ask("/archive/1", FLEETS["made-up browsers, a new one each time"](Random(1)))
    assert scene.network().dead == 1
    assert NOW % SLOT == 0
