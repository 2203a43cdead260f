"""The register says what the log says of letters, and what came after them; nothing else counts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from register_support import DAY, TODAY, WRITTEN, evidence_with, leaf, new_letter, one, step
from vorbehalt.claims.register import (
    STEPS,
    day_of,
    read_register,
    register_of,
)
from vorbehalt.claims.register_entry import _numbers, enter, take_step
from vorbehalt.claims.register_rules import NewStep, next_sentence, refusal
from vorbehalt.claims.register_text import letter_json, row
from vorbehalt.errors import ClaimError, EvidenceError
from vorbehalt.evidence.auditor.audit import verify


def test_a_letter_is_what_its_steps_made_of_it() -> None:
    letter = one(
        step("sent", 1, "2026-11-21", note="post"),
        step("delivered", 2, "2026-11-23"),
        step("answered", 3, "2026-11-25", note="they ask for time"),
        step("reminded", 4, "2026-11-26", due="2026-12-20"),
    )
    assert [s.name for s in letter.steps] == ["written", "sent", "delivered", "answered", "reminded"]
    assert (letter.operator, letter.to, letter.kind, letter.approved_by) == (
        "OpenAI", "OpenAI Ireland Ltd", "inquiry", "Jane Counsel",
    )  # fmt: skip
    assert (letter.state, letter.due, letter.is_open, letter.no_hold) == (
        "reminded", "2026-12-20", True, "test",
    )  # fmt: skip
    assert [s.index for s in letter.steps] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("steps", "state", "is_open"),
    [
        ([], "written", True),
        (["sent"], "sent", True),
        (["sent", "sent", "delivered"], "delivered", True),
        (["sent", "answered", "delivered"], "answered", True),
        (["sent", "answered", "reminded"], "reminded", True),
        (["sent", "reminded", "answered"], "answered", True),
        (["sent", "closed", "answered"], "closed", False),
        (["sent", "withdrawn"], "withdrawn", False),
    ],
)
def test_the_state_is_that_of_the_step_that_matters(steps: list[str], state: str, is_open: bool) -> None:
    letter = one(*(step(name, number, "2026-11-22") for number, name in enumerate(steps, 1)))
    assert (letter.state, letter.is_open) == (state, is_open)


@pytest.mark.parametrize(
    ("steps", "today", "days", "next_word"),
    [
        ([], "2027-01-01", 0, "Send it"),
        (["sent"], "2026-12-10", 0, "Wait for an answer until 2026-12-10"),
        (["sent"], "2026-12-11", 1, "Remind of it: the deadline passed 1 day ago"),
        (["sent", "delivered"], "2026-12-12", 2, "Remind of it: the deadline passed 2 days ago"),
        (["sent", "reminded"], "2026-12-11", 1, "Take counsel, or close it: the deadline passed 1 day ago"),
        (["sent", "answered"], "2027-01-01", 0, "Read the answer"),
        (["sent", "closed"], "2027-01-01", 0, "Nothing: it is closed."),
        (["withdrawn"], "2027-01-01", 0, "Nothing: it was withdrawn."),
    ],
)
def test_overdue_is_what_went_out_and_has_no_answer(
    steps: list[str], today: str, days: int, next_word: str
) -> None:
    letter = one(*(step(name, number, "2026-11-22") for number, name in enumerate(steps, 1)))
    assert letter.days_overdue(today) == days
    assert next_sentence(letter, today).startswith(next_word)


def test_the_public_form_and_the_row_of_a_letter_say_the_same() -> None:
    letter = one(
        step("sent", 1, "2026-11-22", note="post"),
        step("sent", 2, "2026-11-21", note="fax"),
        step("answered", 3, "2026-11-25", note="they deny", digest="cd" * 32, who="clerk"),
        step("reminded", 4, "2026-11-26", due="2026-12-01"),
    )
    said: dict[str, Any] = letter_json(letter, "2026-12-04")
    assert {name: said[name] for name in ("state", "open", "due", "days_overdue", "sent", "delivered")} == {
        "state": "reminded", "open": True, "due": "2026-12-01", "days_overdue": 3, "sent": "2026-11-21",
        "delivered": None,
    }  # fmt: skip
    assert (said["answered"], said["answer"], said["hold"], said["no_hold"]) == (
        "2026-11-25", "they deny", None, "test",
    )  # fmt: skip
    assert said["after_notice_since"] == "2026-11-22T00:00:00Z"
    assert said["steps"][3] == {
        "name": "answered", "at": "2026-11-26T10:00:00Z", "date": "2026-11-25", "note": "they deny",
        "digest": "cd" * 32, "due": None, "who": "clerk", "index": 3,
    }  # fmt: skip
    assert row(letter, "2026-12-04") == (
        "2026-0001", "OpenAI", "inquiry", "reminded 2026-11-26", "2026-12-01, 3 days overdue",
        "2026-11-25: they deny", said["next"],
    )  # fmt: skip
    withdrawn: dict[str, Any] = letter_json(
        one(step("sent", 1, "2026-11-22"), step("withdrawn", 2, "2026-11-22")), "2026-12-04"
    )
    assert withdrawn["after_notice_since"] is None


def test_a_letter_without_a_deadline_is_never_overdue() -> None:
    (letter,) = register_of([(0, leaf(**{**WRITTEN, "due": ""})), (1, step("sent", 1, "2026-11-22"))]).letters
    assert (letter.due, letter.days_overdue("2030-01-01")) == (None, 0)
    assert next_sentence(letter, "2030-01-01") == "Wait for an answer; no deadline was set."


def test_what_fits_no_letter_counts_for_nothing_and_is_said() -> None:
    said = register_of(
        enumerate(
            [
                leaf(**WRITTEN),
                step("sent", 1, "2026-11-21"),
                step("withdrawn", 1, "2026-11-22"),
                step("closed", 4, "2026-11-22"),
                leaf(step="sent", letter="2026-0009", number=1, date="2026-11-21"),
                leaf(step="eaten", letter="2026-0001", number=2, date="2026-11-21"),
                leaf(step="answered", letter="2026-0001", number=2, date="yesterday"),
                leaf(step="reminded", letter="2026-0001", number=2, date="2026-11-21", due="soon"),
                leaf(**{**WRITTEN, "operator": "Anthropic"}),
                {"type": "notice", "at": "1"},
            ]
        )
    )
    assert [(one.id, one.operator, one.state) for one in said.letters] == [("2026-0001", "OpenAI", "sent")]
    assert said.strays == (
        "record 2 is no next step of letter 2026-0001",
        "record 3 is no next step of letter 2026-0001",
        "record 5 is no step of a letter",
        "record 6 is no step of a letter",
        "record 7 is no step of a letter",
        "record 8 is no next step of letter 2026-0001",
        "record 9 is no step of a letter",
        "the record that letter 2026-0009 was written is not here; 1 others name it",
    )
    assert said.named == {"2026-0001", "2026-0009"}


TRIES = st.lists(
    st.tuples(
        st.sampled_from([*STEPS, "eaten"]),
        st.integers(-9, 2),
        st.sampled_from(["", "", "2026-12-24", "2026-11-01", "soon"]),
    ),
    max_size=25,
)


@given(TRIES, st.randoms(use_true_random=False))
def test_no_sequence_of_steps_corrupts_the_register(
    tries: list[tuple[str, int, str]], dice: random.Random
) -> None:
    leaves = [leaf(**WRITTEN)]
    for name, days, due in tries:
        (letter,) = register_of(enumerate(leaves)).letters
        new = NewStep(name, day_of(TODAY + days * DAY), due=due)
        if refusal(letter, new, TODAY):
            continue
        leaves.append(step(name, len(letter.steps), new.date, TODAY + len(leaves), due=due))
        said = register_of(enumerate(leaves))
        (after,) = said.letters
        assert said.strays == ()
        assert after.steps[:-1] == letter.steps
        assert letter.state != "withdrawn"
        assert letter.is_open or (name in ("delivered", "answered") and after.state == "closed")
        assert after.is_open == (letter.is_open and name not in ("closed", "withdrawn"))
        assert (after.sent_at() is None) == (after.first("sent") is None)
        assert name in ("sent", "withdrawn") or after.first("sent") is not None
        assert new.date <= day_of(TODAY)
    shuffled = list(enumerate(leaves))
    dice.shuffle(shuffled)
    assert register_of(shuffled) == register_of(enumerate(leaves))


def test_a_register_read_again_from_a_pinned_log_is_the_same(tmp_path: Path) -> None:
    home = evidence_with(tmp_path / "evidence")
    read = [read_register(home)]
    for number, name in enumerate(("written", "sent", "answered", "reminded", "closed"), 1):
        if name == "written":
            enter(home, new_letter(), at=TODAY)
        else:
            take_step(home, "2026-0001", NewStep(name, "2026-11-24", f"step {number}"), at=TODAY)
        read.append(read_register(home))
    assert [[s.name for one in said.letters for s in one.steps] for said in read] == [
        [], ["written"], ["written", "sent"], ["written", "sent", "answered"],
        ["written", "sent", "answered", "reminded"], ["written", "sent", "answered", "reminded", "closed"],
    ]  # fmt: skip
    assert [read_register(home, said.size) for said in read] == read
    place = read[1].letters[0].steps[0].index
    assert [len(read_register(home, size).letters) for size in (0, place, place + 1)] == [0, 0, 1]
    assert verify(home).ok
    with pytest.raises(EvidenceError, match=f"the log holds {read[-1].size} records, not 999"):
        read_register(home, 999)


def test_a_year_numbers_9999_letters() -> None:
    numbers = _numbers(register_of([(0, leaf(**{**WRITTEN, "letter": "2026-9998"}))]), "2026")
    assert next(numbers) == "2026-9999"
    with pytest.raises(ClaimError, match="the register of 2026 is full: it numbers 9999 letters"):
        next(numbers)
