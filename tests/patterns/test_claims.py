"""Findings 1 to 4 one by one, fetch metadata and client hints: where each begins, whom its guards spare."""

from __future__ import annotations

from typing import Any

import pytest

from pattern_support import FIRE, SAFARI, UA, captured_headers, found

CHROME = captured_headers("chromium-headful")
FIREFOX = captured_headers("firefox-headless-cli")
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"
FETCH = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user")
HINTS = ("sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform")


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
