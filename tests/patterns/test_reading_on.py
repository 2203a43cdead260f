"""The short look says yes only where the long one counts the same and finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduct_support import BOOK, CHROME, NOW, visit
from vorbehalt.facts import Headers, Visit
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.client import FOLLOWED, ClientRecord
from vorbehalt.patterns.counts import (
    ASSETS,
    COOKIES,
    DISALLOWED,
    ERRORS,
    HEADS,
    LONGEST_RUN,
    MEDIA,
    PAGES,
    REQUESTS,
    REVISITS,
)
from vorbehalt.patterns.fingerprint import fingerprint_of
from vorbehalt.patterns.reading_on import Shows
from vorbehalt.patterns.score import CALM, Assessment
from vorbehalt.patterns.seen import NEEDS, Inputs
from vorbehalt.patterns.sketches import HOUR, SECOND
from vorbehalt.patterns.spots import spot_of
from vorbehalt.patterns.watch import Watch

INPUTS = Inputs(frozenset(NEEDS) - {"tls"})
COOKIE: Headers = ((b"cookie", b"sid=1"),)
PAGE: Headers = (
    (b"sec-ch-ua", b'"Chromium";v="156", "Not)A;Brand";v="24"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"sec-ch-ua-platform", b'"Linux"'),
    (b"upgrade-insecure-requests", b"1"),
    (b"user-agent", CHROME),
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"de-DE,de;q=0.9"),
)
ASSET: Headers = tuple(
    (name, {b"sec-fetch-mode": b"no-cors", b"sec-fetch-dest": b"image", b"accept": b"*/*"}.get(name, value))
    for name, value in PAGE
    if name not in (b"upgrade-insecure-requests", b"sec-fetch-user")
)


def page(path: str, at: int, query: bytes = b"", extra: Headers = COOKIE, headers: Headers = PAGE) -> Visit:
    return visit(path, (*headers, *extra), at=at, agent=None, query=query)


def reader(inputs: Inputs = INPUTS) -> Watch:
    """A watch, and a browser that came, loaded what belongs to pages, returned a cookie, followed links."""
    watch = Watch(BOOK, inputs)
    for number, path in enumerate(("/", "/a", "/b")):
        watch.observe(page(path, NOW + number * SECOND))
        watch.observe(visit("/logo.png", (*ASSET, *COOKIE), at=NOW + number * SECOND, agent=None))
    return watch


def key_of(watch: Watch, request: Visit) -> int:
    values = dict(request.headers)
    fingerprint = fingerprint_of(values[b"user-agent"], values[b"accept-language"])
    key = watch.key_of(request.client, fingerprint)
    assert key is not None
    return key


def again(watch: Watch, request: Visit) -> bool:
    query = request.target.partition(b"?")[2]
    return watch.short.again(
        key_of(watch, request),
        watch.spot(request.path),
        dict(request.headers),
        request.http_version,
        request.scheme == "https",
        query,
        request.received_at,
    )


def test_who_reads_on_passes_and_rests_as_after_the_long_look() -> None:
    long, short = reader(), reader()
    request = page("/c", NOW + 9 * SECOND)

    assert long.observe(request) is CALM
    assert again(short, request) is True

    key = key_of(long, request)
    one, other = long.clients.find(key), short.clients.find(key)
    assert one is not None
    assert other is not None
    assert one.cells == other.cells


EXTRA: dict[str, Headers] = {
    "sec-purpose": ((b"sec-purpose", b"prefetch"),),
    "purpose": ((b"purpose", b"prefetch"),),
    "a script's request": ((b"x-requested-with", b"XMLHttpRequest"),),
    "an upgrade that nobody sends": ((b"http2-settings", b"x"), (b"upgrade", b"h2c")),
}


@pytest.mark.parametrize("name", EXTRA)
def test_what_is_no_page_view_or_contradicts_itself_takes_the_long_look(name: str) -> None:
    watch = reader()
    # The long look has seen the like, so that it is remembered what these headers say.
    Watch.observe(watch, page("/", NOW, extra=(*COOKIE, *EXTRA[name]), headers=_other_browser()))

    assert again(watch, page("/c", NOW + SECOND, extra=(*COOKIE, *EXTRA[name]))) is False


def _other_browser() -> Headers:
    return tuple((name, b"en" if name == b"accept-language" else value) for name, value in PAGE)


def test_headers_that_were_never_looked_at_take_the_long_look() -> None:
    watch = reader()

    assert again(watch, page("/c", NOW, extra=(*COOKIE, (b"x-new", b"1")))) is False


def test_plain_http_is_not_taken_for_https() -> None:
    watch = reader()
    request = page("/c", NOW + SECOND)
    named = (key_of(watch, request), watch.spot("/c"), dict(request.headers))

    assert watch.short.again(*named, "1.1", False, b"", NOW) is False
    assert watch.short.again(*named, "2", True, b"", NOW) is False
    assert watch.short.again(*named, "1.1", True, b"", NOW) is True


def test_a_request_of_a_script_takes_the_long_look() -> None:
    watch = reader()
    fetch = {b"sec-fetch-mode": b"cors", b"sec-fetch-dest": b"empty"}
    request = page("/c", NOW + SECOND, headers=tuple((name, fetch.get(name, value)) for name, value in ASSET))
    watch.observe(request)
    known = watch.in_request.known(dict(request.headers), "GET", request.http_version, True, "page")
    assert known is not None
    assert known.findings == ()

    assert again(watch, request) is False


def test_the_first_pages_are_told_to_cohorts_by_the_long_look() -> None:
    watch = Watch(BOOK, INPUTS)
    for number, path in enumerate(("/", "/a")):
        assert again(watch, page(path, NOW + number * SECOND)) is False
        watch.observe(page(path, NOW + number * SECOND))
        watch.observe(visit("/logo.png", (*ASSET, *COOKIE), at=NOW + number * SECOND, agent=None))

    assert again(watch, page("/c", NOW + 9 * SECOND)) is False
    watch.observe(page("/c", NOW + 9 * SECOND))
    assert again(watch, page("/d", NOW + 9 * SECOND)) is True


def test_after_the_hour_and_with_a_clock_set_back_the_long_look_decides() -> None:
    assert again(reader(), page("/c", NOW + HOUR)) is False
    assert again(reader(), page("/c", NOW - HOUR)) is False
    assert again(reader(), page("/c", NOW + HOUR - 60 * SECOND)) is True


def test_who_gave_reason_and_who_is_unknown_take_the_long_look() -> None:
    watch = reader()
    watch.observe(page("/trap", NOW), Circumstances(is_trap=True))

    assert again(watch, page("/c", NOW)) is False
    assert again(Watch(BOOK, INPUTS), page("/c", NOW)) is False


def test_a_handshake_that_a_proxy_tells_takes_the_long_look() -> None:
    watch = reader(Inputs(frozenset(NEEDS), tls_header=b"x-ja4"))

    assert again(watch, page("/c", NOW)) is False


def _ids() -> Iterator[Visit]:
    for number in range(1, 200):
        yield page(f"/lyrics/{number}", NOW + 10 * SECOND)


def _pages() -> Iterator[Visit]:
    for number in range(1, 200):
        yield page(f"/{number:x}-{number * 7919}-x", NOW + (10 + 9 * number) * SECOND)


def _combinations() -> Iterator[Visit]:
    for number in range(1, 200):
        yield page("/shop", NOW + 10 * SECOND, b"filter=%d" % number)


@pytest.mark.parametrize(
    ("steps", "finding"),
    [(_ids, "volume.enumeration"), (_pages, "volume.breadth"), (_combinations, "volume.enumeration")],
    ids=["one id after the other", "many pages", "one combination after the other"],
)
def test_what_the_long_look_finds_is_found_at_the_same_page(
    steps: Callable[[], Iterator[Visit]], finding: str
) -> None:
    long, short = reader(), reader()
    passed = 0
    for request in steps():
        expected = long.observe(request)
        passes = again(short, request)
        got = CALM if passes else short.observe(request)
        assert got == expected
        passed += passes
        if expected is not CALM:
            assert [one.id for one in expected.findings] == [finding]
            break
    else:
        pytest.fail("nothing was found")
    # Until then the short look was enough: it says no only where there is something to find, or at the
    # page before.
    assert passed >= 5


def _record(**cells: int) -> ClientRecord:
    """Who has read a few pages as people do, besides with these cells."""
    record = ClientRecord(NOW)
    for number in range(4):
        record.note_page(spot_of(f"/{number}"), NOW, FOLLOWED, 1)
        record.note_asset(NOW, 1)
    places = {"errors": ERRORS, "heads": HEADS, "requests": REQUESTS, "disallowed": DISALLOWED}
    places |= {"assets": ASSETS, "cookies": COOKIES, "media": MEDIA}
    places |= {"pages": PAGES, "revisits": REVISITS, "run": LONGEST_RUN}
    for name, value in cells.items():
        record.cells[places[name]] = value
    return record


@pytest.mark.parametrize(
    ("cells", "nothing"),
    [
        ({}, True),
        ({"assets": 0}, False),
        ({"cookies": 0}, False),
        ({"disallowed": 1}, False),
        ({"requests": 100, "errors": 40}, True),
        ({"requests": 100, "errors": 41}, False),
        ({"requests": 100, "heads": 50}, True),
        ({"requests": 100, "heads": 51}, False),
        # One page more: the sixtieth is none too many, the sixty-first is unless enough were read again.
        ({"pages": 59, "revisits": 0}, True),
        ({"pages": 60, "revisits": 0}, False),
        ({"pages": 99, "revisits": 5}, True),
        ({"pages": 99, "revisits": 4}, False),
        ({"run": 13}, True),
        ({"run": 14}, False),
        ({"media": 0x0F}, True),
        ({"media": 0x1F}, False),
    ],
    ids=str,
)
def test_every_counter_that_a_finding_reads_is_looked_at(cells: dict[str, int], nothing: bool) -> None:
    assert Shows(BOOK).nothing(_record(**cells)) is nothing


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["/", "/a", "/lyrics/1", "/lyrics/2", "/lyrics/3", "/shop", "/logo.png", "/x.mp3"]),
        st.sampled_from([b"none", b"same-origin", b"cross-site"]),
        st.sampled_from([(), COOKIE, ((b"if-none-match", b'"x"'),), (*COOKIE, (b"upgrade", b"h2c"))]),
        st.sampled_from([b"", b"q=1", b"q=2"]),
        st.sampled_from([0, SECOND, 20 * SECOND, HOUR // 3, -HOUR // 60]),
        st.sampled_from([ORDINARY, ORDINARY, ORDINARY, Circumstances(is_closed_area=True)]),
        st.sampled_from([200, 200, 404, 304]),
    ),
    max_size=40,
)


@given(STEPS)
@settings(deadline=None, max_examples=150)
def test_whatever_came_before_the_short_look_counts_and_says_what_the_long_one_does(steps: list[Any]) -> None:
    long, short = reader(), reader()
    at = NOW + 10 * SECOND
    found: list[tuple[Assessment, Assessment]] = []
    for path, site, extra, query, gap, beside, status in steps:
        at += gap
        headers = tuple((name, site if name == b"sec-fetch-site" else value) for name, value in PAGE)
        request = page(path, at, query, extra, headers)
        ordinary = path.rpartition(".")[1] == "" and beside is ORDINARY
        expected = long.observe(request, beside)
        if ordinary and again(short, request):
            found.append((CALM, expected))
            assert long.reads_on
        else:
            found.append((short.observe(request, beside), expected))
        for watch in (long, short):
            watch.note_answer(key_of(watch, request), status, False, at)

    assert [got for got, _ in found] == [expected for _, expected in found]
    key = key_of(long, page("/", at))
    one, other = long.clients.find(key), short.clients.find(key)
    assert one is not None
    assert other is not None
    assert one.cells == other.cells
    assert (one.last, one.trail, one.ends) == (other.last, other.trail, other.ends)
    assert long._site.requests == short._site.requests
