"""Points and levels: the named cases, and what holds for any findings at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduct_support import BOOK, NOW, made
from support import cases
from vorbehalt.facts import Finding
from vorbehalt.patterns.definition import LEVELS
from vorbehalt.patterns.marks import Held
from vorbehalt.patterns.score import CALM, Assessment, assess, excuse, weigh
from vorbehalt.patterns.sketches import MINUTE, SECOND

STATELESS = [one for one in BOOK.definitions.values() if one.state == "none"]
BEHAVIOUR = [one for one in BOOK.definitions.values() if one.state != "none"]


def held(row: str | dict[str, Any]) -> Held:
    if isinstance(row, str):
        row = {"id": row}
    return Held(made(row["id"], row.get("weight")), NOW / SECOND - 60 * row.get("ago", 0))


@pytest.mark.parametrize("case", cases("score"))
def test_a_case_is_scored_as_it_says(case: dict[str, Any]) -> None:
    got = assess(
        [made(id) for id in case.get("request", [])],
        [held(row) for row in case.get("behaviour", [])],
        [excuse(id, "", BOOK) for id in case.get("excuses", [])],
        BOOK,
        NOW,
    )

    assert (got.score, got.level) == (case["score"], case["level"])


findings = st.lists(st.sampled_from(STATELESS).map(lambda one: one.finding("")), max_size=8)
behaviour = st.lists(
    st.builds(
        lambda one, weight, ago: Held(one.finding("", weight), NOW / SECOND - ago),
        st.sampled_from(BEHAVIOUR),
        st.integers(0, 70),
        st.floats(-1000, 200_000),
    ),
    max_size=8,
)
excuses = st.sets(st.sampled_from(sorted(BOOK.excuses))).map(
    lambda ids: [excuse(id, "", BOOK) for id in sorted(ids)]
)


def rank(assessment: Assessment) -> int:
    return LEVELS.index(assessment.level)


@given(findings, behaviour, excuses, findings, behaviour)
def test_one_more_finding_never_lowers_score_or_level(
    stateless: list[Finding],
    found: list[Held],
    excused: list[Finding],
    more: list[Finding],
    more_found: list[Held],
) -> None:
    before = assess(stateless, found, excused, BOOK, NOW)
    after = assess([*stateless, *more], [*found, *more_found], excused, BOOK, NOW)

    assert after.score >= before.score
    assert rank(after) >= rank(before)


@given(findings, behaviour, excuses)
def test_no_family_counts_for_more_than_its_cap(
    stateless: list[Finding], found: list[Held], excused: list[Finding]
) -> None:
    for name, family in BOOK.families.items():
        of_family = [one for one in stateless if one.family == name]
        held_by_it = [one for one in found if one.finding.family == name]

        assert assess(of_family, held_by_it, (), BOOK, NOW).score <= family.cap


@given(findings, behaviour, excuses, st.integers(0, 100_000), st.integers(0, 100_000))
def test_time_alone_never_raises_a_score(
    stateless: list[Finding], found: list[Held], excused: list[Finding], first: int, second: int
) -> None:
    earlier = assess(stateless, found, excused, BOOK, NOW + first * SECOND)
    later = assess(stateless, found, excused, BOOK, NOW + (first + second) * SECOND)

    assert later.score <= earlier.score


@given(findings, behaviour, excuses)
def test_an_excuse_never_raises_and_the_score_is_never_negative(
    stateless: list[Finding], found: list[Held], excused: list[Finding]
) -> None:
    got = assess(stateless, found, excused, BOOK, NOW)

    assert 0 <= got.score <= assess(stateless, found, (), BOOK, NOW).score
    assert rank(got) <= rank(assess(stateless, found, (), BOOK, NOW))


@given(findings, behaviour, excuses)
def test_what_an_assessment_holds_gives_it_again(
    stateless: list[Finding], found: list[Held], excused: list[Finding]
) -> None:
    got = assess(stateless, found, excused, BOOK, NOW)

    if got is not CALM:
        assert weigh(got.findings, got.excuses, got.conclusive, BOOK) == got
        assert got.book == BOOK.digest


@given(findings, behaviour, excuses, st.randoms())
def test_the_order_of_findings_changes_nothing(
    stateless: list[Finding], found: list[Held], excused: list[Finding], random: Any
) -> None:
    before = assess(stateless, found, excused, BOOK, NOW)
    random.shuffle(stateless)
    random.shuffle(found)
    after = assess(stateless, found, excused, BOOK, NOW)

    assert (before.score, before.level) == (after.score, after.level)
    assert [(one.id, one.weight) for one in before.findings] == [
        (one.id, one.weight) for one in after.findings
    ]


@given(st.lists(st.sampled_from([one for one in STATELESS if one.alone_at_most == "limit"]), max_size=8))
def test_absent_headers_alone_never_do_more_than_limit(definitions: list[Any]) -> None:
    got = assess([one.finding("") for one in definitions], (), (), BOOK, NOW)

    assert got.level in ("observe", "limit")


def test_a_finding_of_one_request_and_its_repetition_count_once() -> None:
    got = assess([made("claim.headless")] * 3, (), (), BOOK, NOW)

    assert (got.score, len(got.findings)) == (45, 1)


def test_the_heavier_of_two_counts() -> None:
    got = assess((), [held({"id": "trap.hit", "weight": 70}), held("trap.hit")], (), BOOK, NOW)

    assert (got.score, got.findings[0].weight) == (70, 70)


def test_what_has_faded_away_is_not_listed_any_more() -> None:
    got = assess([made("claim.headless")], [held({"id": "chain.no_cookie", "ago": 600})], (), BOOK, NOW)

    assert [one.id for one in got.findings] == ["claim.headless"]


def test_only_the_second_trap_is_conclusive() -> None:
    once = assess((), [held("trap.hit")], (), BOOK, NOW)
    twice = assess((), [held({"id": "trap.hit", "weight": 70})], (), BOOK, NOW)

    assert (once.conclusive, twice.conclusive) == ((), ("trap.hit",))


def test_an_assessment_says_in_json_what_made_it() -> None:
    got = assess(
        [made("claim.headless")], (), [excuse("excuse.signed_in", "signed in", BOOK)], BOOK, NOW + MINUTE
    )

    shown = got.as_json()
    assert shown["score"] == 0
    assert shown["level"] == "observe"
    assert shown["book"] == BOOK.digest
    assert shown["conclusive"] == []
    assert shown["findings"] == [
        {
            "id": "claim.headless",
            "weight": 45,
            "observed": "",
            "expected": BOOK.definition("claim.headless").text.expected,
            "family": "claims",
        }
    ]
    assert shown["excuses"] == [
        {
            "id": "excuse.signed_in",
            "weight": -60,
            "observed": "signed in",
            "expected": BOOK.excuses["excuse.signed_in"].means,
            "family": "excuse",
        }
    ]
