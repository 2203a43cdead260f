"""Letters get their numbers, holds and steps one after the other, whoever enters them, never by halves."""

from __future__ import annotations

import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from register_support import DAY, TODAY, evidence_with, new_letter, request
from vorbehalt.claims.register import NOT_SEALED, read_register
from vorbehalt.claims.register_entry import enter, enter_all, take_step
from vorbehalt.claims.register_rules import NewStep
from vorbehalt.errors import ClaimError, EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.vault import holds


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return evidence_with(
        tmp_path / "evidence",
        [
            draft
            for number, operator in enumerate(("OpenAI", "Anthropic", "OpenAI", "Other"))
            for draft in request(f"VB-{number}", TODAY - DAY, operator)
        ],
    )


def held(home: Path) -> dict[str, tuple[str, int]]:
    """Return operator and number of held openings by matter, as the records say."""
    records = [dict(leaf["seen"]) for leaf in show(home, Filters(type="hold"))]  # type: ignore[call-overload]
    assert {hold.matter for hold in holds.holds(home)} == {str(seen["matter"]) for seen in records}
    return {seen["matter"]: (seen["scope"]["operator"], seen["openings"]) for seen in records}


def test_a_letter_gets_its_number_and_what_it_says_is_kept(home: Path) -> None:
    letter = enter(home, new_letter(text=lambda id: f"Ref. {id}".encode(), to="OpenAI Ireland Ltd"), at=TODAY)
    (again,) = read_register(home).letters
    assert (again.id, again.operator, again.to, again.date, again.due, again.state) == (
        "2026-0001", "OpenAI", "OpenAI Ireland Ltd", "2026-11-20", "2026-12-10", "written",
    )  # fmt: skip
    assert ObjectStore(home).get(again.digest) == b"Ref. 2026-0001"
    assert [step.index for step in letter.steps] == [NOT_SEALED]
    assert (letter.id, letter.digest, letter.hold) == (again.id, again.digest, again.hold)


def test_a_letter_holds_the_records_of_its_operator_once(home: Path) -> None:
    letters = enter_all(home, [new_letter(), new_letter("Anthropic"), new_letter()], at=TODAY)
    later = enter(home, new_letter("Nobody"), at=TODAY)
    free = enter(home, new_letter("Other"), "they agreed to wait", at=TODAY)
    assert [letter.hold for letter in letters] == ["letter-2026-0001", "letter-2026-0002", "letter-2026-0001"]
    assert held(home) == {
        "letter-2026-0001": ("OpenAI", 2),
        "letter-2026-0002": ("Anthropic", 1),
        "letter-2026-0004": ("Nobody", 0),
    }
    assert (later.hold, free.hold, free.no_hold) == ("letter-2026-0004", "", "they agreed to wait")
    assert [(one.hold, one.no_hold) for one in read_register(home).letters] == [
        ("letter-2026-0001", ""), ("letter-2026-0002", ""), ("letter-2026-0001", ""),
        ("letter-2026-0004", ""), ("", "they agreed to wait"),
    ]  # fmt: skip


def test_a_hold_of_that_operator_that_is_in_force_is_enough_and_one_of_a_request_is_not(home: Path) -> None:
    holds.begin(home, holds.Hold("acme", "OpenAI", "", TODAY))
    holds.begin(home, holds.Hold("one", "", "VB-1", TODAY))
    assert [one.hold for one in enter_all(home, [new_letter(), new_letter("Anthropic")], at=TODAY)] == [
        "acme", "letter-2026-0002",
    ]  # fmt: skip


def test_what_a_command_that_died_left_behind_is_in_nobodys_way(home: Path) -> None:
    holds.begin(home, holds.Hold("letter-2026-0001", "Anthropic", "", TODAY))
    assert enter(home, new_letter(), at=TODAY).hold == "letter-2026-0001-2"
    assert enter(home, new_letter("Anthropic"), at=TODAY).hold == "letter-2026-0001"


