"""One client's counters: windows, clocks that jump, saturation, merging."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.facts import Finding
from vorbehalt.patterns.client import BY_ITSELF, FOLLOWED, HAS_COOKIE, REVALIDATES, ClientRecord
from vorbehalt.patterns.merging import merge
from vorbehalt.patterns.sketches import HOUR, MINUTE, SECOND
from vorbehalt.patterns.spots import facet, spot_of

NOW = 1_800_000_000 * SECOND
FINDING = Finding("chain.no_assets", 25, "", "", "chain")


def read(record: ClientRecord, *paths: str, now: int = NOW, way: int = 0, carries: int = 0) -> ClientRecord:
    for path in paths:
        record.note_page(spot_of(path), now, way, carries)
    return record


def test_a_page_counts_and_only_different_ones_are_different() -> None:
    record = read(ClientRecord(NOW), "/", "/a", "/a", "/b")

    assert (record.requests, record.pages, record.revisits) == (4, 4, 1)
    assert round(record.distinct_pages) == 3


def test_counters_begin_anew_after_an_hour() -> None:
    record = read(ClientRecord(NOW), "/a", "/b")

    read(record, "/c", now=NOW + HOUR)

    assert (record.pages, round(record.distinct_pages)) == (1, 1)


@pytest.mark.parametrize("other", ["asset", "media", "other"])
@pytest.mark.parametrize(("later", "pages"), [(HOUR, 0), (HOUR - MINUTE, 2), (-2 * MINUTE, 0), (-SECOND, 2)])
def test_any_request_begins_a_new_window(other: str, later: int, pages: int) -> None:
    record = read(ClientRecord(NOW), "/a", "/b")
    if other == "asset":
        record.note_asset(NOW + later, 0)
    elif other == "media":
        record.note_media(spot_of("/a.mp3"), NOW + later, True)
    else:
        record.note_other(NOW + later)

    assert (record.pages, record.last) == (
        pages,
        max(NOW, NOW + later) / SECOND if pages else (NOW + later) / SECOND,
    )


def test_within_the_hour_counters_stay() -> None:
    record = read(ClientRecord(NOW), "/a", "/b")

    read(record, "/c", now=NOW + HOUR - MINUTE)

    assert record.pages == 3


@pytest.mark.parametrize(("back", "pages"), [(59 * SECOND, 3), (61 * SECOND, 1), (1000 * HOUR, 1)])
def test_a_clock_that_was_set_back_begins_a_window_and_disorder_does_not(back: int, pages: int) -> None:
    record = read(ClientRecord(NOW), "/a", "/b")

    read(record, "/c", now=NOW - back)

    assert record.pages == pages


def test_after_the_clock_went_back_marks_fade_as_before_and_the_client_is_forgotten_in_time() -> None:
    record = read(ClientRecord(NOW), "/a")
    record.marked().hold(FINDING, NOW / SECOND)
    year = 8760 * HOUR

    read(record, "/b", now=NOW - year)

    assert record.marks is not None
    assert record.marks.held[0].at == pytest.approx((NOW - year) / SECOND)
    assert not record.is_over(NOW - year + HOUR - SECOND)
    assert record.is_over(NOW - year + HOUR)


def test_a_client_is_over_after_an_hour_and_one_that_read_robots_txt_after_a_day() -> None:
    plain, robots, trapped = (read(ClientRecord(NOW), "/a") for _ in range(3))
    robots.marked().fetched_robots(NOW / SECOND, "v1")
    trapped.marked().stepped_into(NOW / SECOND, 1)

    assert [record.is_over(NOW + HOUR - SECOND) for record in (plain, robots, trapped)] == [False] * 3
    assert [record.is_over(NOW + HOUR) for record in (plain, robots, trapped)] == [True, False, False]
    assert [record.is_over(NOW + 24 * HOUR) for record in (plain, robots, trapped)] == [True, True, False]
    assert trapped.is_over(NOW + 48 * HOUR)


@given(
    st.lists(st.sampled_from(["page", "followed", "asset", "media", "head", "error", "other"]), max_size=2000)
)
def test_no_count_of_requests_breaks_a_record(requests: list[str]) -> None:
    record = ClientRecord(NOW)
    for place, request in enumerate(requests):
        if request in ("page", "followed"):
            way = FOLLOWED if request == "followed" else BY_ITSELF
            record.note_page(spot_of(f"/{place}"), NOW, way, HAS_COOKIE | REVALIDATES)
            record.note_disallowed()
            record.note_query(spot_of("/list"), facet(str(place).encode()))
        elif request == "asset":
            record.note_asset(NOW, HAS_COOKIE)
        elif request == "media":
            record.note_media(spot_of(f"/{place}.mp3"), NOW, True)
        else:
            record.note_other(NOW)
            if request == "head":
                record.note_head()
            record.note_answer(404 if request == "error" else 200, True)

    assert max(record.cells) <= 255
    assert record.errors <= record.requests
    assert record.heads <= record.requests


@pytest.mark.parametrize("way", [0, BY_ITSELF, FOLLOWED])
@pytest.mark.parametrize("carries", [0, HAS_COOKIE, REVALIDATES])
def test_every_counter_stops_at_255(way: int, carries: int) -> None:
    record = ClientRecord(NOW)
    record.note_answer(200, True)
    for _ in range(400):
        record.note_page(spot_of("/song/a"), NOW, way, carries)
        record.note_asset(NOW, carries)
        record.note_disallowed()
        record.note_answer(304, False)

    assert (record.pages, record.assets, record.disallowed, record.revalidations) == (255, 255, 255, 255)
    assert record.chained == (255 if way == FOLLOWED else 0)
    assert record.typed == (255 if way == BY_ITSELF else 0)
    assert record.cookies == (255 if carries == HAS_COOKIE else 0)


def test_the_share_of_errors_survives_many_requests() -> None:
    record = ClientRecord(NOW)
    for number in range(3000):
        record.note_other(NOW)
        record.note_answer(404 if number % 2 else 200, False)

    assert record.requests >= 127
    assert record.errors / record.requests == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("status", "errors"), [(400, 1), (404, 1), (499, 1), (401, 0), (429, 0), (399, 0), (500, 0)]
)
def test_what_we_or_a_login_refused_is_no_error_of_the_client(status: int, errors: int) -> None:
    record = ClientRecord(NOW)
    record.note_other(NOW)

    record.note_answer(status, False)

    assert record.errors == errors


def test_an_answer_that_nothing_changed_shows_a_full_cache() -> None:
    record = read(ClientRecord(NOW), "/a")

    record.note_answer(304, False)

    assert (record.revalidations, record.errors) == (1, 0)


def test_pages_after_a_cookie_was_set_count_until_it_comes_back() -> None:
    record = read(ClientRecord(NOW), "/a", "/b")
    assert record.unreturned == 0

    record.note_answer(200, True)
    read(record, "/c", "/d")
    assert record.unreturned == 2

    read(record, "/e", carries=REVALIDATES)
    assert record.unreturned == 3

    read(record, "/f", carries=HAS_COOKIE)
    assert (record.unreturned, record.cookies) == (0, 1)


def test_a_cookie_set_in_the_last_window_is_still_to_be_returned() -> None:
    record = read(ClientRecord(NOW), "/a")
    record.note_answer(200, True)

    read(record, "/b", "/c", now=NOW + HOUR)

    assert record.unreturned == 2


def test_a_cold_client_stays_cold_into_the_next_hour_unless_it_loaded_assets() -> None:
    without, with_assets = read(ClientRecord(NOW), "/a"), read(ClientRecord(NOW), "/a")
    with_assets.note_asset(NOW, 0)

    for record in (without, with_assets):
        read(record, "/b", now=NOW + HOUR)

    assert (without.is_cold, with_assets.is_cold) == (True, False)


@pytest.mark.parametrize(("carries", "is_cold"), [(0, True), (HAS_COOKIE, False), (REVALIDATES, False)])
def test_who_comes_with_a_cookie_or_a_validator_is_not_cold(carries: int, is_cold: bool) -> None:
    record = read(ClientRecord(NOW), "/a", carries=carries)
    read(record, "/b", carries=HAS_COOKIE - carries if carries == HAS_COOKIE else HAS_COOKIE)

    assert record.is_cold is is_cold


def test_typed_pages_count_for_at_most_ten_minutes_and_once_each() -> None:
    record = ClientRecord(NOW)
    read(record, "/", "/a", "/a", way=BY_ITSELF)
    assert (record.typed, record.recently_typed) == (3, 1)

    read(record, "/b", now=NOW + 5 * MINUTE, way=BY_ITSELF)
    assert record.recently_typed == 2

    read(record, "/c", now=NOW + 10 * MINUTE, way=BY_ITSELF)
    assert record.recently_typed == 2

    read(record, "/d", now=NOW + 30 * MINUTE, way=BY_ITSELF)
    assert record.recently_typed == 1


def test_ids_in_a_row_make_a_run_and_a_jump_ends_it() -> None:
    record = read(ClientRecord(NOW), *(f"/song/{number}" for number in (5, 6, 7, 7, 8, 20, 21)))

    assert record.longest_run == 3


@pytest.mark.parametrize(
    ("gap", "way", "steps"), [(SECOND, FOLLOWED, 0), (SECOND // 2, FOLLOWED, 4), (SECOND, 0, 4)]
)
def test_who_follows_next_links_at_human_pace_counts_through_nothing(gap: int, way: int, steps: int) -> None:
    record = ClientRecord(NOW)
    for number in range(5):
        record.note_page(spot_of(f"/page/{number}"), NOW + number * gap, way, 0)

    assert record.longest_run == steps


def test_other_pages_in_between_do_not_end_a_run_and_other_series_do() -> None:
    assert read(ClientRecord(NOW), "/song/1", "/", "/song/2", "/about", "/song/3").longest_run == 2
    assert read(ClientRecord(NOW), "/song/1", "/band/2", "/song/3").longest_run == 0


def test_combinations_of_one_page_count_and_those_of_many_pages_do_not() -> None:
    one, many = ClientRecord(NOW), ClientRecord(NOW)
    for number in range(40):
        query = f"filter={number}".encode()
        one.note_query(spot_of("/shop"), facet(query))
        many.note_query(spot_of(f"/page-{number}"), facet(query))

    assert 25 <= one.facets <= 40
    assert many.facets <= 1


def test_the_same_query_is_one_combination() -> None:
    record = ClientRecord(NOW)
    for _ in range(30):
        record.note_query(spot_of("/shop"), facet(b"filter=1"))

    assert record.facets == 1


@given(st.lists(st.integers(0, 30), max_size=30), st.lists(st.integers(0, 30), max_size=30))
def test_merged_records_hold_what_both_have_counted(some: list[int], others: list[int]) -> None:
    one, other, both = ClientRecord(NOW), ClientRecord(NOW), ClientRecord(NOW)
    for numbers, record in ((some, one), (others, other)):
        for number in numbers:
            for target in (record, both):
                target.note_page(spot_of(f"/{number}x"), NOW, BY_ITSELF, 0)
                target.note_media(spot_of(f"/{number}.mp3"), NOW, True)

    merge(one, other)

    assert (one.pages, one.requests, one.typed) == (both.pages, both.requests, both.typed)
    assert one.distinct_pages == both.distinct_pages
    assert one.bare_media == both.bare_media


def test_merging_takes_marks_along_and_a_cookie_returned_anywhere_was_returned() -> None:
    one, other = read(ClientRecord(NOW), "/a"), read(ClientRecord(NOW), "/a", carries=HAS_COOKIE)
    one.note_answer(200, True)
    read(one, "/b")
    other.marked().stepped_into(NOW / SECOND, 1)
    other.marked().hold(FINDING, NOW / SECOND)

    merge(one, other)

    assert one.unreturned == 0
    assert one.marks is not None
    assert (one.marks.traps, [held.finding for held in one.marks.held]) == (1, [FINDING])


@pytest.mark.parametrize(
    ("mine", "theirs", "known"), [(1, 2, "theirs"), (2, 1, "mine"), (None, 1, "theirs"), (1, None, "mine")]
)
def test_of_two_fetched_versions_of_robots_txt_the_later_one_binds(
    mine: int | None, theirs: int | None, known: str
) -> None:
    one, other = ClientRecord(NOW), ClientRecord(NOW)
    for record, at, version in ((one, mine, "mine"), (other, theirs, "theirs")):
        record.marked()
        if at is not None:
            record.marked().fetched_robots(NOW / SECOND + at, version)

    merge(one, other)

    assert one.marked().robots_known(NOW / SECOND + 9) == known


def test_of_findings_held_twice_the_later_one_stays_and_the_heavier_contradictions_do() -> None:
    one, other = ClientRecord(NOW), ClientRecord(NOW)
    heavy = Finding("claim.headless", 45, "", "", "claims")
    one.marked().hold(FINDING, 1.0)
    other.marked().hold(FINDING, 2.0)
    one.marked().contradicted((FINDING,), 1.0, 3600.0)
    other.marked().contradicted((heavy,), 1.0, 3600.0)

    merge(one, other)
    merge(other, one)

    for record in (one, other):
        assert [held.at for held in record.marked().held] == [2.0]
        assert record.marked().worst == (heavy,)


def test_a_page_that_carries_a_cookie_and_a_validator_counts_for_both() -> None:
    record = ClientRecord(NOW)
    record.note_page(spot_of("/a"), NOW, 0, HAS_COOKIE | REVALIDATES)

    assert (record.cookies, record.revalidations) == (1, 1)


def test_a_run_of_ids_is_counted_up_to_255() -> None:
    record = read(ClientRecord(NOW), *(f"/song/{number}" for number in range(600)))

    assert record.longest_run == 255


def test_marks_of_two_different_traps_merge_to_two() -> None:
    one, same, other = (read(ClientRecord(NOW), "/a") for _ in range(3))
    for record, trap in ((one, 1), (same, 1), (other, 2)):
        record.marked().stepped_into(NOW / SECOND, trap)

    merge(one, same)
    assert one.marked().traps == 1
    merge(one, other)
    assert one.marked().traps == 2
