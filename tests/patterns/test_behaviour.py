"""Findings 14 to 16, traps and robots.txt: when they are made and when not; and what holds for all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behaviour_support import (
    ALL,
    CLICKED,
    FROM_SEARCH,
    PICTURE,
    SAYS_LITTLE,
    TYPED,
    Client,
    crawl,
    songs,
    tracks,
)
from conduct_support import ADDRESS, BOOK, CHROME, visit
from vorbehalt.facts import Headers
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.seen import NEEDS, Inputs
from vorbehalt.patterns.sketches import HOUR, SECOND

# ---- 14, traps


def test_one_trap_is_45_points_and_the_same_again_no_more() -> None:
    client = Client().ask("/related/one", beside=Circumstances(is_trap=True))
    assert client.made["trap.hit"] == 45

    client.ask("/related/one", beside=Circumstances(is_trap=True))
    assert client.made["trap.hit"] == 45


def test_a_second_different_trap_is_70_points() -> None:
    client = Client().read(["/related/one", "/related/two"], beside=Circumstances(is_trap=True))

    assert client.made["trap.hit"] == 70


def test_a_trap_a_day_later_is_a_first_one_again() -> None:
    client = Client().ask("/related/one", beside=Circumstances(is_trap=True))
    client.ask("/related/two", beside=Circumstances(is_trap=True), wait=24 * HOUR)

    assert client.made["trap.hit"] == 45


def test_a_trap_counts_while_the_client_goes_on_and_fades_by_the_day() -> None:
    client = Client().ask("/related/one", beside=Circumstances(is_trap=True))
    client.ask("/", CLICKED, wait=24 * HOUR)

    assert client.made["trap.hit"] == 23


def test_whose_link_it_was_is_said() -> None:
    client = Client().ask("/related/one", beside=Circumstances(is_trap=True, trap_tie="a link of client ab"))

    assert client.last is not None
    assert "a trap link; a link of client ab" in [one.observed for one in client.last.findings]


@pytest.mark.parametrize(
    ("headers", "method", "beside", "agent"),
    [
        ((*TYPED, (b"sec-purpose", b"prefetch;prerender")), "GET", Circumstances(is_trap=True), CHROME),
        ((*TYPED, (b"purpose", b"prefetch")), "GET", Circumstances(is_trap=True), CHROME),
        (TYPED, "HEAD", Circumstances(is_trap=True), CHROME),
        (TYPED, "GET", Circumstances(is_trap=True, checks_links=True), CHROME),
        (
            SAYS_LITTLE,
            "GET",
            Circumstances(is_trap=True),
            b"LinkChecker/10.2 (+https://linkchecker.github.io/)",
        ),
        (SAYS_LITTLE, "GET", Circumstances(is_trap=True), b"W3C-checklink/4.81 libwww-perl/6.67"),
        (SAYS_LITTLE, "GET", Circumstances(is_trap=True), b"lychee/0.15.1"),
        (TYPED, "GET", ORDINARY, CHROME),
    ],
    ids=["speculation", "prefetch", "head", "told", "linkchecker", "checklink", "lychee", "no-trap"],
)
def test_who_did_not_choose_to_follow_steps_into_no_trap(
    headers: Headers, method: str, beside: Circumstances, agent: bytes
) -> None:
    client = Client(agent=agent).read(["/related/one", "/related/two"], headers, beside=beside, method=method)

    assert "trap.hit" not in client.made


def test_where_no_traps_are_placed_none_is_stepped_into() -> None:
    inputs = Inputs(ALL.given - {"traps"})
    client = Client(inputs).ask("/related/one", beside=Circumstances(is_trap=True))

    assert client.made == {}


# ---- 15 and 16, robots.txt

READ = Circumstances(robots_version="v1" * 32)
FORBIDDEN = Circumstances(disallowed_under="v1" * 32)


def test_who_read_robots_txt_and_breaks_it_is_found() -> None:
    client = Client().ask("/robots.txt", beside=READ).ask("/private", beside=FORBIDDEN)

    assert client.made == {"robots.violation": 50}
    assert client.last is not None
    assert "v1v1v1v1v1v1" in client.last.findings[0].observed


def test_who_never_read_it_breaks_nothing() -> None:
    assert Client().ask("/private", beside=FORBIDDEN).made == {}


def test_another_version_than_the_one_it_was_given_binds_nobody() -> None:
    client = Client().ask("/robots.txt", beside=READ)

    assert client.ask("/private", beside=Circumstances(disallowed_under="v2" * 32)).made == {}


@pytest.mark.parametrize(
    ("later", "points"), [(24 * HOUR - SECOND, {"robots.violation": 50}), (24 * HOUR, {})]
)
def test_a_robots_txt_binds_for_a_day(later: int, points: dict[str, int]) -> None:
    client = Client().ask("/robots.txt", beside=READ).ask("/private", beside=FORBIDDEN, wait=later)

    assert client.made == points


def test_the_version_that_binds_a_client_is_the_last_one_it_fetched() -> None:
    client = Client().ask("/robots.txt", beside=READ)
    client.ask("/robots.txt", beside=replace(READ, robots_version="v2" * 32))
    key = client.watch.key_of(ADDRESS, client.watch.in_request.find(visit("/", TYPED)).fingerprint)

    assert client.watch.robots_known(key, client.now) == "v2" * 32
    assert client.watch.robots_known(key, client.now + 24 * HOUR) is None
    assert client.watch.robots_known(None, client.now) is None
    assert client.watch.robots_known(7, client.now) is None


def test_another_browser_behind_the_same_address_has_read_nothing() -> None:
    client = Client().ask("/robots.txt", beside=READ)
    client.agent = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    assert "robots.violation" not in client.ask("/private", beside=FORBIDDEN).made


def test_a_prefetch_breaks_no_robots_txt() -> None:
    client = Client().ask("/robots.txt", beside=READ)

    assert client.ask("/private", (*TYPED, (b"sec-purpose", b"prefetch")), FORBIDDEN).made == {}


def test_a_crawl_through_closed_areas_by_who_never_asked_is_found() -> None:
    assert crawl(Client(), 10).made.get("robots.no_read_crawl") == 25


@pytest.mark.parametrize(
    ("closed", "read", "is_declared"),
    [(9, 70, False), (10, 30, False), (10, 70, True)],
    ids=["few-closed", "few-pages", "declared"],
)
def test_less_than_a_crawl_is_none(closed: int, read: int, is_declared: bool) -> None:
    assert "robots.no_read_crawl" not in crawl(Client(), closed, read, is_declared).made


def test_who_read_robots_txt_is_judged_by_it_instead() -> None:
    assert "robots.no_read_crawl" not in crawl(Client().ask("/robots.txt", beside=READ), 10).made


# ---- what holds for all


@pytest.mark.parametrize("missing", sorted(NEEDS))
def test_what_cannot_be_seen_is_never_held_against_anybody(missing: str) -> None:
    """A client that does everything wrong: without an input it has fewer findings, and never another one."""

    def everything(inputs: Inputs) -> set[str]:
        client = Client(inputs).ask("/robots.txt", beside=READ).ask("/private", beside=FORBIDDEN)
        client.ask("/related/one", beside=Circumstances(is_trap=True)).ask("/", sets_cookie=True)
        client.read(songs(*range(80))).read(tracks(20), SAYS_LITTLE)
        return set(client.made)

    with_all, without = everything(ALL), everything(Inputs(ALL.given - {missing}))

    assert without <= with_all
    assert {id for id in with_all if missing in BOOK.definition(id).needs}.isdisjoint(without)


def test_a_client_that_does_everything_wrong_is_blocked_for_what_it_did() -> None:
    client = Client().ask("/robots.txt", beside=READ).ask("/private", beside=FORBIDDEN)
    client.ask("/", sets_cookie=True).read(songs(*range(80)))

    assert client.last is not None
    assert client.last.level == "block"
    assert client.last.conclusive == ("robots.violation",)


def test_what_was_found_fades_by_half_in_half_an_hour() -> None:
    client = Client().ask("/logo.png", PICTURE).read(songs(*range(20)), FROM_SEARCH)
    assert client.made == {"volume.enumeration": 30}

    # An hour after its first request the window is over: the run is history, its points fade.
    client.ask("/", CLICKED, wait=HOUR - 21 * SECOND)

    assert client.made == {"volume.enumeration": 8}
