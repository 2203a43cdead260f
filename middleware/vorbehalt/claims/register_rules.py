"""Which step may follow which, and what to do next with a letter. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vorbehalt.claims.register import (
    ANSWERED,
    CLOSED,
    DELIVERED,
    REMINDED,
    SENT,
    WITHDRAWN,
    WRITTEN,
    Letter,
    day_of,
    is_day,
)

_WORDS: Final = {
    SENT: "sent", DELIVERED: "delivered", ANSWERED: "answered", REMINDED: "reminded of", CLOSED: "closed",
    WITHDRAWN: "withdrawn",
}  # fmt: skip
_LATE: Final = (DELIVERED, ANSWERED)
"""What may still come in when a letter is closed; it stays closed."""


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be taken. `date` is the day on which it happened (YYYY-MM-DD, UTC); the rest as in `Step`."""

    name: str
    date: str
    note: str = ""
    digest: str = ""
    due: str = ""
    who: str = ""


def refusal(letter: Letter, step: NewStep, at: int) -> str:
    """Return why a step cannot be taken at a time (ns UTC); empty if it can.

    A letter that went out is sent again, delivered, answered, reminded of as often as that happens. Withdrawn
    it takes nothing more, closed only what comes in late.
    """
    if step.name not in _WORDS:
        return f"there is no step {step.name} after it was written"
    if not is_day(step.date):
        return "the day is written as 2026-11-23"
    if step.date > day_of(at):
        return f"{step.date} is in the future (days are days in UTC)"
    if (state := letter.state) == WITHDRAWN:
        return f"it was withdrawn, so it cannot be {_WORDS[step.name]}"
    if state == CLOSED and step.name not in _LATE:
        return f"it is closed, so it cannot be {_WORDS[step.name]}"
    sent = [one.date for one in letter.steps if one.name == SENT]
    if not sent and step.name not in (SENT, WITHDRAWN):
        return f"it has not been sent, so it cannot be {_WORDS[step.name]}"
    if step.name == SENT and step.date < letter.date:
        return f"it bears the day {letter.date}, so it was not sent on {step.date}"
    if step.name in (DELIVERED, ANSWERED, REMINDED, CLOSED) and step.date < min(sent):
        return f"it was sent on {min(sent)}, so it was not {_WORDS[step.name]} on {step.date}"
    if step.due and (step.name != REMINDED or not is_day(step.due) or step.due < step.date):
        return "a new deadline is a day like 2026-11-23, set with a reminder and not before it"
    return ""


def next_sentence(letter: Letter, today: str) -> str:
    """Return what to do next with a letter, in one plain sentence."""
    state = letter.state
    if state == CLOSED:
        return "Nothing: it is closed."
    if state == WITHDRAWN:
        return "Nothing: it was withdrawn."
    if state == WRITTEN:
        return f"Send it, then enter that: vorbehalt notice sent {letter.id}."
    if state == ANSWERED:
        return "Read the answer, then close the letter or write again."
    if letter.due is None:
        return "Wait for an answer; no deadline was set."
    if days := letter.days_overdue(today):
        what = "Take counsel, or close it" if state == REMINDED else "Remind of it"
        return f"{what}: the deadline passed {days} day{'s' * (days != 1)} ago without an answer."
    return f"Wait for an answer until {letter.due}."
