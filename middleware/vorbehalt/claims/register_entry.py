"""Entering letters into the register, and the steps that follow: by one process at a time, checked first.

Whoever runs as root becomes the owner of the evidence directory first: the server must be able to read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from vorbehalt.claims.register import (
    NOT_SEALED,
    NOTICE,
    WRITTEN,
    Letter,
    Register,
    Step,
    is_day,
    read_register,
    register_of,
)
from vorbehalt.claims.register_rules import NewStep, refusal
from vorbehalt.errors import ClaimError
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.recording import keep_all, recording
from vorbehalt.evidence.vault import holds

LOCK: Final = "notices.lock"
MAX_NAME: Final = 200
MAX_NOTE: Final = 800
_WORD = re.compile(r"[a-z][a-z0-9-]{0,63}")
_LAST = 9_999


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A letter before it has a number. Days are YYYY-MM-DD; the others as in `Letter`.

    `text` are the bytes of the letter, or what makes them of its id: the letter can then bear its number.
    """

    operator: str
    kind: str
    language: str
    date: str
    due: str | None
    approved_by: str
    text: bytes | Callable[[str], bytes]
    to: str = ""
    about: str = ""


def enter(directory: Path, letter: NewLetter, no_hold: str | None = None, *, at: int) -> Letter:
    """Enter one letter; see `enter_all`."""
    return enter_all(directory, [letter], no_hold, at=at)[0]


def enter_all(
    directory: Path, letters: Sequence[NewLetter], no_hold: str | None = None, *, at: int
) -> list[Letter]:
    """Give each letter the next number of its year, keep its text, and record it as written.

    The records of each operator are held for it, under a matter named after the letter, unless a hold of that
    operator is in force or `no_hold` says why not. `at` is now (ns UTC). All are checked before any is
    entered: ClaimError names what is wrong. Raises EvidenceError or OSError if the disk fails; what was
    entered by then stands in the register. Steps that are returned do not know their index yet.
    """
    if no_hold is not None:
        _checked("the reason for no hold", no_hold, MAX_NAME)
    for letter in letters:
        _check(letter)
    with _desk(directory) as register:
        for letter in letters:
            if letter.about and (
                (first := register.letter(letter.about)) is None or first.operator != letter.operator
            ):
                raise ClaimError(f"there is no letter {letter.about} to {letter.operator} to remind of")
        numbers = {year: _numbers(register, year) for year in {letter.date[:4] for letter in letters}}
        ids = [next(numbers[letter.date[:4]]) for letter in letters]
        texts = [letter.text if isinstance(letter.text, bytes) else letter.text(id)
                 for id, letter in zip(ids, letters, strict=True)]  # fmt: skip
        if not all(texts):
            raise ClaimError("a letter without text cannot be entered")
        with recording(directory, "notice") as evidence:
            digests = [evidence.put_object(text) for text in texts]
            held: dict[str, str] = {}
            if no_hold is None:
                held, drafts = _hold(directory, ids, letters, at)
                keep_all(evidence, drafts)
            said = [
                _written(id, letter, digest, held.get(letter.operator, ""), no_hold or "")
                for id, letter, digest in zip(ids, letters, digests, strict=True)
            ]
            keep_all(evidence, [Draft(NOTICE, "", at, seen) for seen in said])
    entered = register_of((NOT_SEALED, {"at": str(at), "seen": seen}) for seen in said)
    by_id = {letter.id: letter for letter in entered.letters}
    return [by_id[id] for id in ids]


