"""Old logs through the real engine and the shipped rules: identification and policy as on the day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vorbehalt.engine import Engine, violates_robots
from vorbehalt.facts import Action
from vorbehalt.replay import Result, enforced, observes, render_html, replay
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

Line = Callable[..., str]
Log = Callable[..., str]

_GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)
_CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


def _config(**policy: Any) -> dict[str, object]:
    return {
        "format": 1,
        "site": {
            "origin": "https://label.example",
            "hosts": ["label.example"],
            "operator": "Label",
            "contact": "mailto:licensing@label.example",
        },
        "policy": {"mode": "enforce", **policy},
        "evidence": {"directory": "off"},
    }


def _replay(paths: list[str], **policy: Any) -> Result:
    settings = load(_config(**policy), environ={})
    return replay(paths, Engine(settings, MemoryLimits()).judge)


@pytest.fixture
def log_of_a_day(line: Line, log: Log) -> str:
    return log(
        line(_GPTBOT, path="/robots.txt"),
        line(_GPTBOT, path="/lyrics/1", size=4_000),
        line("CCBot/2.0 (https://commoncrawl.org/faq/)", path="/lyrics/2"),
        line("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
        line("NetNewsWire (RSS Reader; https://netnewswire.com/)", path="/feed.xml"),
        line("curl/8.5.0"),
        line(_CHROME),
        line("-"),
    )


def test_training_is_refused_and_people_are_not(log_of_a_day: str) -> None:
    result = _replay([log_of_a_day])
    outcome = {row.token: row.actions for row in result.crawlers}

    assert outcome["GPTBot"] == {Action.ALLOW: 1, Action.BLOCK: 1}
    assert outcome["CCBot"] == {Action.BLOCK: 1}
    assert outcome["Googlebot"] == {Action.ALLOW: 1}
    assert outcome["NetNewsWire"] == {Action.ALLOW: 1}
    assert (result.people_requests, result.people_refused) == (2, 0)
    assert result.refused_bytes == 4_100


def test_a_fetch_of_robots_txt_is_counted_and_never_refused(log_of_a_day: str) -> None:
    rows = {row.token: row.robots_fetches for row in _replay([log_of_a_day]).crawlers}

    assert rows["GPTBot"] == 1
    assert rows["CCBot"] == 0


def test_quotas_count_by_the_time_of_the_log(line: Line, log: Log) -> None:
    def feeds(count: int, seconds: Callable[[int], int]) -> str:
        times = [seconds(number) for number in range(count)]
        return log(
            *[
                line(
                    "FreshRSS/1.24",
                    address="8.8.8.8",
                    time=f"22/Nov/2026:10:{at // 60:02d}:{at % 60:02d} +0000",
                )
                for at in times
            ]
        )

    in_one_minute = _replay([feeds(100, lambda number: number // 5)])
    in_half_an_hour = _replay([feeds(100, lambda number: number * 18)])

    assert in_one_minute.actions[Action.LIMIT] > 0
    assert in_half_an_hour.actions[Action.LIMIT] == 0
    assert in_one_minute.clients["limited"] == 1


def test_shuffled_lines_of_a_minute_limit_nobody(line: Line, log: Log) -> None:
    seconds = [59, 0, 31, 58, 1, 2, 57, 3, 30, 0]
    path = log(
        *[
            line("MJ12bot/v1.4.8", address="8.8.8.8", time=f"22/Nov/2026:10:05:{second:02d} +0000")
            for second in seconds
        ]
    )

    assert _replay([path]).actions[Action.LIMIT] == 0


def test_a_site_that_observes_can_see_what_enforcing_would_do(log_of_a_day: str) -> None:
    settings = load(_config(mode="observe"), environ={})
    observing = replay([log_of_a_day], Engine(settings, MemoryLimits()).judge)
    enforcing = replay([log_of_a_day], Engine(enforced(settings), MemoryLimits()).judge)

    assert observes(settings)
    assert not observes(enforced(settings))
    assert observing.actions[Action.BLOCK] == 0
    assert enforcing.actions == _replay([log_of_a_day]).actions


def test_a_rule_that_observes_by_itself_goes_on_observing(log_of_a_day: str) -> None:
    rule = {"name": "try-it", "match": {"token": "curl"}, "action": "block", "mode": "observe"}
    settings = load(_config(mode="observe", rule=[rule]), environ={})
    result = replay([log_of_a_day], Engine(enforced(settings), MemoryLimits()).judge)
    curl = next(row for row in result.crawlers if row.token == "curl")

    assert curl.actions == {Action.ALLOW: 1}
    assert curl.would_only == 1


def test_requests_against_robots_txt_are_counted_by_crawler_and_host(line: Line, log: Log) -> None:
    config = _config()
    config["host"] = [
        {
            "names": ["open.example"],
            "site": {"origin": "https://open.example"},
            "reservation": {"training": "allow", "tdm": "allow", "ai_input": "allow"},
        }
    ]
    engine = Engine(load(config, environ={}), MemoryLimits())
    google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    path = log(
        line(_GPTBOT, path="/robots.txt"),
        line(_GPTBOT, path="/.well-known/tdmrep.json"),
        line(_GPTBOT, path="/lyrics/1"),
        line(_GPTBOT, path="/lyrics/2"),
        "open.example:443 " + line(_GPTBOT, path="/lyrics/3"),
        line(google, path="/lyrics/1"),
        line("curl/8.5.0", path="/lyrics/1"),
        line(_CHROME, path="/lyrics/1"),
    )

    asked = replay(
        [path],
        engine.judge,
        disallows=lambda seen, found: violates_robots(engine.plan(seen.host), seen, found),
    )
    unasked = replay([path], engine.judge)

    assert {row.token: row.disallowed for row in asked.crawlers} == {"GPTBot": 2, "Googlebot": 0, "curl": 0}
    assert asked.has_disallowed
    assert not unasked.has_disallowed
    told = render_html(asked)
    assert "the robots.txt of today" in told.replace("&#x27;", "'")
    assert "the robots.txt of today" not in render_html(unasked)
    assert ">2</td>" in told