def test_numbers_run_within_the_year_of_the_letter(home: Path) -> None:
    ids = [one.id for one in enter_all(home, [
        new_letter(date=date, due=None) for date in ("2026-11-20", "2025-01-02", "2026-11-21", "2025-01-01")
    ], "test", at=TODAY)]  # fmt: skip
    assert ids == ["2026-0001", "2025-0001", "2026-0002", "2025-0002"]
    assert enter(home, new_letter(), "test", at=TODAY).id == "2026-0003"


def test_a_number_that_any_record_names_is_not_given_again(tmp_path: Path) -> None:
    sent: dict[str, object] = {"step": "sent", "letter": "2026-0041", "number": 1, "date": "2026-11-24"}
    home = evidence_with(tmp_path / "evidence", [Draft("notice", "", TODAY, sent)])
    assert enter(home, new_letter(), at=TODAY).id == "2026-0042"


def test_two_processes_that_enter_at_once_give_different_numbers(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from register_support import TODAY, new_letter\n"
        "from vorbehalt.claims.register_entry import enter\n"
        "sys.stdin.read(1)\n"
        "for _ in range(4): print(enter(Path(sys.argv[1]), new_letter(sys.argv[2]), at=TODAY).id)\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(home), operator],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(Path(__file__).parents[1])},
        )
        for operator in ("OpenAI", "Anthropic")
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    given = [line for process in running for line in process.communicate(timeout=60)[0].split()]
    expected = [f"2026-{number:04d}" for number in range(1, 9)]
    assert sorted(given) == expected
    register = read_register(home)
    assert [one.id for one in register.letters] == expected
    assert register.strays == ()
    assert sorted(held(home).values()) == [("Anthropic", 1), ("OpenAI", 2)]
    assert verify(home).ok


def test_letters_of_a_log_that_is_sealed_elsewhere_are_there_at_once(tmp_path: Path) -> None:
    key = tmp_path / "elsewhere" / "log.key"
    key.parent.mkdir()
    home = evidence_with(tmp_path / "evidence", key=key)
    seal_once(home, key=key)
    assert enter(home, new_letter(), at=TODAY).id == "2026-0001"
    assert enter(home, new_letter(), at=TODAY).id == "2026-0002"
    take_step(home, "2026-0001", NewStep("sent", "2026-11-24", "post"), at=TODAY)
    waiting = read_register(home)
    assert [(one.id, one.state, {step.index for step in one.steps}) for one in waiting.letters] == [
        ("2026-0001", "sent", {NOT_SEALED}), ("2026-0002", "written", {NOT_SEALED}),
    ]  # fmt: skip
    assert read_register(home, waiting.size).letters == ()
    seal_once(home, key=key)
    sealed = read_register(home)
    assert [(one.id, one.state) for one in sealed.letters] == [
        ("2026-0001", "sent"),
        ("2026-0002", "written"),
    ]
    assert all(step.index >= 0 for one in sealed.letters for step in one.steps)
    assert sealed.strays == ()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"operator": " "}, "the operator must be one line"),
        ({"approved_by": ""}, "who approved the letter must be one line"),
        ({"approved_by": "Jane\nCounsel"}, "who approved the letter must be one line"),
        ({"to": "x" * 201}, "the party addressed must be one line of at most 200 characters"),
        ({"kind": "Inquiry!"}, "a letter's kind is a word"),
        ({"language": ""}, "a letter's language is a word"),
        ({"date": "20.11.2026"}, "the day of a letter is written as"),
        ({"due": "2026-11-19"}, "the deadline is a day like 2026-11-23, not before"),
        ({"due": "soon"}, "the deadline is a day"),
        ({"about": "2026-0007"}, "there is no letter 2026-0007 to OpenAI to remind of"),
        ({"text": b""}, "a letter without text cannot be entered"),
    ],
)
def test_a_letter_that_cannot_be_entered_leaves_the_others_out_as_well(
    home: Path, changed: dict[str, Any], why: str
) -> None:
    size = verify(home).size
    wrong = new_letter(**{"operator": "OpenAI", **changed})
    with pytest.raises(ClaimError, match=why):
        enter_all(home, [new_letter("Other"), wrong], at=TODAY)
    assert (verify(home).size, read_register(home).letters, holds.holds(home)) == (size, (), [])


