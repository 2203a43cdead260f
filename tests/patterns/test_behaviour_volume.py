"""Findings 20 to 23: volume and media."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behaviour_support import CLICKED, FROM_SEARCH, PICTURE, SAYS_LITTLE, Client, crawl, pages, songs, tracks
from conduct_support import ADDRESS, CHROME, NOW, visit
from vorbehalt.facts import Headers
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.sketches import MINUTE, SECOND, HyperLogLog
from vorbehalt.patterns.spots import facet, spot_of
from vorbehalt.patterns.watch import Watch

PLAYER: Headers = (
    (b"sec-fetch-dest", b"audio"),
    (b"sec-fetch-mode", b"no-cors"),
    (b"accept-language", b"de"),
)


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
