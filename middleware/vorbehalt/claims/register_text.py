"""The register as JSON and as sentences, and what an operator did after it was given notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED, Ledger, Progress, Query
from vorbehalt.claims.ledger_rows import told
from vorbehalt.claims.ledger_text import moment
from vorbehalt.claims.ledgers import read_ledgers
from vorbehalt.claims.register import (
    ANSWERED,
    DELIVERED,
    SENT,
    Letter,
    Register,
    after_text,
)
from vorbehalt.claims.register_rules import next_sentence
from vorbehalt.facts import Standing

_COUNTS = ("requested", "refused", "delivered", "whole", "part", "bytes")
_GROUPS = (("attributed", ATTRIBUTED), ("described", DESCRIBED), ("impostors", (Standing.CONTRADICTED,)))


@dataclass(frozen=True, slots=True)
class Later:
    """What an operator did after notice. Standings are never added up; impostors are not the operator's."""

    letter: Letter
    ledger: Ledger

    def counts(self, *standings: Standing) -> dict[str, int]:
        """Return sums over requests of some standings."""
        whole = told(self.ledger.total(*standings))
        return {name: whole[name] for name in _COUNTS}

    def rolled_up(self, *standings: Standing) -> dict[str, int]:
        """Return visits that left no record of their own; whether a work was delivered is not known."""
        lines = [line.counts for line in self.ledger.rollups.lines() if line.standing in standings]
        return {name: sum(counts[name] for counts in lines) for name in ("requested", "refused")}

    def as_json(self) -> dict[str, object]:
        """Return the public form."""
        return {
            "operator": self.letter.operator,
            "letter": self.letter.id,
            "since": moment(self.letter.sent_at() or 0),
            **{name: {**self.counts(*standings), "rollups": self.rolled_up(*standings)}
               for name, standings in _GROUPS},
        }  # fmt: skip

    def sentence(self) -> str:
        """Return what came, one line; the three groups apart."""
        operator = self.letter.operator
        parts = [
            _group(f"from {operator} (signed or verified)", *self._both(ATTRIBUTED)),
            _group(f"described itself as {operator} (not established)", *self._both(DESCRIBED)),
        ]
        return f"{after_text(self.letter)}: {'; '.join(parts)}"

    def _both(self, standings: tuple[Standing, ...]) -> tuple[dict[str, int], dict[str, int]]:
        return self.counts(*standings), self.rolled_up(*standings)


def read_later(
    directory: Path,
    register: Register,
    tokens: Mapping[str, frozenset[str]],
    operators: Sequence[str],
    progress: Progress | None = None,
) -> list[Later]:
    """Count what came of each operator after notice, in the records that the register was read from.

    `tokens` are the product tokens of each operator, for the rollups of impostors. Operators without notice
    are left out. Raises EvidenceError.
    """
    letters = [letter for name in operators if (letter := register.first_letter(name)) is not None]
    queries = [
        Query(one.operator, one.sent_at(), None, tokens.get(one.operator, frozenset())) for one in letters
    ]
    counted = read_ledgers(directory, queries, register.size, progress)
    return [Later(letter, ledger) for letter, ledger in zip(letters, counted, strict=True)]


def letter_json(letter: Letter, today: str) -> dict[str, object]:
    """Return the public form of a letter."""
    answer = letter.last(ANSWERED)
    return {
        "id": letter.id, "operator": letter.operator, "to": letter.to or None, "kind": letter.kind,
        "language": letter.language, "date": letter.date, "approved_by": letter.approved_by,
        "about": letter.about or None, "digest": letter.digest, "state": letter.state, "open": letter.is_open,
        "due": letter.due, "days_overdue": letter.days_overdue(today),
        "sent": _day(letter, SENT), "delivered": _day(letter, DELIVERED), "answered": _day(letter, ANSWERED),
        "answer": answer.note if answer is not None else None,
        "after_notice_since": moment(letter.sent_at() or 0) if letter.gives_notice else None,
        "hold": letter.hold or None, "no_hold": letter.no_hold or None,
        "next": next_sentence(letter, today),
        "steps": [
            {"name": step.name, "at": moment(step.at), "date": step.date, "note": step.note or None,
             "digest": step.digest or None, "due": step.due or None, "who": step.who or None,
             "index": step.index if step.index >= 0 else None}
            for step in letter.steps
        ],
    }  # fmt: skip


def row(letter: Letter, today: str) -> tuple[str, ...]:
    """Return a letter as cells: id, operator, kind, state, when due, what came back, what next."""
    overdue = letter.days_overdue(today)
    due = (letter.due or "none set") + (f", {overdue} days overdue" if overdue else "")
    answer = letter.last(ANSWERED)
    came = f"{answer.date}: {answer.note}" if answer is not None else "no answer"
    state = letter.last(letter.state)
    since = f"{letter.state} {state.date}" if state is not None else letter.state
    return letter.id, letter.operator, letter.kind, since, due, came, next_sentence(letter, today)


TITLES = ("letter", "operator", "kind", "state", "due", "answer", "next")


def sentences(register: Register) -> Iterator[str]:
    """Yield what must be said of the register itself."""
    waiting = sum(step.index < 0 for letter in register.letters for step in letter.steps)
    if waiting:
        yield f"{waiting} steps are recorded, but not sealed yet"
    yield from register.strays


def _day(letter: Letter, name: str) -> str | None:
    days = [step.date for step in letter.steps if step.name == name]
    return (min(days) if name == SENT else days[-1]) if days else None


def _group(words: str, counts: Mapping[str, int], rolled: Mapping[str, int]) -> str:
    more = f", and {rolled['requested']} counted without records" if rolled["requested"] else ""
    delivered = f"{counts['delivered']} delivered ({counts['whole']} whole, {counts['part']} in part)"
    return f"{words} {counts['requested']} requested, {counts['refused']} refused, {delivered}{more}"