def test_no_reason_for_no_hold_is_none(home: Path) -> None:
    with pytest.raises(ClaimError, match="the reason for no hold must be one line"):
        enter(home, new_letter(), "", at=TODAY)


def test_a_reminder_is_about_a_letter_to_the_same_operator(home: Path) -> None:
    enter_all(home, [new_letter(), new_letter("Other")], at=TODAY)
    assert enter(home, new_letter(kind="reminder", about="2026-0001"), at=TODAY).about == "2026-0001"
    with pytest.raises(ClaimError, match="there is no letter 2026-0001 to Other to remind of"):
        enter(home, new_letter("Other", about="2026-0001"), at=TODAY)


@pytest.mark.parametrize(
    ("before", "step", "why"),
    [
        ([], ("delivered", "2026-11-24"), "it has not been sent, so it cannot be delivered"),
        ([], ("answered", "2026-11-24"), "it has not been sent, so it cannot be answered"),
        ([], ("reminded", "2026-11-24"), "it has not been sent, so it cannot be reminded of"),
        ([], ("closed", "2026-11-24"), "it has not been sent, so it cannot be closed"),
        ([], ("sent", "2026-11-19"), "it bears the day 2026-11-20, so it was not sent on 2026-11-19"),
        ([], ("sent", "2026-11-27"), "2026-11-27 is in the future"),
        ([], ("sent", "2026-W47-1"), "the day is written as 2026-11-23"),
        ([], ("written", "2026-11-24"), "there is no step written after it was written"),
        (["sent"], ("delivered", "2026-11-23"), "it was sent on 2026-11-24, so it was not delivered on"),
        (["sent"], ("answered", "2026-11-23"), "it was sent on 2026-11-24, so it was not answered on"),
        (["sent", "withdrawn"], ("answered", "2026-11-25"), "it was withdrawn, so it cannot be answered"),
        (["withdrawn"], ("sent", "2026-11-25"), "it was withdrawn, so it cannot be sent"),
        (["sent", "closed"], ("withdrawn", "2026-11-25"), "it is closed, so it cannot be withdrawn"),
        (["sent", "closed"], ("sent", "2026-11-25"), "it is closed, so it cannot be sent"),
    ],
)
def test_a_step_out_of_order_is_refused_and_not_recorded(
    home: Path, before: list[str], step: tuple[str, str], why: str
) -> None:
    enter(home, new_letter(), at=TODAY)
    for name in before:
        take_step(home, "2026-0001", NewStep(name, "2026-11-24"), at=TODAY)
    size = verify(home).size
    with pytest.raises(ClaimError, match=f"letter 2026-0001: {why}"):
        take_step(home, "2026-0001", NewStep(*step), at=TODAY)
    assert verify(home).size == size


@pytest.mark.parametrize("name", ["delivered", "answered"])
def test_what_comes_in_late_is_recorded_and_opens_nothing(home: Path, name: str) -> None:
    enter(home, new_letter(), "test", at=TODAY)
    for before in ("sent", "closed"):
        take_step(home, "2026-0001", NewStep(before, "2026-11-24"), at=TODAY)
    letter = take_step(home, "2026-0001", NewStep(name, "2026-11-25"), at=TODAY)
    assert (letter.steps[-1].name, letter.state, letter.is_open) == (name, "closed", False)


