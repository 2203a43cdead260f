"""How people write limits, and how near misses are answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.policy.compile import derived_reason, parse_limit
from vorbehalt.policy.reasons import REASONS
from vorbehalt.policy.rules import Match, Quota
from vorbehalt.policy.tables import did_you_mean, shown


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("120/min per operator", Quota(120, 60, "operator")),
        ("30/min", Quota(30, 60, "prefix")),
        ("1/s", Quota(1, 1)),
        (" 5 / 10 Minutes PER Crawler ", Quota(5, 600, "crawler")),
        ("1000/d burst 20", Quota(1000, 86400, "prefix", 20)),
        ("7/2h per prefix burst 1", Quota(7, 7200, "prefix", 1)),
        ("1/31d", Quota(1, 31 * 86400)),
    ],
)
def test_a_limit_is_read_as_people_write_it(text: str, quota: Quota) -> None:
    assert parse_limit(text) == quota


@pytest.mark.parametrize(
    "text",
    ["", "10", "min", "10/", "/min", "-1/min", "1.5/min", "0/min", "1/0min", "1/32d", "1/month",
     "1/min per ip",
     "1/min, per prefix", "1/min per prefix burst", "9999999999/min"],
)  # fmt: skip
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|unit|period"):
        parse_limit(text)


@given(st.text(max_size=40))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        quota = parse_limit(text)
    except ValueError:
        return
    assert quota.count > 0
    assert quota.period_seconds > 0


def test_every_derived_reason_is_listed() -> None:
    matches = [
        Match(), Match(token=("a",)), Match(operator=("a",)), Match(path=("/",)), Match(section=("a",)),
        Match(finding=("a",)), Match(score=0), Match(address=("10.0.0.0/8",)), Match(host=("a",)),
    ]  # fmt: skip
    reasons = [derived_reason(match) for match in matches]
    assert set(reasons) <= set(REASONS)
    assert len(set(reasons)) == len(matches)


@pytest.mark.parametrize(
    ("word", "options", "hint"),
    [
        ("alow", ["allow", "block"], '; did you mean "allow"?'),
        ("ALLOW", ["allow"], '; did you mean "allow"?'),
        ("user_fetch", ["user-fetch"], '; did you mean "user-fetch"?'),
        ("ai-input", ["ai_input"], '; did you mean "ai_input"?'),
        ("search-index", ["search", "seo"], '; did you mean "search"?'),
        ("deny", ["allow", "block"], '; did you mean "block"?'),
        ("deny", ["allow"], ""),
        ("xyz", ["allow"], ""),
        ("", ["allow"], ""),
    ],
)
def test_a_near_miss_is_guessed_and_others_are_not(word: str, options: list[str], hint: str) -> None:
    assert did_you_mean(word, options) == hint


def test_a_value_is_shown_short_and_on_one_line() -> None:
    assert shown("a\r\nb\x1b[31m") == '"a??b?[31m"'
    assert len(shown("x" * 1000)) < 70
    assert (shown(True), shown({}), shown([1]), shown(7)) == ("true", "a table", "a list", "7")
