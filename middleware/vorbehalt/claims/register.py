"""The register of letters: what was written to whom, when it went out, what came back. Read from the log.

Every step of a letter is a record of type `notice`. Steps bear a number within their letter, so that their
order does not depend on which writer was sealed first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.scan import scan_log, unsealed_leaves
from vorbehalt.evidence.receipt import RecordType
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.facts import Standing

NOTICE: Final[RecordType] = "notice"
WRITTEN, SENT, DELIVERED, ANSWERED, REMINDED, CLOSED, WITHDRAWN = STEPS = (
    "written", "sent", "delivered", "answered", "reminded", "closed", "withdrawn",
)  # fmt: skip
NOT_SEALED: Final = -1
"""Index of a step that is durable, but not in the log yet."""
OWN: Final = "own"
"""Kind of a letter that was written without us."""
GIVES_NO_NOTICE: Final = frozenset({"impostor-report"})
"""Kinds of letters that tell an operator of others: what it does later is not "after notice"."""

_ASKED: Final = ("request", "signal-served", "imported")
_DAY_NS = 86_400 * 10**9
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a letter.

    `at` is the time of its record (ns UTC), `date` the day on which it happened, as whoever entered it said.
    `digest` is the SHA-256 hex of a file that belongs to it (text, proof of delivery, answer), `note` what
    was said of it: channel, summary, reason. `due` is a deadline that the step sets. `index` is that of the
    record in the log, `NOT_SEALED` while it waits.
    """

    name: str
    at: int
    date: str
    note: str = ""
    digest: str = ""
    index: int = NOT_SEALED
    due: str = ""
    number: int = 0
    who: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as its steps left it. Days are written YYYY-MM-DD and are days in UTC.

    `operator` is the name as records bear it, `to` the party addressed, `about` the id of the letter that
    this one reminds of; `due` the last deadline set. `hold` is the matter that holds the operator's records
    for it, or `no_hold` says why there is none.
    """

    id: str
    operator: str
    kind: str
    language: str
    date: str
    due: str | None
    digest: str
    approved_by: str
    steps: tuple[Step, ...]
    to: str = ""
    about: str = ""
    hold: str = ""
    no_hold: str = ""

    def first(self, name: str) -> Step | None:
        """Return the first step of this name."""
        return next((step for step in self.steps if step.name == name), None)

    def last(self, *names: str) -> Step | None:
        """Return the last step of one of these names."""
        return next((step for step in reversed(self.steps) if step.name in names), None)

    @property
    def is_open(self) -> bool:
        """True until it was closed or withdrawn."""
        return self.last(CLOSED, WITHDRAWN) is None

    @property
    def state(self) -> str:
        """The step that says how matters stand; a late proof of delivery does not undo an answer."""
        if (end := self.last(WITHDRAWN) or self.last(CLOSED)) is not None:
            return end.name
        told = self.last(ANSWERED, REMINDED) or self.last(DELIVERED) or self.last(SENT)
        return told.name if told is not None else WRITTEN

    @property
    def awaits_answer(self) -> bool:
        """True if it is open, went out, and nothing came since, or since the last reminder."""
        return self.state in (SENT, DELIVERED, REMINDED)

    def days_overdue(self, today: str) -> int:
        """Return by how many days the deadline has passed without an answer; 0 if it has not."""
        if self.due is None or not self.awaits_answer:
            return 0
        return max(0, (date.fromisoformat(today) - date.fromisoformat(self.due)).days)

    def sent_at(self) -> int | None:
        """Return from when on (ns UTC) traffic is later than the letter; None while it has not gone out.

        A day is all that was said, so it is the end of that day; the time of the record if that is earlier.
        """
        sent = [min(end_of(step.date), step.at) for step in self.steps if step.name == SENT]
        return min(sent) if sent else None

    @property
    def notice_day(self) -> str:
        """The day on which it first went out, as was said; that of the letter while it has not."""
        return min((step.date for step in self.steps if step.name == SENT), default=self.date)

    @property
    def gives_notice(self) -> bool:
        """True if what the operator does later is "after notice"."""
        return self.kind not in GIVES_NO_NOTICE and self.sent_at() is not None and self.state != WITHDRAWN


@dataclass(frozen=True)
class Register:
    """All letters by id. `strays` are sentences about records that fit no letter; they count for nothing.

    `named` are the ids that any record names: none of them is given again.
    """

    letters: tuple[Letter, ...]
    size: int = 0
    strays: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()

    def letter(self, id: str) -> Letter | None:
        """Return a letter by its id."""
        return next((letter for letter in self.letters if letter.id == id), None)

    def first_letter(self, operator: str) -> Letter | None:
        """Return the letter that first gave notice; withdrawn ones and impostor reports give none."""
        return self._first.get(operator)

    def first_notice(self, operator: str) -> int | None:
        """Return from when on (ns UTC) traffic of an operator is after notice."""
        letter = self.first_letter(operator)
        return None if letter is None else letter.sent_at()

    @cached_property
    def _first(self) -> dict[str, Letter]:
        first: dict[str, Letter] = {}
        for letter in sorted(self.letters, key=lambda one: (one.sent_at() or 0, one.id)):
            if letter.gives_notice:
                first.setdefault(letter.operator, letter)
        return first


def after_notice(register: Register, operator: str, at: int) -> Letter | None:
    """Return the first letter that an operator had been sent at a time (ns UTC); None: no notice by then."""
    letter = register.first_letter(operator)
    return letter if letter is not None and (letter.sent_at() or 0) <= at else None


def notice_before(register: Register, leaf: Mapping[str, object]) -> Letter | None:
    """Return the letter that the operator of a request had been sent before it, by the record's own claim.

    Only requests are marked: what ends later may have been asked before. A contradicted claim is not the
    operator's, so nothing of it came after notice. A line of an access log counts by the time that it says.
    """
    seen = seen_of(leaf)
    claim = seen.get("claim")
    if leaf["type"] not in _ASKED or not isinstance(claim, dict):
        return None
    if claim.get("standing") == Standing.CONTRADICTED.value:
        return None
    at = seen.get("logged_at") or leaf["at"]
    return after_notice(register, str(claim.get("operator")), int(str(at)))


def after_text(letter: Letter) -> str:
    """Return the mark of what came after a letter."""
    return f"after notice of {letter.notice_day} (letter {letter.id})"


def end_of(day: str) -> int:
    """Return the end of a day (UTC) in nanoseconds."""
    return ((date.fromisoformat(day) - _EPOCH).days + 1) * _DAY_NS


def day_of(at: int) -> str:
    """Return the day (UTC) of nanoseconds."""
    return datetime.fromtimestamp(at // 10**9, UTC).date().isoformat()


def read_register(directory: Path, size: int | None = None) -> Register:
    """Read the letters of an evidence directory: of its first `size` records, None: of all that is durable.

    Raises EvidenceError if the log cannot be read, or is shorter. Verifies nothing but the checkpoint's
    signature: `evidence verify` does.
    """
    # Before the log: what is sealed meanwhile would be in neither.
    waiting = unsealed_leaves(directory, (NOTICE,)) if size is None else []
    scan = scan_log(directory, (NOTICE,))
    if size is not None and size > scan.size:
        raise EvidenceError(f"the log holds {scan.size} records, not {size}")
    wanted = scan.size if size is None else size
    found = {(leaf["w"], leaf["s"]): (NOT_SEALED, leaf) for leaf in waiting}
    found.update({(leaf["w"], leaf["s"]): (index, leaf) for index, leaf in scan.found if index < wanted})
    return replace(register_of(found.values()), size=wanted)


def register_of(records: Iterable[tuple[int, Mapping[str, object]]]) -> Register:
    """Build the register from records of type `notice` with their index, in any order. Never raises."""
    by_letter: dict[str, list[tuple[Step, Mapping[str, object]]]] = {}
    strays: list[str] = []
    for index, leaf in records:
        seen = seen_of(leaf)
        if (step := _step(index, leaf, seen)) is None:
            strays.append(f"record {index} is no step of a letter")
        else:
            by_letter.setdefault(str(seen["letter"]), []).append((step, seen))
    letters = []
    for id, told in by_letter.items():
        told.sort(key=lambda one: (one[0].number, one[0].at, one[0].index))
        first, said = told[0]
        steps: list[Step] = []
        for step, _ in told if first.name == WRITTEN else ():
            if step.number != len(steps):
                strays.append(f"record {step.index} is no next step of letter {id}")
                continue
            steps.append(step)
        if steps:
            letters.append(_letter(id, said, tuple(steps)))
        else:
            strays.append(f"the record that letter {id} was written is not here; {len(told)} others name it")
    letters.sort(key=lambda one: one.id)
    return Register(tuple(letters), strays=tuple(sorted(strays)), named=frozenset(by_letter))


def _step(index: int, leaf: Mapping[str, object], seen: Mapping[str, object]) -> Step | None:
    name, number = seen.get("step"), seen.get("number")
    texts = {key: str(seen.get(key) or "") for key in ("note", "digest", "due", "date", "who")}
    if name not in STEPS or type(number) is not int or not seen.get("letter") or not is_day(texts["date"]):
        return None
    if texts["due"] and not is_day(texts["due"]):
        return None
    # What a log took over from the one before it happened when that one says so.
    before = seen.get("from")
    at = str(before.get("at") if isinstance(before, Mapping) else leaf["at"])
    return Step(str(name), int(at), index=index, number=number, **texts) if at.isdecimal() else None


def _letter(id: str, seen: Mapping[str, object], steps: tuple[Step, ...]) -> Letter:
    due = next((step.due for step in reversed(steps) if step.due), None)
    names = ("operator", "kind", "language", "approved_by", "to", "about", "hold", "no_hold")
    said = {name: str(seen.get(name) or "") for name in names}
    return Letter(id=id, date=steps[0].date, due=due, digest=steps[0].digest, steps=steps, **said)


def is_day(text: str) -> bool:
    """True for a day as it stands in a record: YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