def test_a_step_on_the_very_day_is_taken(home: Path) -> None:
    enter(home, new_letter(date="2026-11-26", due="2026-11-26"), at=TODAY)
    for name in ("sent", "delivered", "answered", "reminded", "closed"):
        due = "2026-11-26" if name == "reminded" else ""
        letter = take_step(home, "2026-0001", NewStep(name, "2026-11-26", due=due), at=TODAY)
    assert [step.name for step in letter.steps] == [
        "written", "sent", "delivered", "answered", "reminded", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize("due", ["2026-11-23", "soon"])
def test_a_new_deadline_comes_with_a_reminder_and_lies_ahead_of_it(home: Path, due: str) -> None:
    enter(home, new_letter(), at=TODAY)
    take_step(home, "2026-0001", NewStep("sent", "2026-11-24"), at=TODAY)
    for name, day in (("reminded", due), ("answered", "2026-12-24")):
        with pytest.raises(ClaimError, match="a new deadline is a day like 2026-11-23, set with a reminder"):
            take_step(home, "2026-0001", NewStep(name, "2026-11-24", due=day), at=TODAY)
    letter = take_step(home, "2026-0001", NewStep("reminded", "2026-11-24", due="2026-12-24"), at=TODAY)
    assert (letter.due, read_register(home).letters[0].due) == ("2026-12-24", "2026-12-24")


def test_an_unknown_letter_and_a_note_of_several_lines_are_refused(home: Path) -> None:
    with pytest.raises(ClaimError, match="there is no letter 2026-0001 in the register"):
        take_step(home, "2026-0001", NewStep("sent", "2026-11-24"), at=TODAY)
    enter(home, new_letter(), at=TODAY)
    for note in ("two\nlines", "x" * 801):
        with pytest.raises(ClaimError, match="what is said of a step must be one line of at most 800"):
            take_step(home, "2026-0001", NewStep("sent", "2026-11-24", note), at=TODAY)
    longest = NewStep("sent", "2026-11-24", "\U0001f4ee" * 800, who="\U0001f4ee" * 200)
    take_step(home, "2026-0001", longest, at=TODAY)
    assert read_register(home).letters[0].steps[1].note == longest.note


def test_a_file_stands_in_the_log_by_its_digest_and_lies_there_only_if_asked(home: Path) -> None:
    enter(home, new_letter(), at=TODAY)
    proof, answer = b"signed for by J. Doe", b"We deny everything."
    sent = NewStep("sent", "2026-11-24", "post", sha256(proof).hexdigest())
    take_step(home, "2026-0001", sent, at=TODAY)
    take_step(home, "2026-0001", NewStep("answered", "2026-11-25", "denial"), at=TODAY, keep=answer)
    (letter,) = read_register(home).letters
    assert [step.digest for step in letter.steps[1:]] == [
        ObjectStore.digest(proof),
        ObjectStore.digest(answer),
    ]
    assert ObjectStore(home).get(letter.steps[2].digest) == answer
    with pytest.raises(EvidenceError):
        ObjectStore(home).get(letter.steps[1].digest)
    done = subprocess.run([sys.executable, home / "verify.py", home], capture_output=True, check=False)
    assert (verify(home).ok, done.returncode) == (True, 0)
    ObjectStore(home).path(letter.digest).write_bytes(b"We reserve nothing.")
    done = subprocess.run([sys.executable, home / "verify.py", home], capture_output=True, check=False)
    assert (verify(home).ok, done.returncode) == (False, 1)


def test_700_letters_are_entered_in_far_less_than_a_minute(home: Path) -> None:
    began = time.monotonic()
    letters = enter_all(home, [new_letter(f"Operator {number}") for number in range(700)], at=TODAY)
    assert time.monotonic() - began < 30
    assert letters[-1].id == "2026-0700"
    assert len(read_register(home).letters) == len(held(home)) == 700


def test_where_there_is_no_log_there_is_no_register(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for do in (
        lambda: read_register(tmp_path / "empty"),
        lambda: enter(tmp_path / "empty", new_letter(), at=1),
    ):
        with pytest.raises(EvidenceError, match="empty: not a readable evidence directory"):
            do()
    assert list((tmp_path / "empty").iterdir()) == []
