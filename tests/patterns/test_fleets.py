"""Fleets over people's traffic: found, soon, with hardly anybody in them; crowds of people are no fleets."""

from __future__ import annotations

from random import Random

import pytest

from crowd_support import (
    AGENT_149,
    BEGIN,
    BROWSERS,
    CHROME,
    FLEETS,
    Event,
    Outcome,
    address_of,
    chromium,
    event,
    fleet,
    people,
    play,
    safari,
    visitor,
)  # fmt: skip
from pattern_support import clients
from vorbehalt.facts import Headers
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.seen import Inputs
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND

FROM = BEGIN + HOUR
DISGUISED: dict[str, Headers] = {
    client.name: tuple((name.encode(), value.encode()) for name, value in client.requests[0]["headers"])
    for client in clients().values()
    if client.label == "disguised"
}
"""The headers of a page request of every captured client that hides what it is."""


def over_people(seed: int, side: list[Event], hours: float = 1.5, **options: Inputs) -> Outcome:
    return play(people(seed, BEGIN, hours, 200), side, **options)


def is_right(outcome: Outcome, share: float = 0.95) -> None:
    """Found within its first 300 requests, most of the rest of it are members, at most 1 % are people."""
    assert outcome.first_campaign is not None
    assert outcome.first_campaign <= 300
    assert outcome.people_in_it() <= 0.01
    size = sum(who.startswith("fleet") for who in outcome.asked)
    assert len(outcome.members) >= share * (size - outcome.first_campaign)


def nobody(outcome: Outcome) -> None:
    """No campaign, no member, and no person at any level."""
    assert outcome.first_campaign is None
    assert outcome.members == set()
    assert {outcome.levels[who] for who in outcome.people()} == {"observe"}


@pytest.mark.parametrize("kind", FLEETS)
@pytest.mark.parametrize("minutes", [5, 30])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fleet_of_2000_addresses_with_one_request_each_is_found(
    kind: str, minutes: float, seed: int
) -> None:
    outcome = over_people(seed, fleet(seed, FROM, minutes, FLEETS[kind]))
    is_right(outcome, 0.8 if kind.startswith("made-up") else 0.95)
    assert {outcome.levels[who] for who in outcome.people()} == {"observe"}


def test_a_fleet_that_takes_its_time_is_found() -> None:
    is_right(
        play(people(3, BEGIN, 5, 150), fleet(3, FROM, 240, FLEETS["a browser's headers, without a flaw"]))
    )


@pytest.mark.parametrize("client", DISGUISED)
def test_a_fleet_with_the_headers_of_a_captured_client_is_found(client: str) -> None:
    outcome = over_people(4, fleet(4, FROM, 15, lambda _: DISGUISED[client], 400), 1.3)
    assert outcome.first_campaign is not None
    assert outcome.first_campaign <= 300
    assert outcome.people_in_it() <= 0.01


def test_a_fleet_that_takes_the_headers_of_another_client_each_time_is_found() -> None:
    every = list(DISGUISED.values())
    outcome = over_people(5, fleet(5, FROM, 20, lambda random: random.choice(every)), 1.4)
    assert outcome.first_campaign is not None
    assert outcome.first_campaign <= 300
    assert outcome.people_in_it() <= 0.01


def test_a_fleet_is_found_where_only_its_user_agent_is_known() -> None:
    def only_its_name(random: Random) -> Headers:
        return tuple(pair for pair in DISGUISED["curl_cffi-chrome-h2"] if pair[0] in (b"host", b"user-agent"))

    is_right(over_people(6, fleet(6, FROM, 30, only_its_name), inputs=Inputs(frozenset({"assets"}))))


@pytest.mark.parametrize("size", [400, 1_500, 6_000])
def test_a_fleet_in_the_headers_that_people_have_is_found_or_not_but_people_are_spared(size: int) -> None:
    outcome = play(people(7, BEGIN, 1.6, 300), fleet(7, FROM, 30, lambda _: CHROME.page, size))
    assert outcome.people_in_it() <= 0.01
    if size == 400:
        nobody(outcome)


def test_only_a_fleet_that_asks_for_pages_that_nobody_reads_is_found() -> None:
    def read(random: Random) -> str:
        return f"/song/{random.randint(1, 20)}"

    outcome = over_people(8, fleet(8, FROM, 30, FLEETS["a tool behind a browser's name"], page=read))
    assert outcome.first_campaign is None


def at_91(random: Random) -> str:
    return "91.1.2.3"


