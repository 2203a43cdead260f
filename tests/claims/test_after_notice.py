"""What counts as after notice: later than the first letter that went out, and the operator's own."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from register_support import DAY, TODAY, WRITTEN, leaf, one, register, request, step
from vorbehalt.claims.ledger import Query, Tally
from vorbehalt.claims.ledger_text import as_csv
from vorbehalt.claims.register import after_notice, day_of, end_of, notice_before
from vorbehalt.claims.register_text import Later


def test_traffic_is_later_from_the_end_of_the_day_or_the_record_if_that_is_earlier() -> None:
    midnight = end_of("2026-11-22")
    assert day_of(midnight) == "2026-11-23"
    assert one(step("sent", 1, "2026-11-22", at=TODAY)).sent_at() == midnight
    assert one(step("sent", 1, "2026-11-22", at=midnight - 1)).sent_at() == midnight - 1
    assert one(step("sent", 1, "2026-11-22"), step("sent", 2, "2026-11-24")).sent_at() == midnight
    assert one().sent_at() is None


def test_after_notice_begins_with_the_first_letter_that_went_out_and_counts() -> None:
    said = register(
        step("sent", 1, "2026-11-24"),
        leaf(**{**WRITTEN, "letter": "2026-0002"}),
        leaf(step="sent", letter="2026-0002", number=1, date="2026-11-22"),
        leaf(**{**WRITTEN, "letter": "2026-0003", "kind": "impostor-report"}),
        leaf(step="sent", letter="2026-0003", number=1, date="2026-11-21"),
        leaf(**{**WRITTEN, "letter": "2026-0004"}),
        leaf(step="sent", letter="2026-0004", number=1, date="2026-11-20"),
        leaf(step="withdrawn", letter="2026-0004", number=2, date="2026-11-21"),
    )
    since = end_of("2026-11-22")
    assert said.first_notice("OpenAI") == since
    assert after_notice(said, "OpenAI", since - 1) is None
    found = after_notice(said, "OpenAI", since)
    assert found is not None
    assert (found.id, found.notice_day) == ("2026-0002", "2026-11-22")
    assert after_notice(said, "Anthropic", since) is None
    assert said.first_notice("Anthropic") is None


def test_what_came_later_without_records_stands_beside_and_apart() -> None:
    rows = [
        {"key": ["h", "GPTBot", "OpenAI", "training", standing, action, action], "count": count, "bytes": 1}
        for standing, action, count in (
            ("verified", "block", 3), ("signed", "allow", 4), ("claimed", "block", 5),
            ("contradicted", "block", 7),
        )
    ]  # fmt: skip
    tally = Tally(Query("OpenAI"))
    tally.take({"type": "rollup", "ref": "", "at": "1", "seen": {"minute": "1", "rows": rows}})
    later = Later(one(step("sent", 1, "2026-11-22")), tally.finish())
    said: dict[str, Any] = later.as_json()
    assert {name: said[name]["rollups"] for name in ("attributed", "described", "impostors")} == {
        "attributed": {"requested": 7, "refused": 3},
        "described": {"requested": 5, "refused": 5},
        "impostors": {"requested": 7, "refused": 7},
    }
    nothing = "0 requested, 0 refused, 0 delivered (0 whole, 0 in part)"
    assert later.sentence() == (
        "after notice of 2026-11-22 (letter 2026-0001):"
        f" from OpenAI (signed or verified) {nothing}, and 7 counted without records;"
        f" described itself as OpenAI (not established) {nothing}, and 5 counted without records"
    )


@pytest.mark.parametrize(
    ("at", "marks"),
    [
        (end_of("2026-11-22"), ["", "yes", "yes"]),
        (end_of("2026-11-22") - 1, ["from 2026-11-22T23:59:59Z", "yes", "yes"]),
        (end_of("2026-11-21"), ["yes", "yes", "yes"]),
    ],
)
def test_days_of_a_ledger_are_marked_wholly_or_from_a_moment_on(at: int, marks: list[str]) -> None:
    tally = Tally(Query("OpenAI"))
    for day in ("2026-11-22", "2026-11-23", "2026-11-24"):
        for one_draft in request(f"VB-{day}", end_of(day) - DAY // 2):
            tally.take(
                {
                    "type": one_draft.type,
                    "ref": one_draft.ref,
                    "at": str(one_draft.at),
                    "seen": one_draft.seen,
                }
            )
    ledger = tally.finish()
    letter = one(step("sent", 1, "2026-11-24", at=at))
    assert letter.sent_at() == at
    rows = csv.DictReader(StringIO("".join(as_csv(ledger, notice=letter))))
    assert [each["after_notice"] for each in rows if each["row"] == "day"] == marks
    rows = csv.DictReader(StringIO("".join(as_csv(ledger))))
    assert {each["after_notice"] for each in rows} == {""}


@pytest.mark.parametrize(
    ("kind", "standing", "seen", "is_marked"),
    [
        ("request", "verified", {}, True),
        ("request", "claimed", {}, True),
        ("signal-served", "claimed", {}, True),
        ("request", "contradicted", {}, False),
        ("completion", "verified", {}, False),
        ("imported", "claimed", {"logged_at": str(end_of("2026-11-22") - 1)}, False),
        ("imported", "claimed", {"logged_at": str(end_of("2026-11-22"))}, True),
    ],
)
def test_only_what_the_operator_asked_for_later_is_marked(
    kind: str, standing: str, seen: dict[str, object], is_marked: bool
) -> None:
    said = register(step("sent", 1, "2026-11-22"))
    record = {
        "type": kind,
        "at": str(TODAY),
        "seen": {"claim": {"operator": "OpenAI", "standing": standing}, **seen},
    }
    assert (notice_before(said, record) is not None) == is_marked
    assert notice_before(said, {**record, "at": "1", "seen": {**record["seen"], "logged_at": "1"}}) is None  # type: ignore[dict-item]
    assert notice_before(said, {"type": "request", "at": str(TODAY), "seen": {"claim": None}}) is None
