"""The one door: the short way counts what the long way counts, no error comes out, costs are bounded."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from dataclasses import replace
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduct_support import ADDRESS, BOOK, CHROME, NOW, visit
from vorbehalt.facts import ClientAddress, Headers, Visit
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.score import CALM
from vorbehalt.patterns.seen import NEEDS, Inputs, kind_of
from vorbehalt.patterns.sketches import HOUR, SECOND
from vorbehalt.patterns.watch import Watch

INPUTS = Inputs(frozenset(NEEDS) - {"tls"})
BROWSER: Headers = (
    (b"sec-ch-ua", b'"Chromium";v="156", "Not)A;Brand";v="24"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"sec-ch-ua-platform", b'"Linux"'),
    (b"upgrade-insecure-requests", b"1"),
    (b"user-agent", CHROME),
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"sec-fetch-site", b"none"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"de-DE,de;q=0.9"),
)
ASSET: Headers = (
    (b"sec-ch-ua-platform", b'"Linux"'),
    (b"user-agent", CHROME),
    (b"sec-ch-ua", b'"Chromium";v="156", "Not)A;Brand";v="24"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"accept", b"*/*"),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"no-cors"),
    (b"sec-fetch-dest", b"image"),
    (b"referer", b"https://label.example/"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"de-DE,de;q=0.9"),
)


def page(
    path: str, at: int = NOW, site: bytes = b"same-origin", extra: Headers = (), query: bytes = b""
) -> Visit:
    headers = tuple((name, site if name == b"sec-fetch-site" else value) for name, value in BROWSER)
    return visit(path, (*headers, *extra), at=at, agent=None, query=query)


def key_of(watch: Watch, request: Visit) -> int:
    key = watch.key_of(request.client, watch.in_request.find(request).fingerprint)
    assert key is not None
    return key


def hurry(watch: Watch, request: Visit) -> object:
    """The short way, as an engine takes it."""
    values = dict(request.headers)
    kind = kind_of(request.path, values.get(b"sec-fetch-dest", b""))
    query = request.target.partition(b"?")[2]
    return watch.short.fast(
        key_of(watch, request),
        watch.spot(request.path),
        kind,
        values,
        b"label.example",
        query,
        request.received_at,
    )


def reader(watch: Watch) -> None:
    """A browser that came, loaded what belongs to a page and followed links."""
    watch.observe(page("/", NOW, b"none"))
    watch.observe(visit("/logo.png", ASSET, at=NOW, agent=None))
    watch.observe(page("/a", NOW + SECOND))


def test_a_reader_is_known_after_a_few_requests_and_then_takes_the_short_way() -> None:
    watch = Watch(BOOK, INPUTS)
    assert hurry(watch, page("/b", NOW + SECOND)) is None

    reader(watch)

    assert hurry(watch, page("/b", NOW + 2 * SECOND)) is CALM
    assert hurry(watch, visit("/logo.png", ASSET, at=NOW + 2 * SECOND, agent=None)) is CALM


def test_now_and_then_a_reader_is_looked_at_again() -> None:
    watch = Watch(BOOK, INPUTS)
    reader(watch)

    looks = [hurry(watch, page(f"/{number}x", NOW + number * SECOND)) is None for number in range(2, 14)]

    assert looks[:8] == [False] * 8
    assert looks[8] is True


def test_who_never_follows_a_link_rests_for_half_as_many_pages_as_it_has_read_and_at_most_for_64() -> None:
    # Where assets do not pass us: else a client that loads none of them is looked at each time.
    watch = Watch(BOOK, replace(INPUTS, given=INPUTS.given - {"assets"}))
    looked_at = []
    for number in range(400):
        request = page("/", NOW + number * SECOND // 1000, b"none")
        if hurry(watch, request) is None:
            looked_at.append(number)
            watch.observe(request)

    rests = [later - earlier - 1 for earlier, later in itertools.pairwise(looked_at)]
    assert rests[:3] == [0, 0, 0]
    assert max(rests) == rests[-1] == 64
    for place, rest in zip(looked_at, rests, strict=False):
        assert rest <= max(3, (place + 1) // 2), "a look comes later than half of what was read"
    assert len(looked_at) < 20


def test_what_is_no_page_and_no_asset_takes_the_long_way() -> None:
    watch = Watch(BOOK, INPUTS)
    reader(watch)

    assert hurry(watch, page("/song.mp3", NOW)) is None
    assert hurry(watch, page("/feed.xml", NOW)) is None


def test_who_gave_reason_takes_the_long_way() -> None:
    watch = Watch(BOOK, INPUTS)
    reader(watch)
    watch.observe(page("/related/x", NOW), Circumstances(is_trap=True))

    assert hurry(watch, page("/b", NOW)) is None


requests = st.lists(
    st.tuples(
        st.sampled_from(["/", "/a", "/lyrics/1", "/lyrics/2", "/shop", "/logo.png"]),
        st.sampled_from([b"none", b"same-origin", b"cross-site"]),
        st.sampled_from([(), ((b"cookie", b"sid=1"),), ((b"if-none-match", b'"x"'),)]),
        st.sampled_from([b"", b"q=1", b"q=2"]),
        st.integers(0, HOUR // 2),
    ),
    max_size=30,
)


@given(requests)
@settings(deadline=None, max_examples=60)
def test_the_short_way_counts_exactly_what_the_long_way_counts(steps: list[Any]) -> None:
    both = Watch(BOOK, INPUTS), Watch(BOOK, INPUTS)
    for watch in both:
        reader(watch)
    at = NOW + 2 * SECOND
    for path, site, extra, query, gap in steps:
        at += gap
        if path == "/logo.png":
            request = visit(path, (*ASSET, *extra), at=at, agent=None)
        else:
            request = page(path, at, site, extra, query)
        both[0].observe(request)
        if hurry(both[1], request) is None:
            both[1].observe(request)

    key = key_of(both[0], page("/"))
    slow, fast = (watch.clients.find(key) for watch in both)
    assert slow is not None
    assert fast is not None
    # How long it is left alone is the one thing that the two ways must not agree on.
    slow.wait(0)
    fast.wait(0)
    assert slow.cells == fast.cells
    assert (slow.last, slow.trail, slow.ends) == (fast.last, fast.trail, fast.ends)


ADDRESSES = st.sampled_from(
    [
        ADDRESS,
        ClientAddress(None, "none"),
        ClientAddress("10.0.0.1", "direct", False, "10.0.0.1"),
        ClientAddress("9.9.9.9", "untrusted", True, "9.9.9.9"),
        ClientAddress("2620:fe::9", "proxy-asserted", True, "10.0.0.1"),
        ClientAddress("no address at all", "direct", True),
        ClientAddress(":::::", "direct", True),
    ]
)
NAMES = st.sampled_from(
    [
        b"user-agent",
        b"range",
        b"referer",
        b"cookie",
        b"sec-fetch-site",
        b"sec-fetch-mode",
        b"accept-language",
        b"x",
    ]
)


@given(
    st.lists(
        st.builds(
            lambda headers, client, method, path, target, at, scheme: Visit(
                at, method, scheme, "h\u00f6st", path, target, "1.1", tuple(headers), client
            ),
            st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=6),
            ADDRESSES,
            st.sampled_from(["GET", "HEAD", "POST", "BREW"]),
            st.text(max_size=20).map(lambda text: "/" + text),
            st.binary(max_size=20),
            st.integers(0, 2**70),
            st.sampled_from(["http", "https", ""]),
        ),
        max_size=6,
    ),
    st.builds(
        Circumstances,
        is_trap=st.booleans(),
        robots_version=st.sampled_from([None, "", "v"]),
        disallowed_under=st.sampled_from([None, "v"]),
        is_closed_area=st.booleans(),
    ),
    st.integers(0, 999),
)
@settings(deadline=None)
def test_no_request_at_all_makes_it_fail(visits: list[Visit], beside: Circumstances, status: int) -> None:
    watch = Watch(BOOK, INPUTS)
    for one in visits:
        watch.observe(one, beside)
        key = watch.key_of(one.client, watch.in_request.find(one).fingerprint)
        watch.note_answer(key, status, True, one.received_at)

    assert watch.last_failure is None


def test_a_fault_of_ours_is_counted_and_the_request_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(BOOK, INPUTS)
    fault = RuntimeError("a fault")

    def broken(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("vorbehalt.patterns.watch.note", broken)
    assert watch.observe(page("/")) is CALM
    assert (watch.failures, watch.last_failure) == (1, fault)


@pytest.mark.parametrize(
    "client",
    [
        ClientAddress("10.0.0.1", "direct", False),
        ClientAddress("9.9.9.9", "untrusted", True),
        ClientAddress(None, "none"),
    ],
    ids=["private", "untrusted", "unknown"],
)
def test_an_address_that_may_be_no_key_has_no_record_but_its_request_is_judged(client: ClientAddress) -> None:
    watch = Watch(BOOK, INPUTS)
    headless = CHROME.replace(b"Chrome/", b"HeadlessChrome/")
    got = [watch.observe(visit(f"/{n}", agent=headless, client=client)) for n in range(9)][-1]

    assert len(watch.clients) == 0
    assert "claim.headless" in [one.id for one in got.findings]
    assert [one.id for one in got.findings if BOOK.definition(one.id).state != "none"] == []


def test_two_browsers_behind_one_address_are_two_clients_and_one_64_is_one() -> None:
    watch = Watch(BOOK, INPUTS)
    firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    one, other = visit("/"), visit("/", agent=firefox)
    assert key_of(watch, one) != key_of(watch, other)

    near, far, elsewhere = (
        replace(one, client=ClientAddress(text, "direct", True))
        for text in ("2620:fe::9", "2620:fe::1:2:3:4", "2620:fe:0:1::9")
    )
    assert key_of(watch, near) == key_of(watch, far)
    assert key_of(watch, near) != key_of(watch, elsewhere)


def test_a_declared_tool_is_not_scored_for_its_headers() -> None:
    watch = Watch(BOOK, INPUTS)
    headless = visit("/", agent=CHROME.replace(b"Chrome/", b"HeadlessChrome/"))

    assert watch.observe(headless).score > 0
    assert Watch(BOOK, INPUTS).observe(headless, Circumstances(is_declared=True)) is CALM


def test_contradictions_count_for_an_hour() -> None:
    watch = Watch(BOOK, INPUTS)
    bad = page("/", NOW, b"none", ((b"http2-settings", b"x"), (b"upgrade", b"h2c")))
    score = watch.observe(bad).score
    assert score > 0

    assert watch.observe(page("/a", NOW + HOUR - SECOND)).score == score
    assert watch.observe(page("/a", NOW + HOUR)).score == 0


@pytest.mark.parametrize(
    ("beside", "excuses"),
    [
        (Circumstances(challenge_passed=True), ["excuse.challenge_passed"]),
        (Circumstances(is_signed_in=True), ["excuse.signed_in"]),
        (Circumstances(), []),
    ],
)
def test_what_speaks_for_a_client_is_written_down(beside: Circumstances, excuses: list[str]) -> None:
    headless = visit("/", agent=CHROME.replace(b"Chrome/", b"HeadlessChrome/"))

    assert [one.id for one in Watch(BOOK, INPUTS).observe(headless, beside).excuses] == excuses


def test_who_returns_cookies_loads_assets_and_follows_links_is_excused() -> None:
    watch = Watch(BOOK, INPUTS)
    cookie = ((b"cookie", b"sid=1"),)
    reader(watch)
    watch.observe(page("/b", NOW, extra=cookie))
    bad = page("/c", NOW, extra=(*cookie, (b"http2-settings", b"x"), (b"upgrade", b"h2c")))

    got = watch.observe(bad)

    assert [one.id for one in got.excuses] == ["excuse.reads_like_a_person"]
    assert got.score == sum(one.weight for one in got.findings) - 20


def test_paths_that_are_worked_out_are_kept_within_bounds() -> None:
    watch = Watch(BOOK, INPUTS)
    for number in range(10_000):
        watch.spot(f"/{number}")

    assert len(watch._spots) <= 8192
    assert watch.spot("/1") == watch.spot("/1")

    long = "/" + 600 * "a"
    assert watch.spot(long) == watch.spot(long)
    assert long not in watch._spots


def test_a_fleet_of_disguised_clients_that_keeps_coming_stays_within_64_mb_a_worker() -> None:
    """The same per place of the table: 640 bytes, of which a client with findings takes two."""
    places, clients = 600, 900
    watch = Watch(BOOK, INPUTS, capacity=places)
    for warm in range(12):
        watch.observe(page(f"/{warm}x", NOW, b"none", ((b"upgrade", b"h2c"), (b"http2-settings", b"x"))))
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(clients):
            client = ClientAddress(f"9.{number >> 16}.{number >> 8 & 255}.{number & 255}", "direct", True)
            for step in range(6):
                request = page(
                    f"/{step}y", NOW + number * SECOND // 100 + step, b"none", ((b"upgrade", b"h2c"),)
                )
                watch.observe(replace(request, client=client))
        gc.collect()  # which empties the lists of spare tuples, too
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert len(watch.clients) == places // 2
    assert grown <= places * 640


@pytest.mark.drill
def test_first_sight_of_a_client_and_of_its_headers_costs_at_most_60_microseconds() -> None:
    """Time of this process, the best of several rounds: what others do on the machine counts for nothing."""
    watch = Watch(BOOK, INPUTS)
    rounds = []
    for start in range(0, 5_000, 500):
        visits = [
            replace(
                page("/lyrics/1", extra=((b"x-round", b"1"),)),
                client=ClientAddress(f"9.9.{number >> 8}.{number & 255}", "direct", True),
                headers=tuple(
                    (name, value + b" %d" % number if name == b"user-agent" else value)
                    for name, value in BROWSER
                ),
            )
            for number in range(start, start + 500)
        ]
        began = process_time()
        for one in visits:
            watch.observe(one)
        rounds.append((process_time() - began) / 500)

    assert min(rounds) <= 60e-6


@given(requests)
@settings(deadline=None, max_examples=60)
def test_nothing_is_found_before_the_request_from_which_it_is_looked_for(steps: list[Any]) -> None:
    both = Watch(BOOK, INPUTS), Watch(BOOK, INPUTS)
    both[1]._least = 0
    at = NOW
    for path, site, extra, query, gap in steps:
        at += gap
        request = page(path, at, site, extra, query)
        assert both[0].observe(request) == both[1].observe(request)
