"""Every error this package raises on purpose; none of them ever reaches a visitor's request."""

from __future__ import annotations

from dataclasses import dataclass


class VorbehaltError(Exception):
    """Base of all errors raised on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration or a rules file, with the place.

    `id` is stable (`V001` ...), `key` is the dotted configuration key, `line` is 1-based (0 = unknown).
    """

    file: str
    line: int
    key: str
    id: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.id} {self.message}"


class ConfigError(VorbehaltError):
    """The configuration cannot be used; `problems` holds all of them at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class RulesError(VorbehaltError):
    """A rules document (knowledge as data) is malformed."""


class StoreError(VorbehaltError):
    """Shared counters could not be read or written."""


class ClaimError(VorbehaltError):
    """A letter or a step of one cannot be entered as asked."""


class EvidenceError(VorbehaltError):
    """The evidence directory cannot be used."""


class TamperError(EvidenceError):
    """Evidence does not hold: something was changed, cut or added."""


class PlatformError(VorbehaltError):
    """This platform lacks something that the evidence log needs."""
