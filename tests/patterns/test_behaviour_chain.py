"""Findings 17 to 19: pages without assets, without links, without cookies."""

from __future__ import annotations

import pytest

from behaviour_support import ALL, CLICKED, FROM_SEARCH, PICTURE, SAYS_LITTLE, TYPED, Client, pages
from conduct_support import CHROME
from vorbehalt.facts import Headers
from vorbehalt.patterns.seen import Inputs
from vorbehalt.patterns.sketches import MINUTE, SECOND

COOKIE: Headers = ((b"cookie", b"sid=1"),)


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
