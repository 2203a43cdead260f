"""Findings 14 to 23, one by one: when they are made, and above all when not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from conduct_support import ADDRESS, BOOK, CHROME, NOW, visit
from vorbehalt.facts import Headers
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.score import Assessment
from vorbehalt.patterns.seen import NEEDS, Inputs
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND, HyperLogLog
from vorbehalt.patterns.spots import facet, spot_of
from vorbehalt.patterns.watch import Watch

ALL = Inputs(frozenset(NEEDS) - {"tls"})
TYPED: Headers = (
    (b"sec-fetch-site", b"none"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"accept-language", b"de"),
)
CLICKED: Headers = (
    (b"sec-fetch-site", b"same-origin"),
    *TYPED[1:],
    (b"referer", b"https://label.example/"),
)
FROM_SEARCH: Headers = ((b"sec-fetch-site", b"cross-site"), *TYPED[1:])
COOKIE: Headers = ((b"cookie", b"sid=1"),)
PICTURE: Headers = (
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"no-cors"),
    (b"sec-fetch-dest", b"image"),
    (b"accept-language", b"de"),
)
PLAYER: Headers = (
    (b"sec-fetch-dest", b"audio"),
    (b"sec-fetch-mode", b"no-cors"),
    (b"accept-language", b"de"),
)
SAYS_LITTLE: Headers = ((b"accept-language", b"de"),)


class Client:
    """One client and the watch over it; every request is a second after the last."""

    def __init__(self, inputs: Inputs = ALL, agent: bytes = CHROME) -> None:
        self.watch = Watch(BOOK, inputs)
        self.agent = agent
        self.now = NOW
        self.last: Assessment | None = None

    def ask(
        self,
        path: str = "/",
        headers: Headers = TYPED,
        beside: Circumstances = ORDINARY,
        *,
        method: str = "GET",
        scheme: str = "https",
        query: bytes = b"",
        status: int = 200,
        sets_cookie: bool = False,
        wait: int = SECOND,
    ) -> Client:
        self.now += wait
        request = visit(
            path, headers, at=self.now, method=method, scheme=scheme, query=query, agent=self.agent
        )
        self.last = self.watch.observe(request, beside)
        key = self.watch.key_of(ADDRESS, self.watch.in_request.find(request).fingerprint)
        self.watch.note_answer(key, status, sets_cookie, self.now)
        assert self.watch.failures == 0, self.watch.last_failure
        return self

    def read(self, paths: Sequence[str], headers: Headers = TYPED, **more: object) -> Client:
        for path in paths:
            self.ask(path, headers, **more)  # type: ignore[arg-type]
        return self

    @property
    def made(self) -> dict[str, int]:
        """The findings of conduct, with their points."""
        assert self.last is not None
        return {one.id: one.weight for one in self.last.findings if BOOK.definition(one.id).state == "client"}


def pages(count: int) -> list[str]:
    return [
        "/",
        *(f"/song-{'abcdefghijklmnopqrstuvwxyz'[n % 26]}{'x' * (n // 26)}" for n in range(count - 1)),
    ]


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


def crawl(client: Client, closed: int, pages_read: int = 70, is_declared: bool = False) -> Client:
    """Many different pages of which some lie in areas closed to all robots, with the assets of a browser."""
    client.ask("/style.css", PICTURE)
    for number in range(pages_read):
        client.ask(
            f"/{number * 7919 % 1000}/x{number}x",
            FROM_SEARCH,
            Circumstances(is_closed_area=number < closed, is_declared=is_declared),
        )
    return client


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


# ---- 17 to 19, the chain


@pytest.mark.parametrize(("count", "points"), [(2, None), (3, 9), (5, 9), (6, 25)])
def test_pages_without_assets_weigh_in_full_from_six_on(count: int, points: int | None) -> None:
    assert Client().read(pages(count), FROM_SEARCH).made.get("chain.no_assets") == points


@pytest.mark.parametrize(
    "saving", ["asset", "script", "cookie-first", "validator", "no-browser", "not-routed"]
)
def test_who_has_a_reason_to_load_nothing_is_passed_over(saving: str) -> None:
    inputs = Inputs(ALL.given - {"assets"}) if saving == "not-routed" else ALL
    client = Client(inputs, b"Lynx/2.9.0dev.12" if saving == "no-browser" else CHROME)
    if saving == "cookie-first":
        client.ask("/", (*FROM_SEARCH, *COOKIE))
    client.read(pages(8), FROM_SEARCH)
    if saving == "asset":
        client.ask("/logo.png", PICTURE)
    if saving == "script":
        script = (
            (b"sec-fetch-mode", b"cors"),
            (b"sec-fetch-site", b"same-origin"),
            (b"accept-language", b"de"),
        )
        client.ask("/api/seen", script, method="POST")
    if saving == "not-modified":
        client.ask("/", FROM_SEARCH, status=304).ask("/a", FROM_SEARCH)
    if saving == "validator":
        client.ask("/", (*FROM_SEARCH, (b"if-none-match", b'"a"')))

    assert "chain.no_assets" not in client.made


def test_where_the_site_sets_no_cookies_pages_without_assets_stay_a_weak_sign() -> None:
    client = Client(Inputs(ALL.given - {"cookies"})).read(pages(30), FROM_SEARCH)

    assert client.made == {"chain.no_assets": 9}


def test_a_cookie_of_this_visit_excuses_no_empty_cache() -> None:
    client = Client().ask("/", FROM_SEARCH, sets_cookie=True).read(pages(6), (*FROM_SEARCH, *COOKIE))

    assert client.made == {"chain.no_assets": 25}


def test_assets_that_come_late_clear_a_client_at_once() -> None:
    client = Client().read(pages(8), FROM_SEARCH)
    assert client.made == {"chain.no_assets": 25}

    assert client.ask("/logo.png", PICTURE).made == {}


def test_pages_that_all_seem_typed_are_found_after_three_deep_ones() -> None:
    client = Client().ask("/logo.png", PICTURE)

    assert client.read(pages(3)).made == {}
    assert client.ask("/one-more").made == {"chain.all_typed": 20}


@pytest.mark.parametrize(
    "saving", ["followed", "from-search", "same-page", "slow", "plain-http", "no-browser"]
)
def test_who_types_or_follows_like_a_person_is_passed_over(saving: str) -> None:
    client = Client(agent=b"Dillo/3.0.5" if saving == "no-browser" else CHROME).ask("/logo.png", PICTURE)
    wait = 6 * MINUTE if saving == "slow" else SECOND
    scheme = "http" if saving == "plain-http" else "https"
    read = ["/bookmark"] * 8 if saving == "same-page" else pages(5)
    headers = SAYS_LITTLE if saving == "strips-headers" else TYPED
    client.read(read, headers, wait=wait, scheme=scheme)
    if saving == "followed":
        client.ask("/next", CLICKED)
    if saving == "from-search":
        client = Client().ask("/logo.png", PICTURE).ask("/found", FROM_SEARCH).read(pages(5))

    assert "chain.all_typed" not in client.made


def test_a_cookie_that_is_never_returned_is_found_after_three_pages() -> None:
    client = Client().ask("/logo.png", PICTURE).ask("/", FROM_SEARCH, sets_cookie=True)

    assert client.read(["/a", "/b"], FROM_SEARCH).made == {}
    assert client.ask("/c", FROM_SEARCH).made == {"chain.no_cookie": 10}
    assert client.ask("/d", (*FROM_SEARCH, *COOKIE)).made == {}


def test_where_no_cookie_was_set_none_is_missing() -> None:
    client = Client().ask("/logo.png", PICTURE).read(pages(20), FROM_SEARCH)

    assert client.made == {}


# ---- 20 to 22, volume


def test_many_different_pages_within_the_hour_are_found() -> None:
    assert crawl(Client(), 0, 100).made == {"volume.breadth": 25}


@pytest.mark.parametrize("saving", ["sixty", "returning", "declared", "slow"])
def test_a_diligent_reader_is_passed_over(saving: str) -> None:
    client = Client()
    if saving == "returning":
        client.ask("/logo.png", PICTURE)
        for page in pages(100):
            client.ask(page, FROM_SEARCH)
            client.ask("/index", FROM_SEARCH)
    elif saving == "slow":
        client.ask("/logo.png", PICTURE).read(pages(100), FROM_SEARCH, wait=MINUTE)
    else:
        crawl(client, 0, 55 if saving == "sixty" else 100, is_declared=saving == "declared")

    assert "volume.breadth" not in client.made


def test_sixty_pages_are_not_more_than_sixty_even_where_they_are_estimated_as_more() -> None:
    def estimated(prefix: int) -> float:
        sketch = HyperLogLog()
        for number in range(60):
            sketch.add(spot_of(f"/{prefix}-x{number * 7919 % 1000}x").hash)
        return sketch.estimate()

    prefix = next(prefix for prefix in range(200) if estimated(prefix) > 63)
    client = Client().ask("/logo.png", PICTURE)
    client.read([f"/{prefix}-x{number * 7919 % 1000}x" for number in range(60)], FROM_SEARCH)
    assert client.made == {}

    assert client.ask("/one-more", FROM_SEARCH).made == {"volume.breadth": 25}


def songs(*numbers: int) -> list[str]:
    return [f"/lyrics/{number}" for number in numbers]


def test_sixteen_ids_in_a_row_are_found_and_fifteen_not() -> None:
    client = Client().ask("/logo.png", PICTURE).read(songs(*range(15)), FROM_SEARCH)
    assert client.made == {}

    assert client.read(songs(15), FROM_SEARCH).made == {"volume.enumeration": 30}


def test_reading_on_by_next_links_at_human_pace_is_reading() -> None:
    client = Client().ask("/logo.png", PICTURE).read(songs(*range(40)), CLICKED)

    assert client.made == {}


def test_ids_in_no_order_are_no_run() -> None:
    client = Client().ask("/logo.png", PICTURE).read(songs(*(n * 7 % 41 for n in range(40))), FROM_SEARCH)

    assert client.made == {}


def test_ever_new_combinations_of_filters_are_found() -> None:
    client = Client().ask("/logo.png", PICTURE)
    for number in range(40):
        client.ask("/shop", FROM_SEARCH, query=f"size={number}&colour={number % 7}".encode())

    assert client.made == {"volume.enumeration": 30}


@pytest.mark.parametrize(("combinations", "found"), [(20, True), (19, False)])
def test_twenty_combinations_are_enough(combinations: int, found: bool) -> None:
    client = Client().ask("/logo.png", PICTURE)
    different: dict[int, bytes] = {}
    for number in range(1000):
        query = f"size={number}".encode()
        different.setdefault(facet(query), query)
    for query in list(different.values())[:combinations]:
        client.ask("/shop", FROM_SEARCH, query=query)

    assert ("volume.enumeration" in client.made) is found


def test_a_declared_tool_that_counts_through_is_for_policy() -> None:
    client = Client().ask("/logo.png", PICTURE)
    client.read(songs(*range(40)), FROM_SEARCH, beside=Circumstances(is_declared=True))

    assert client.made == {}


def others(watch: Watch, requests: int, errors: int) -> None:
    """Requests of somebody else, of which so many fail."""
    elsewhere = replace(ADDRESS, text="8.8.8.8")
    for number in range(requests):
        watch.observe(visit(f"/other-{number}", client=elsewhere, at=NOW + number))
        watch.note_answer(None, 404 if number < errors else 200, False, NOW + number)


@pytest.mark.parametrize(
    ("failed", "of_others", "points"),
    [
        (9, 0, {"volume.errors_or_head": 15}),
        (8, 0, {}),
        (20, 30, {"volume.errors_or_head": 15}),
        (16, 45, {}),
        (20, 100, {}),
    ],
    ids=["45-percent", "40-percent", "site-30-percent", "site-45-percent", "all-is-broken"],
)
def test_errors_count_against_those_of_the_whole_site(
    failed: int, of_others: int, points: dict[str, int]
) -> None:
    client = Client()
    others(client.watch, 100, of_others)
    client.ask("/logo.png", PICTURE)
    for number in range(19):
        client.ask(f"/nn-{number}x", CLICKED, status=404 if number < failed else 200)
    client.ask("/logo.png", PICTURE)

    assert {id: points for id, points in client.made.items() if id == "volume.errors_or_head"} == points


@pytest.mark.parametrize(("heads", "found"), [(11, True), (9, False)])
def test_a_browser_does_not_ask_with_head(heads: int, found: bool) -> None:
    client = Client()
    for number in range(20):
        client.ask(f"/nn-{number}x", CLICKED, method="HEAD" if number < heads else "GET")
    client.ask("/logo.png", PICTURE)

    assert ("volume.errors_or_head" in client.made) is found


def test_a_monitor_may_ask_with_head() -> None:
    client = Client(agent=b"check_http/v2.3.3 (monitoring-plugins 2.3.3)")
    for _ in range(40):
        client.ask("/", (), method="HEAD")

    assert client.made == {}


# ---- 23, media


def tracks(count: int) -> list[str]:
    return [f"/media/track-{number}-{number * 7919 % 97}.mp3" for number in range(count)]


def test_recordings_by_the_heap_without_page_or_player_are_found() -> None:
    client = Client().read(tracks(4), SAYS_LITTLE)
    assert client.made == {}

    assert client.read(tracks(12), SAYS_LITTLE).made == {"media.bulk": 30}


@pytest.mark.parametrize(
    "saving", ["player", "page", "enclosure", "podcast-client", "one-file", "plain-http-reader"]
)
def test_who_listens_is_passed_over(saving: str) -> None:
    client = Client(agent=b"AntennaPod/3.4.0" if saving == "podcast-client" else CHROME)
    headers, beside, files, scheme = SAYS_LITTLE, ORDINARY, tracks(20), "https"
    if saving == "player":
        headers = PLAYER
    if saving == "page":
        headers = (*SAYS_LITTLE, (b"referer", b"https://label.example/album"))
    if saving == "enclosure":
        beside = Circumstances(is_enclosure=True)
    if saving == "one-file":
        files = ["/media/long.mp3"] * 30
    if saving == "plain-http-reader":
        scheme = "http"
        client.ask("/album", SAYS_LITTLE, scheme="http")
    client.read(files, headers, beside=beside, scheme=scheme)

    assert "media.bulk" not in client.made


def part(first: int, last: int | str = "") -> Headers:
    return (*SAYS_LITTLE, (b"range", f"bytes={first}-{last}".encode()))


def test_several_parts_of_a_file_at_once_are_found() -> None:
    client = Client().ask("/media/a.mp3", part(0, 99)).ask("/media/a.mp3", part(100, 199))
    assert client.made == {}

    assert client.ask("/media/a.mp3", part(200, 299)).made == {"media.bulk": 30}


@pytest.mark.parametrize("overlap", [100, 99])
def test_parts_that_overlap_by_a_byte_are_no_separate_parts(overlap: int) -> None:
    client = Client()
    for number in range(4):
        client.ask("/media/a.mp3", part(number * overlap, number * overlap + 99))

    assert ("media.bulk" in client.made) is (overlap == 100)


@pytest.mark.parametrize("saving", ["open-end", "the-same-again", "slow", "other-files", "player"])
def test_a_player_that_seeks_is_passed_over(saving: str) -> None:
    client = Client()
    for number in range(4):
        path = f"/media/{number if saving == 'other-files' else 0}.mp3"
        first = 0 if saving == "the-same-again" else number * 100
        headers = part(first, "" if saving == "open-end" else first + 99)
        if saving == "player":
            headers = (*PLAYER, headers[-1])
        client.ask(path, headers, wait=2 * SECOND if saving == "slow" else SECOND)

    assert client.made == {}


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