def test_five_hundred_people_behind_one_address_are_no_campaign() -> None:
    nobody(over_people(9, people(9, FROM, 0.5, 1_000, address=at_91, browsers=(CHROME,), name="neighbour")))


def test_five_hundred_people_behind_one_address_whose_assets_a_cache_answers_are_no_campaign() -> None:
    random = Random(10)
    side: list[Event] = []
    for number in range(500):
        at = FROM + number * 3 * SECOND
        side += visitor(random, f"person {number}", at, "91.1.2.3", CHROME, loads=False)
    outcome = over_people(10, side)
    assert outcome.first_campaign is None
    assert outcome.members == set()


def test_a_school_class_is_no_campaign() -> None:
    random = Random(11)
    side: list[Event] = []
    for lesson in range(8):
        for pupil in range(30):
            at = FROM + lesson * 2 * MINUTE + pupil * SECOND
            page = f"/archive/{6_000 + lesson}"
            side += visitor(random, f"pupil {pupil}", at, "91.1.2.3", CHROME, first=page)
    nobody(over_people(11, side))


def test_three_hundred_people_in_the_24_of_a_mobile_carrier_are_no_campaign() -> None:
    def anywhere(random: Random) -> str:
        return f"91.1.2.{random.randint(1, 254)}"

    phones = (safari(b"de-DE,de;q=0.9"), safari(b"en-GB,en;q=0.9"))
    nobody(over_people(12, people(12, FROM, 0.5, 600, address=anywhere, browsers=phones, name="phone")))


def test_phones_that_change_their_address_with_every_request_are_no_campaign() -> None:
    random = Random(13)
    phones = people(13, FROM, 0.5, 600, browsers=(safari(b"de-DE,de;q=0.9"),), name="phone")
    moved = [
        event(one.at, one.who, f"91.1.2.{random.randint(1, 254)}", one.visit.path, one.visit.headers)
        for one in phones
    ]
    outcome = over_people(13, moved)
    assert outcome.first_campaign is None
    assert outcome.members == set()


@pytest.mark.parametrize("loads", [None, False])
def test_a_link_that_was_shared_is_no_campaign(loads: bool | None) -> None:
    random = Random(14)
    side: list[Event] = []
    for number in range(2_500):
        at = FROM + int(random.uniform(0, 20) * MINUTE)
        home, browser = address_of(random), random.choice(BROWSERS)
        side += visitor(random, f"friend {number}", at, home, browser, first="/news/today", loads=loads)
    outcome = over_people(14, side)
    assert outcome.first_campaign is None
    assert outcome.members == set()


def declares(agent: bytes) -> Headers:
    return ((b"host", b"label.example"), (b"user-agent", agent), (b"accept", b"text/html"))


@pytest.mark.parametrize(
    ("who", "headers"),
    [
        ("a prefetching service", (*CHROME.page, (b"sec-purpose", b"prefetch;anonymous-client-ip"))),
        ("link previews", declares(b"http.rb/5.1.1 (Mastodon/4.2.0; +https://a.example/)")),
        ("text browsers", (*declares(b"Lynx/2.9.0 libwww-FM/2.14"), (b"accept-language", b"de"))),
    ],
)
def test_these_ask_like_a_fleet_and_are_none(who: str, headers: Headers) -> None:
    outcome = over_people(15, fleet(15, FROM, 20, lambda _: headers, 600))
    assert outcome.first_campaign is None, who
    assert outcome.members == set(), who


def test_nobody_is_limited_for_a_fleet_that_shares_a_network_with_people() -> None:
    def anywhere(random: Random) -> str:
        return f"91.1.2.{random.randint(1, 254)}"

    neighbours = people(16, FROM, 0.5, 400, address=anywhere, browsers=(CHROME,), name="neighbour")
    exits = [
        event(one.at, one.who, anywhere(Random(one.serial)), one.visit.path, one.visit.headers)
        for one in fleet(16, FROM, 30, FLEETS["a tool behind a browser's name"])
    ]
    outcome = over_people(16, [*neighbours, *exits])
    assert outcome.first_campaign is not None
    assert outcome.people_in_it() == 0
    assert {outcome.levels[who] for who in outcome.people()} == {"observe"}


