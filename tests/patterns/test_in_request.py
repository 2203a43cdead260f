"""The cache of stateless findings: it says what looking would say, is bounded, and forgets with the day."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pattern_support import CAPTURED, DIRECT, book, clients, visit
from vorbehalt.facts import Visit
from vorbehalt.patterns.fingerprint import client_fingerprint, cohort_fingerprint
from vorbehalt.patterns.in_request import InRequest, find_in_request
from vorbehalt.patterns.seen import Inputs, kind_of, seen

INPUTS = Inputs(DIRECT)
DAY = 86_400_000_000_000
HEADERS = [(str(name), str(value)) for name, value in clients()["chromium-headful"].requests[0]["headers"]]


def all_visits() -> list[Visit]:
    return [
        visit(row["headers"], row["path"], method=row["method"], http=row["http"])
        for client in clients().values()
        for row in client.requests
    ]


def test_the_cache_says_what_looking_says_for_every_captured_request_twice() -> None:
    cache = InRequest(book(), INPUTS)
    expected = [find_in_request(seen(one, INPUTS), book()) for one in all_visits()]
    assert [cache.find(one).findings for one in all_visits()] == expected
    assert [cache.find(one).findings for one in all_visits()] == expected


def test_known_is_none_at_first_sight_and_the_same_object_afterwards() -> None:
    cache = InRequest(book(), INPUTS)
    one = visit(HEADERS)
    assert cache.known(dict(one.headers), "GET", "1.1", True, "page") is None
    first = cache.find(one)
    assert cache.known(dict(one.headers), "GET", "1.1", True, "page") is first
    assert cache.find(replace(one, path="/other")) is first


@pytest.mark.parametrize(
    "other",
    [
        visit(HEADERS, scheme="http"),
        visit(HEADERS, method="POST"),
        visit(HEADERS, http="1.0"),
        visit(HEADERS, "/a.css"),
        visit(HEADERS[1:] + HEADERS[:1]),
        visit([*HEADERS, ("referer", "https://site.example/")]),
        visit([(name, "*/*" if name == "accept" else value) for name, value in HEADERS]),
        visit([(name, "cors" if name == "sec-fetch-mode" else value) for name, value in HEADERS]),
        visit([(name, '"Windows"' if name == "sec-ch-ua-platform" else value) for name, value in HEADERS]),
        visit([(name, '"Chromium";v="1"' if name == "sec-ch-ua" else value) for name, value in HEADERS]),
        visit([*HEADERS, ("purpose", "prefetch")]),
    ],
)
def test_whatever_a_finding_looks_at_tells_two_requests_apart(other: Visit) -> None:
    cache = InRequest(book(), INPUTS)
    first = cache.find(visit(HEADERS))
    assert cache.find(other) is not first
    assert cache.find(other).findings == find_in_request(seen(other, INPUTS), book())


def test_what_no_finding_looks_at_makes_no_difference() -> None:
    cache = InRequest(book(), INPUTS)
    with_cookie = [*HEADERS, ("cookie", "a=1"), ("x-request-id", "1")]
    again = [*HEADERS, ("cookie", "b=2"), ("x-request-id", "2")]
    assert cache.find(visit(with_cookie)) is cache.find(visit(again))


def test_a_repeated_name_and_a_websocket_are_looked_at_each_time() -> None:
    cache = InRequest(book(), INPUTS)
    twice = visit([*HEADERS, ("accept", "*/*")])
    assert cache.find(twice) is not cache.find(twice)
    assert cache.find(twice).findings == ()
    websocket = replace(visit(HEADERS), is_websocket=True)
    assert cache.find(websocket) is not cache.find(websocket)
    assert cache.find(websocket).is_navigation is False


def test_the_cache_is_bounded_in_results_shapes_and_size() -> None:
    cache = InRequest(book(), INPUTS, capacity=10, shapes=3)
    for number in range(25):
        cache.find(visit([("user-agent", f"A/{number}"), ("accept", "*/*")]))
        assert cache.size <= 10
    cache = InRequest(book(), INPUTS, capacity=10, shapes=3)
    for number in range(25):
        cache.find(visit([("user-agent", "A/1"), (f"x-{number}", "1")]))
        assert cache.size <= 3
    cache = InRequest(book(), INPUTS)
    cache.find(visit([("user-agent", "A" * 3062)]))
    assert cache.size == 1
    cache.find(visit([("user-agent", "A" * 3063)]))
    assert cache.size == 1


def test_a_new_day_forgets_because_browsers_age() -> None:
    agent = dict(HEADERS)["user-agent"].replace("156.0", "120.0")
    cache = InRequest(book(), INPUTS)

    def dead(at: int) -> bool:
        found = cache.find(visit([("user-agent", agent)], at=at)).findings
        return "claim.dead_browser" in {finding.id for finding in found}

    assert [dead(CAPTURED), dead(CAPTURED + 30 * DAY), dead(CAPTURED)] == [False, True, False]
    cache.forget_old(CAPTURED + DAY)
    assert cache.size == 0


def test_a_client_keeps_its_fingerprint_over_pages_images_and_scripts() -> None:
    for name in ("chromium-headful", "firefox-headless-cli", "puppeteer-default-h2", "chromium-prefetch"):
        prints = {
            client_fingerprint(seen(visit(row["headers"], row["path"], method=row["method"]), INPUTS))
            for row in clients()[name].requests
            if "accept-language" in dict(row["headers"])
        }
        assert (name, len(prints)) == (name, 1)
    people = ("chromium-headful", "firefox-headless-cli", "lynx", "links", "elinks", "dillo")
    prints = {
        client_fingerprint(seen(visit(clients()[name].requests[0]["headers"]), INPUTS)) for name in people
    }
    assert len(prints) == len(people)


def test_a_cohort_is_one_over_patch_levels_cookies_and_referers() -> None:
    def of(*more: tuple[str, str], agent: str | None = None) -> bytes:
        pairs = [(name, agent or value if name == "user-agent" else value) for name, value in HEADERS]
        return cohort_fingerprint(seen(visit([*pairs, *more]), INPUTS))

    agent = dict(HEADERS)["user-agent"]
    assert (
        of()
        == of(("cookie", "a=1"))
        == of(("referer", "https://a.example/"))
        == of(("cache-control", "no-cache"))
    )
    assert of(agent=agent.replace("156.0.0.0", "156.0.8078.79")) == of()
    assert of(agent=agent.replace("156.0.0.0", "155.0.0.0")) != of()
    assert of(("dnt", "1")) != of()
    library = cohort_fingerprint(seen(visit([("user-agent", "curl/7.1")]), INPUTS))
    assert library == cohort_fingerprint(seen(visit([("user-agent", "curl/8.2")]), INPUTS))
    assert library != cohort_fingerprint(seen(visit([("user-agent", "Wget/1.2")]), INPUTS))


NAMES = [*dict(HEADERS), "upgrade", "content-length", "sec-purpose", "purpose", "referer", "x-ja4", "cookie"]
VALUES = st.one_of(
    st.sampled_from([value for _, value in HEADERS]),
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.from_regex(r"Mozilla/5\.0 \(.{0,20}\) (AppleWebKit|Gecko)/[0-9.]{0,9} .{0,30}", fullmatch=True).filter(
        lambda text: text.isascii()
    ),
)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=20),
    st.sampled_from(["GET", "POST", "HEAD", "FOO"]),
    st.sampled_from(["1.0", "1.1", "2", "3", ""]),
    st.sampled_from(["/", "/a.css", "/a.mp3", "/feed", ""]),
)
def test_any_request_is_looked_at_and_the_cache_agrees(
    pairs: list[tuple[str, str]], method: str, http: str, path: str
) -> None:
    cache = InRequest(book(), INPUTS)
    one = visit(pairs, path, method=method, http=http)
    expected = find_in_request(seen(one, INPUTS), book())
    assert [cache.find(one).findings, cache.find(one).findings] == [expected, expected]


@pytest.mark.parametrize(
    ("path", "dest", "kind"),
    [
        ("/", b"", "page"),
        ("/lyrics/1", b"", "page"),
        ("/a.html", b"", "page"),
        ("/v1.2/page", b"", "page"),
        ("/a.CSS", b"", "asset"),
        ("/a.mp3", b"", "media"),
        ("/feed.xml", b"", "feed"),
        ("/blog/feed/", b"", "feed"),
        ("/news.rss", b"", "feed"),
        ("/sitemap.xml", b"", "asset"),
        ("/stream", b"audio", "media"),
        ("/picture", b"image", "asset"),
        ("/a.css", b"document", "asset"),
        ("/api", b"empty", "page"),
    ],
)
def test_the_kind_of_what_is_asked_for(path: str, dest: bytes, kind: str) -> None:
    assert kind_of(path, dest) == kind
