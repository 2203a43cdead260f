"""One check and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """`id` is stable; `remedy` says what to do, empty where nothing is to be done."""

    id: str
    severity: Severity
    message: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the public form."""
        return {
            "id": self.id,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
        }


def ok(id: str, message: str) -> Check:
    return Check(id, "ok", message)


def warning(id: str, message: str, remedy: str) -> Check:
    return Check(id, "warning", message, remedy)


def error(id: str, message: str, remedy: str) -> Check:
    return Check(id, "error", message, remedy)