def test_the_clock_may_go_back_in_the_midst_of_it() -> None:
    random = Random(17)
    side = fleet(17, FROM, 30, FLEETS["a tool behind a browser's name"])
    early = play(people(17, BEGIN, 1.5, 200), side[:1_000])
    for one in side[1_000:]:
        early.watch.observe(
            event(one.at - 5 * HOUR, one.who, address_of(random), one.visit.path, one.visit.headers).visit
        )
    assert early.watch.failures == 0
    assert len(early.cohorts.campaigns(FROM - 5 * HOUR + 30 * MINUTE)) >= 1


def test_a_member_is_limited_by_this_alone() -> None:
    outcome = over_people(18, fleet(18, FROM, 30, FLEETS["a browser's headers, without a flaw"]))
    assert {outcome.levels[who] for who in outcome.members if who.startswith("fleet")} == {"limit"}


def test_a_person_who_was_taken_for_a_member_is_none_once_a_page_was_loaded() -> None:
    browser = chromium(149, AGENT_149, b"en-US,en;q=0.9")
    outcome = over_people(19, fleet(19, FROM, 20, lambda _: browser.page), 1.3)
    at = FROM + 20 * MINUTE

    def asks_for(path: str, seconds: int, headers: Headers) -> list[str]:
        request = event(at + seconds * SECOND, "person", "95.4.4.4", path, headers)
        return [finding.id for finding in outcome.watch.observe(request.visit).findings]

    assert asks_for("/archive/70000", 0, browser.page) == ["cohort.orphans"]
    assert asks_for("/static/1.css", 1, browser.asset) == []
    assert asks_for("/archive/70001", 9, browser.page) == []


def known(outcome: Outcome, path: str, headers: Headers) -> tuple[int, Event]:
    """A client that the short way knows, and its next request."""
    feed = event(FROM, "reader", "95.4.4.4", "/feed.xml", headers)
    for _ in range(3):
        outcome.watch.observe(feed.visit)
    request = event(FROM, "reader", "95.4.4.4", path, headers)
    key = outcome.watch.key_of(request.visit.client, outcome.watch.in_request.find(request.visit).fingerprint)
    assert key is not None
    return key, request


def test_most_pages_of_a_known_reader_go_the_short_way() -> None:
    outcome = over_people(20, [], 1.0)
    watch = outcome.watch
    followed = tuple((n, b"same-origin" if n == b"sec-fetch-site" else v) for n, v in CHROME.page)
    key, request = known(outcome, "/song/1", (*followed, (b"cookie", b"sid=1")))
    asset = event(FROM, "reader", "95.4.4.4", "/static/1.css", CHROME.asset)
    for one in (request, asset):
        watch.observe(one.visit)
    values = dict(request.visit.headers)
    long_ways = 0
    for number in range(400):
        path, at = f"/song/{number % 5 + 1}", FROM + number * SECOND
        if watch.short.fast(key, watch.spot(path), "page", values, b"label.example", b"", at) is None:
            long_ways += 1
            watch.observe(event(at, "reader", "95.4.4.4", path, request.visit.headers).visit)
    assert 5 <= long_ways <= 20, "looked at ever more seldom, but never no more"
    unread = watch.spot("/archive/88888")
    for _ in range(10):
        assert watch.short.fast(key, unread, "page", values, b"label.example", b"", at) is None
    watch.observe(event(at, "reader", "95.4.4.4", "/archive/88888", request.visit.headers).visit)
    assert unread.hash in outcome.cohorts.read_paths


def test_the_short_way_settles_a_view_that_waits() -> None:
    outcome = over_people(21, [], 1.0)
    key, request = known(outcome, "/archive/99999", CHROME.page)
    outcome.watch.observe(request.visit)
    assert key in outcome.cohorts.waiting
    spot, values = outcome.watch.spot("/static/1.css"), dict(CHROME.asset)
    assert (
        outcome.watch.short.fast(key, spot, "asset", values, b"label.example", b"", FROM + SECOND) is not None
    )
    assert key not in outcome.cohorts.waiting


def test_a_member_that_read_robots_txt_is_a_member_all_the_same() -> None:
    headers = FLEETS["a browser's headers, without a flaw"](Random(0))
    outcome = over_people(22, fleet(22, FROM, 20, lambda _: headers), 1.3)
    at = FROM + 20 * MINUTE
    robots = event(at, "robot", "95.4.4.4", "/robots.txt", headers).visit
    page = event(at + SECOND, "robot", "95.4.4.4", "/archive/70000", headers).visit
    outcome.watch.observe(robots, Circumstances(robots_version="0011"))
    assert [finding.id for finding in outcome.watch.observe(page).findings] == ["cohort.orphans"]
