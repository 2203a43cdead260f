"""Findings 1 to 10 one by one: where each begins, and whom its guards spare."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pattern_support import CAPTURED, DIRECT, book, clients, visit
from vorbehalt.patterns.in_request import find_in_request
from vorbehalt.patterns.seen import Inputs, seen

CHROME = dict(clients()["chromium-headful"].requests[0]["headers"])
FIREFOX = dict(clients()["firefox-headless-cli"].requests[0]["headers"])
UA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/{} Safari/605.1.15"
)
FIRE = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"
SECURE = Inputs(DIRECT)
FETCH = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user")
HINTS = ("sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform")


def found(
    base: dict[str, str],
    path: str = "/",
    *,
    inputs: Inputs = SECURE,
    without: tuple[str, ...] = (),
    method: str = "GET",
    at: int = CAPTURED,
    **changed: str,
) -> set[str]:
    """The ids found with headers left out and changed (`user_agent="..."`), the order kept."""
    headers = {name: value for name, value in base.items() if name not in without}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    one = visit(headers.items(), path, method=method, at=at)
    return {finding.id for finding in find_in_request(seen(one, inputs), book())}


def test_the_captured_browsers_themselves_show_nothing() -> None:
    assert (found(CHROME), found(FIREFOX)) == (set(), set())


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (UA.format(79), False),
        (UA.format(80), True),
        (FIRE.format(89), False),
        (FIRE.format(90), True),
        (SAFARI.format("16.3"), False),
        (SAFARI.format("16.4"), True),
        (SAFARI.format("16.10"), True),
        (SAFARI.format("15.6"), False),
        (UA.format(150) + " Whale/4.1", False),
        (UA.format(150) + " OPR/130.0", True),
        (IPHONE.format("CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1"), True),
        (IPHONE.format("Mobile/15E148"), False),
        ("Mozilla/5.0 (Linux; Android 14; SM-A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
         " Chrome/126.0.0.0 Mobile Safari/537.36", False),
        ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128"
         " Safari/537.36", False),
        ("Mozilla/5.0 (compatible; Miniflux/2.0; +https://miniflux.app)", False),
    ],
)  # fmt: skip
def test_fetch_metadata_is_expected_of_current_browsers_only(agent: str, expected: bool) -> None:
    ids = found({"host": "x", "user-agent": agent, "accept": "text/html", "upgrade-insecure-requests": "1"})
    assert ("claim.no_fetch_metadata" in ids) is expected


@pytest.mark.parametrize("name", FETCH)
def test_one_fetch_header_is_enough_not_to_miss_all(name: str) -> None:
    base = {k: v for k, v in CHROME.items() if k not in FETCH}
    assert "claim.no_fetch_metadata" in found(base)
    assert "claim.no_fetch_metadata" not in found({**base, name: "none"})


def test_a_request_that_may_be_no_navigation_is_not_judged_as_one() -> None:
    bare = {"host": "x", "user-agent": UA.format(150), "accept": "*/*"}
    assert "claim.no_fetch_metadata" in found(bare)
    for path in ("/a.css", "/feed.xml", "/a.mp3", "/x/rss"):
        assert found(bare, path) == set()
    assert found(bare, range="bytes=0-") == found(bare, x_requested_with="XMLHttpRequest") == set()
    assert found(bare, method="HEAD") == found(bare, method="OPTIONS") == set()
    old = {**bare, "user-agent": UA.format(79)}
    assert found(old) == {"claim.dead_browser"}


@pytest.mark.parametrize(
    ("changed", "without", "expected"),
    [
        ({}, ("sec-fetch-site",), True),
        ({}, ("sec-fetch-dest",), True),
        ({}, ("sec-fetch-user",), False),
        ({"sec_fetch_mode": "cors"}, (), True),
        ({"sec_fetch_mode": "cors"}, ("sec-fetch-user",), False),
        ({"referer": "https://site.example/"}, (), True),
        ({"referer": "https://site.example/", "sec_fetch_site": "same-origin"}, (), False),
        ({"referer": "https://site.example/", "sec_purpose": "prefetch"}, (), False),
        ({"sec_fetch_dest": "empty", "sec_fetch_site": "same-origin"}, ("sec-fetch-user",), False),
    ],
)
def test_fetch_metadata_that_cannot_be(
    changed: dict[str, Any], without: tuple[str, ...], expected: bool
) -> None:
    assert ("claim.partial_fetch_metadata" in found(CHROME, without=without, **changed)) is expected


def test_fetch_metadata_of_android_and_of_safari_is_read_with_care() -> None:
    android = UA.format(156).replace("X11; Linux x86_64", "Linux; Android 10; K")
    referer: dict[str, Any] = {"referer": "android-app://org.example/"}
    assert found(CHROME, user_agent=android, sec_ch_ua_platform='"Android"', **referer) == set()
    safari = {"user-agent": SAFARI.format("18.0"), "accept": "text/html", "sec-fetch-mode": "navigate"}
    assert "claim.partial_fetch_metadata" in found(safari)
    assert found({**safari, "sec-fetch-mode": "same-origin"}) == set()
    whole = {
        **safari,
        "sec-fetch-site": "none",
        "sec-fetch-dest": "document",
        "referer": "https://a.example/",
    }
    assert found(whole) == set()
    old = {**CHROME, "user-agent": UA.format(79)}
    assert "claim.partial_fetch_metadata" not in found(old, without=("sec-fetch-dest", *HINTS))


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (UA.format(89), False),
        (UA.format(90), True),
        (UA.format(150) + " Edg/150.0.0.0", True),
        (UA.format(115).replace("Chrome", "SamsungBrowser/22.0 Chrome"), False),
        (UA.format(115).replace("Chrome", "SamsungBrowser/23.0 Chrome"), True),
        (UA.format(150) + " Vivaldi/7.1", False),
        (FIRE.format(150), False),
        (SAFARI.format("18.0"), False),
        (IPHONE.format("CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1"), False),
        (IPHONE.format("EdgiOS/126.0.2592.56 Version/17.0 Mobile/15E148 Safari/604.1"), False),
        (IPHONE.format("FxiOS/126.0 Mobile/15E148 Safari/605.1.15"), False),
    ],
)
def test_client_hints_are_expected_of_chromium_only(agent: str, expected: bool) -> None:
    ids = found({**CHROME, "user-agent": agent}, without=HINTS)
    assert ("claim.hints_missing" in ids) is expected


@pytest.mark.parametrize(
    ("agent", "changed", "expected"),
    [
        (UA.format(156), {}, False),
        (UA.format(155), {}, True),
        (UA.format(157), {}, True),
        (UA.format(156), {"sec_ch_ua_platform": '"Windows"'}, True),
        (UA.format(156), {"sec_ch_ua_platform": '"Android"'}, False),
        (UA.format(156), {"sec_ch_ua_platform": '"Unknown"'}, False),
        (UA.format(156), {"sec_ch_ua_platform": '""'}, False),
        (UA.format(156), {"sec_ch_ua": '"Brave";v="156"'}, False),
        (UA.format(156).replace("X11; Linux x86_64", "X11; CrOS x86_64 14541.0.0"),
         {"sec_ch_ua_platform": '"Chrome OS"'}, False),
        (UA.format(156) + " Whale/4.1", {"sec_ch_ua": '"Chromium";v="150"'}, False),
        (FIRE.format(150), {}, True),
        (SAFARI.format("18.0"), {}, True),
    ],
)  # fmt: skip
def test_hints_and_user_agent_agree(agent: str, changed: dict[str, Any], expected: bool) -> None:
    assert ("claim.hints_contradict" in found(CHROME, user_agent=agent, **changed)) is expected


def test_who_names_itself_may_send_what_no_browser_sends() -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:1.9.5.20) Gecko/2010-08-12 13:37:45 Firefox/3.6.3"
    assert found({"user-agent": agent}) == {"claim.no_such_browser"}
    assert found({"user-agent": f"{agent} SomeBot/1.0"}) == set()
    assert found({"accept": "*/*"}) == found({"user-agent": ""}) == set()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("agent", "moment", "expected"),
    [
        (UA.format(120), "2026-12-04", False),
        (UA.format(120), "2026-12-07", True),
        (UA.format(999), "2036-01-01", False),
        (UA.format(109), "2026-11-22", True),
        (UA.format(109).replace("X11; Linux x86_64", "Windows NT 6.1; Win64; x64"), "2026-11-22", False),
        (UA.format(108).replace("X11; Linux x86_64", "Windows NT 6.1; Win64; x64"), "2026-11-22", True),
        (UA.format(106).replace("X11; Linux x86_64", "Linux; Android 6.0"), "2026-11-22", False),
        (UA.format(90).replace("X11; Linux x86_64", "Linux; Android 6.0"), "2026-11-22", True),
        (FIRE.format(114), "2026-11-22", True),
        (FIRE.format(115), "2026-11-22", False),
        (FIRE.format(115), "2029-11-22", True),
        (SAFARI.format("15.1"), "2026-11-22", False),
        (SAFARI.format("13.1"), "2026-11-22", True),
        ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "2026-11-22", True),
        ("Opera/9.80 (Windows NT 6.1; U; en) Presto/2.12.388 Version/12.18", "2026-11-22", True),
        ("Opera/9.80 (Android; Opera Mini/36.2/191.256; U; en) Presto/2.12.423 Version/12.16",
         "2026-11-22", False),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 4.0) AppleWebKit/538.1 (KHTML, like Gecko) Chrome/56.0.2924.0"
         " Safari/538.1", "2026-11-22", False),
    ],
)  # fmt: skip
def test_a_version_is_dead_years_after_its_release_unless_nothing_newer_runs_there(
    agent: str, moment: str, expected: bool
) -> None:
    assert ("claim.dead_browser" in found({"user-agent": agent}, at=at(moment))) is expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (UA.format(150).replace("Chrome", "HeadlessChrome"), True),
        ("Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/29.1.1", True),
        ("Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1"
         " Safari/538.1", True),
        (UA.format(150), False),
        (UA.format(150).replace("Chrome", "HeadlessChrome") + " (Shots; +https://shots.example)", False),
        ("HeadlessChrome", True),
    ],
)  # fmt: skip
def test_a_driver_that_says_so_is_headless(agent: str, expected: bool) -> None:
    assert ("claim.headless" in found({"user-agent": agent})) is expected


@pytest.mark.parametrize(
    ("base", "changed", "expected"),
    [
        (CHROME, {"accept": "*/*"}, True),
        (CHROME, {"accept": "text/html"}, False),
        (CHROME, {"accept": "*/*", "sec_purpose": "prefetch"}, False),
        (CHROME, {"accept": "*/*", "purpose": "prefetch"}, False),
        (CHROME, {"accept": "*/*", "x_purpose": "preview"}, False),
        (CHROME, {"accept": "*/*", "x_moz": "prefetch"}, False),
        (CHROME, {"accept": "*/*", "purpose": "reading"}, True),
        (CHROME, {"accept": "image/*", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, False),
        (CHROME, {"accept": "*/*", "sec_fetch_dest": "embed"}, False),
        (CHROME, {"accept": "*/*", "sec_fetch_dest": "iframe"}, True),
        (FIREFOX, {"accept": "*/*"}, True),
        (CHROME, {"accept": "*/*", "user_agent": UA.format(150) + " SomeApp/1.0"}, False),
    ],
)
def test_html_is_accepted_on_navigations(
    base: dict[str, str], changed: dict[str, Any], expected: bool
) -> None:
    assert ("claim.accept_not_html" in found(base, **changed)) is expected


@pytest.mark.parametrize(
    ("base", "language", "expected"),
    [
        (CHROME, None, True),
        (CHROME, "*", True),
        (CHROME, "C", False),
        (FIREFOX, None, True),
        ({**CHROME, "user-agent": SAFARI.format("18.0")}, None, False),
        ({**CHROME, "user-agent": UA.format(39)}, None, False),
        ({**CHROME, "user-agent": UA.format(40)}, None, True),
        ({**CHROME, "sec-purpose": "prefetch"}, None, False),
    ],
)
def test_a_language_is_named(base: dict[str, str], language: str | None, expected: bool) -> None:
    changed: dict[str, Any] = {} if language is None else {"accept_language": language}
    assert ("claim.no_language" in found(base, without=("accept-language",), **changed)) is expected


@pytest.mark.parametrize(
    ("agent", "value", "expected"),
    [
        (UA.format(156), "gzip, deflate", True),
        (UA.format(156), "gzip, deflate, br", False),
        (UA.format(156), "gzip;q=1, BR ;q=0.5", False),
        (UA.format(156), "gzip, brotli", True),
        (UA.format(60), "gzip", True),
        (UA.format(59), "gzip", False),
        (FIRE.format(60), "gzip", True),
        (FIRE.format(59), "gzip", False),
        (SAFARI.format("18.0"), "gzip", False),
    ],
)
def test_brotli_is_accepted_over_https(agent: str, value: str, expected: bool) -> None:
    ids = found(CHROME, user_agent=agent, accept_encoding=value)
    assert ("claim.encoding" in ids) is expected
    blind = found(CHROME, user_agent=agent, accept_encoding=value, inputs=Inputs(DIRECT - {"encoding"}))
    assert "claim.encoding" not in blind


def test_localhost_is_secure_only_where_the_arrangement_says_so() -> None:
    bare = [("user-agent", UA.format(150)), ("accept", "text/html")]
    for host, told, expected in (
        ("localhost", True, True),
        ("localhost", False, False),
        ("127.0.0.9", True, True),
        ("app.localhost", True, True),
        ("site.example", True, False),
        ("10.0.0.1", True, False),
    ):
        one = seen(visit(bare, scheme="http", host=host), Inputs(DIRECT, loopback_is_secure=told))
        ids = {finding.id for finding in find_in_request(one, book())}
        assert (host, told, "claim.no_fetch_metadata" in ids) == (host, told, expected)
    unknown = seen(visit(bare, scheme="https"), Inputs(DIRECT - {"secure"}, loopback_is_secure=True))
    assert (unknown.secure, find_in_request(unknown, book())[0].id) == (False, "claim.no_language")


def test_what_is_missing_is_called_so_and_what_is_there_is_shown() -> None:
    def told(*left_out: str, **changed: str) -> list[str]:
        headers = {name: value for name, value in CHROME.items() if name not in left_out}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        return [one.observed for one in find_in_request(seen(visit(headers.items()), SECURE), book())]

    names = ("accept", "accept-language", "accept-encoding")
    claim = "claims chrome 156.0; "
    assert told(*names) == [
        f"{claim}Accept: (none)",
        f"{claim}Accept-Language: (none)",
        f"{claim}Accept-Encoding: (none)",
    ]
    long = "x" * 121
    assert told(accept="a/b\x00", accept_language="*", accept_encoding=long) == [
        f"{claim}Accept: a/b?",
        f"{claim}Accept-Language: *",
        f"{claim}Accept-Encoding: {'x' * 119}…",
    ]
    assert told("sec-fetch-site", sec_fetch_mode="navigate") == [
        f"{claim}Sec-Fetch-Mode without Site or Dest (mode=navigate, dest=document, user=?1)"
    ]
