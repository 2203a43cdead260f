"""The report is one page that shows the truth, harms nobody and needs nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from vorbehalt.facts import Action, Purpose, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.replay import About, render_html, replay
from vorbehalt.replay.drawing import bar
from vorbehalt.replay.words import PURPOSES, STANDINGS, number, share, size

Line = Callable[..., str]
Make = Callable[..., Verdict]
Log = Callable[..., str]
Judges = Callable[[dict[bytes, Verdict]], Callable[[Visit], Verdict]]

_HOSTILE = "<script>alert(1)</script>'><img src=https://evil.example/x onerror=x>&amp;"


class _Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag is closed."""

    _VOID = frozenset({"meta", "br", "rect", "line"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def page(line: Line, verdict: Make, by_agent: Judges, log: Log) -> _Page:
    """The report on a small hostile log."""
    refused = verdict(Action.BLOCK, "GPTBot")
    judge = by_agent(
        {
            b"GPTBot": refused,
            b"Googlebot": verdict(Action.ALLOW, "Googlebot", Purpose.SEARCH_ENGINE),
            b"script": verdict(Action.LIMIT),
        }
    )
    path = log(
        line("GPTBot", path="/lyrics/1", size=4_000),
        line("GPTBot", path="/<b>x</b>", time="23/Nov/2026:10:05:03 +0000"),
        line("Googlebot", address="203.0.113.99"),
        line(_HOSTILE, path="/" + _HOSTILE.replace(" ", "+"), address="203.0.113.98"),
        line("Mozilla/5.0"),
        f"203.0.113.97 {_HOSTILE}",
        name="<i>access.log",
    )
    html = render_html(replay([path], judge), About(site="<u>label.example", enforced_for_replay=True))
    return _Page(html)


def test_nothing_from_the_log_becomes_markup(page: _Page) -> None:
    assert not page.tags & {"script", "img", "bi", "u", "iframe", "link", "object", "form"}
    assert _HOSTILE in page.text
    assert "/<b>x</b>" in page.text
    assert not page.open


def test_nothing_is_fetched_from_outside(page: _Page) -> None:
    assert not [
        name for name, _ in page.attributes if name in ("src", "href", "srcset", "action") or name[:2] == "on"
    ]
    policy = next(
        value for name, value in page.attributes if name == "content" and value and "default-src" in value
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_no_address_stands_in_the_report(page: _Page) -> None:
    assert not re.search(r"203\.0\.113", page.text)


def test_the_report_says_who_what_and_who_might_be_hit(page: _Page) -> None:
    text = " ".join(page.text.split())

    assert "Under your policy 3 of 5 requests (60 %) would not have been answered" in text.replace(
        "\u202f", " "
    )
    assert "1 request of visitors without a crawler's name would have been refused" in text
    assert "AI training" in text
    assert "GPTBot Ltd" in text
    assert "on this log, not on tomorrow's" in text
    assert "Your configuration observes only" in text
    assert "1 of 6 lines holds no request" in text
    assert "robots.txt" not in text.replace("robots.txt read", "")
    assert "No search engine, feed reader, preview or tool would have been refused." in text


def test_refused_search_engines_are_named_first(
    line: Line, verdict: Make, by_agent: Judges, log: Log
) -> None:
    judge = by_agent({b"Googlebot": verdict(Action.BLOCK, "Googlebot", Purpose.SEARCH_ENGINE)})
    text = _Page(render_html(replay([log(line("Googlebot"))], judge))).text

    assert "These are no AI crawlers, and some of their requests would have been refused" in text
    assert "Nobody without a crawler's name would have been limited" in text


def test_a_log_without_user_agents_or_visitors_is_called_so(
    log: Log, verdict: Make, by_agent: Judges
) -> None:
    path = log('10.0.0.2 - - [22/Nov/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 9')
    text = _Page(render_html(replay([path], by_agent({})))).text

    assert "logged without a User-Agent" in text
    assert "the log sees your proxy, not your visitors" in text


def test_a_log_without_a_request_gives_a_page(log: Log, by_agent: Judges) -> None:
    text = _Page(render_html(replay([log("x")], by_agent({})))).text

    assert "Nothing in this log could be read as a request." in text
    assert "1 of 1 lines holds no request" in text


def test_a_policy_that_refuses_nobody_says_so(log: Log, line: Line, by_agent: Judges) -> None:
    text = _Page(render_html(replay([log(line())], by_agent({})))).text

    assert "every request in this log would have been answered" in text
    assert "observes only" not in text


def test_every_purpose_and_standing_has_words() -> None:
    from vorbehalt.facts import Standing

    assert set(PURPOSES) == set(Purpose)
    assert set(STANDINGS) == {standing.value for standing in Standing}


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 10, "0 %"),
        (0, 0, "0 %"),
        (1, 100_000, "under 0.1 %"),
        (1, 3, "33 %"),
        (51, 1_000, "5.1 %"),
        (9_951, 9_999, "99.5 %"),
        (99_999, 100_000, "over 99.9 %"),
        (7, 7, "100 %"),
    ],
)
def test_a_share_never_rounds_something_to_nothing(part: int, whole: int, text: str) -> None:
    assert share(part, whole).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (168_000_000, "168 MB"),
        (2_400_000_000, "2.4 GB"),
    ],
)
def test_sizes_have_decimal_units(value: int, text: str) -> None:
    assert size(value).replace("\u202f", " ") == text
    assert number(1_234_567).replace("\u202f", " ") == "1 234 567"


def test_a_bar_shows_even_the_smallest_refusal() -> None:
    assert 'width="1.5"' in bar(100_000, 1, 100_001)
    assert bar(0, 0, 0) == ""


def test_robots_txt_explains_answered_crawlers(line: Line, verdict: Make, by_agent: Judges, log: Log) -> None:
    judge = by_agent({b"GPTBot": verdict(Action.ALLOW, "GPTBot")})
    text = _Page(render_html(replay([log(line("GPTBot", path="/robots.txt"))], judge))).text

    assert "1 of the answered requests were AI crawlers reading robots.txt" in text
