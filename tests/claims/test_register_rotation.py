"""Letters and what came after them are known in the log that follows, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from register_support import DAY, TODAY, evidence_with, leaf, new_letter, request
from vorbehalt.claims.register import Letter, after_notice, read_register, register_of
from vorbehalt.claims.register_entry import enter, take_step
from vorbehalt.claims.register_rules import NewStep
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.sealing.succession import succeed

LATER = TODAY + 40 * DAY


@pytest.fixture
def old(tmp_path: Path) -> Path:
    home = evidence_with(tmp_path / "old", request("r1", TODAY))
    first = enter(home, new_letter(), at=TODAY)
    take_step(home, first.id, NewStep("sent", "2026-11-24", "registered letter"), at=TODAY)
    enter(home, new_letter("Anthropic"), "counsel keeps them", at=TODAY)
    return home


def without_places(letter: Letter) -> Letter:
    return replace(letter, steps=tuple(replace(step, index=0) for step in letter.steps))


@pytest.mark.parametrize("why", ["rotation", "lost", "stolen"])
def test_the_register_of_the_new_log_is_that_of_the_old_one(tmp_path: Path, old: Path, why: Any) -> None:
    new = tmp_path / "new"
    if why != "rotation":
        # What waits when the key is gone comes along as well.
        (old / "keys" / "log.key").unlink()
        take_step(old, "2026-0002", NewStep("sent", "2026-11-25", "by post"), at=TODAY)
    succeed(old, new, "label.example/evidence/2027", why=why)
    before, after = read_register(old), read_register(new)

    assert len(after.letters) == 2
    assert [without_places(one) for one in after.letters] == [without_places(one) for one in before.letters]
    assert after.strays == ()
    assert after.first_notice("OpenAI") == before.first_notice("OpenAI") is not None
    assert after_notice(after, "OpenAI", LATER) is not None
    assert audit.verify(new).problems == ()


def test_numbers_and_steps_go_on_in_the_new_log_and_in_the_one_after_it(tmp_path: Path, old: Path) -> None:
    new, newest = tmp_path / "new", tmp_path / "newest"
    succeed(old, new, "label.example/evidence/2027")
    third = enter(new, new_letter("Google"), "none", at=LATER)
    take_step(new, "2026-0001", NewStep("answered", "2026-12-01", "they deny it"), at=LATER)
    succeed(new, newest, "label.example/evidence/2028")
    letters = read_register(newest).letters

    assert third.id == "2026-0003"
    assert [(one.id, one.state) for one in letters] == [
        ("2026-0001", "answered"), ("2026-0002", "written"), ("2026-0003", "written"),
    ]  # fmt: skip
    assert letters[0].sent_at() == read_register(old).letters[0].sent_at()


def test_a_copied_step_says_where_it_stands_and_names_no_text_that_is_not_here(
    tmp_path: Path, old: Path
) -> None:
    new = tmp_path / "new"
    succeed(old, new, "label.example/evidence/2027")
    there = {(one["w"], one["s"]): one for one in show(old) if one["type"] == "notice"}
    copies: list[Any] = [one["seen"] for one in show(new) if one["type"] == "notice"]

    assert len(copies) == len(there) == 3
    for copy in copies:
        place = copy.pop("from")
        original: Any = there[place["writer"], place["sequence"]]
        assert (place["origin"], place["at"]) == ("label.example/evidence", original["at"])
        assert copy == {key: value for key, value in original["seen"].items() if key != "objects"}
    assert not any(one.get("objects") for one in show(new) if one["type"] == "notice")


@pytest.mark.parametrize("before", [{}, {"at": "soon"}, {"at": -1}, {"at": None}])
def test_a_step_taken_over_from_no_time_is_a_stray(before: dict[str, object]) -> None:
    register = register_of([(0, leaf(step="written", letter="2026-0001", number=0, date="2026-11-20",
                                     **{"from": before}))])  # fmt: skip

    assert register.letters == ()
    assert register.strays