def take_step(directory: Path, id: str, step: NewStep, *, at: int, keep: bytes | None = None) -> Letter:
    """Record what happened to a letter; returns it as it then stands.

    `at` is now (ns UTC). `keep` is a file that is kept with the log; else only `step.digest` stands in the
    record. Raises ClaimError if there is no such letter, or if the step does not fit the ones before.
    """
    if step.note:
        _checked("what is said of a step", step.note, MAX_NOTE)
    with _desk(directory) as register:
        letter = register.letter(id)
        if letter is None:
            raise ClaimError(f"there is no letter {id} in the register")
        if why := refusal(letter, step, at):
            raise ClaimError(f"letter {id}: {why}")
        digest = step.digest if keep is None else ObjectStore.digest(keep)
        seen: dict[str, object] = {
            "step": step.name, "letter": id, "number": len(letter.steps), "operator": letter.operator,
            "date": step.date, "note": step.note, "digest": digest, "due": step.due,
            "who": step.who,
        }  # fmt: skip
        with recording(directory, "notice") as evidence:
            if keep is not None:
                seen["objects"] = [evidence.put_object(keep)]
            keep_all(evidence, [Draft(NOTICE, "", at, seen)])
    taken = Step(
        step.name, at, step.date, step.note, digest, NOT_SEALED, step.due, len(letter.steps), step.who
    )
    return replace(letter, steps=(*letter.steps, taken), due=step.due or letter.due)


@contextmanager
def _desk(directory: Path) -> Iterator[Register]:
    """Give the register to one process at a time: no number is given twice, no step taken on an old state."""
    open_log(directory)
    with locked(directory / "run" / LOCK):
        yield read_register(directory)


def _numbers(register: Register, year: str) -> Iterator[str]:
    taken = [int(id[5:]) for id in register.named if id.startswith(f"{year}-") and id[5:].isdecimal()]
    for number in count(max(taken, default=0) + 1):
        if number > _LAST:
            raise ClaimError(f"the register of {year} is full: it numbers {_LAST} letters")
        yield f"{year}-{number:04d}"


def _hold(
    directory: Path, ids: Sequence[str], letters: Sequence[NewLetter], at: int
) -> tuple[dict[str, str], list[Draft]]:
    """Hold what no hold covers yet; returns the matter of each operator, and the records of the new ones."""
    with locked(directory / "run" / holds.LOCK):
        known = holds.holds(directory)
        matters = {hold.matter for hold in known}
        held = {hold.operator: hold.matter for hold in known if hold.operator}
        fresh: dict[str, tuple[holds.Hold, str, str]] = {}
        for id, letter in zip(ids, letters, strict=True):
            if letter.operator in held:
                continue
            # A command that died between hold and letter left the matter of a number that was never given.
            names = (f"letter-{id}", *(f"letter-{id}-{more}" for more in range(2, len(matters) + 3)))
            matter = next(name for name in names if name not in matters)
            held[letter.operator] = matter
            fresh[matter] = (holds.Hold(matter, letter.operator, "", at), letter.approved_by, id)
        counts = holds.begin_all(directory, [hold for hold, _, _ in fresh.values()]) if fresh else {}
    return held, [
        Draft("hold", "", at, {"event": "begin", "matter": matter, "scope": hold.scope, "who": who,
                               "openings": counts[matter], "why": f"letter {id}"})
        for matter, (hold, who, id) in fresh.items()
    ]  # fmt: skip


def _written(id: str, letter: NewLetter, digest: str, hold: str, no_hold: str) -> dict[str, object]:
    return {
        "step": WRITTEN, "letter": id, "number": 0, "operator": letter.operator, "kind": letter.kind,
        "language": letter.language, "date": letter.date, "due": letter.due or "", "digest": digest,
        "approved_by": letter.approved_by, "to": letter.to, "about": letter.about,
        "hold": hold, "no_hold": no_hold, "objects": [digest],
    }  # fmt: skip


def _check(letter: NewLetter) -> None:
    for what, text in (("the operator", letter.operator), ("who approved the letter", letter.approved_by)):
        _checked(what, text, MAX_NAME)
    for text in (letter.to, letter.about):
        if text:
            _checked("the party addressed", text, MAX_NAME)
    for what, text in (("kind", letter.kind), ("language", letter.language)):
        if not _WORD.fullmatch(text):
            raise ClaimError(f"a letter's {what} is a word of small letters, digits and hyphens")
    if not is_day(letter.date):
        raise ClaimError("the day of a letter is written as 2026-11-23")
    if letter.due is not None and (not is_day(letter.due) or letter.due < letter.date):
        raise ClaimError("the deadline is a day like 2026-11-23, not before that of the letter")


def _checked(what: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most or not text.isprintable():
        raise ClaimError(f"{what} must be one line of at most {most} characters, and not empty")
