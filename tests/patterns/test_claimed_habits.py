"""Findings 5 to 10 one by one, versions and habits: where each begins, and whom its guards spare."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pattern_support import DIRECT, FIRE, SAFARI, SECURE, UA, book, captured_headers, found, visit
from vorbehalt.patterns.in_request import find_in_request
from vorbehalt.patterns.seen import Inputs, seen

CHROME = captured_headers("chromium-headful")
FIREFOX = captured_headers("firefox-headless-cli")


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
