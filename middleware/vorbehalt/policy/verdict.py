"""The verdict on one request: what policy says, what is done, and why."""

from __future__ import annotations

from dataclasses import dataclass

from vorbehalt.facts import Action, Finding, Purpose
from vorbehalt.identify.identity import Identity
from vorbehalt.patterns.definition import Level


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a quota had left when this request was charged to it (GCRA).

    `admitted` False means beyond the quota. Seconds are rounded up. `key` is never shown to clients.
    """

    admitted: bool
    limit: int
    remaining: int
    period_seconds: int
    retry_after_seconds: int
    reset_seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision. `would` is what policy says, `action` what is done; in observe mode they differ.

    `reasons` are stable kebab-case codes, most important first. `rule` is the name of the rule that decided.
    `section` names the reservation section of the path, `reservation` the digest of the signals in force.
    """

    action: Action
    would: Action
    enforced: bool
    rule: str
    reasons: tuple[str, ...]
    identity: Identity | None = None
    findings: tuple[Finding, ...] = ()
    score: int = 0
    level: Level = "observe"
    section: str = ""
    reservation: str = ""
    work: str | None = None
    permission: str = "none"
    allowance: Allowance | None = None

    @property
    def purpose(self) -> Purpose | None:
        return self.identity.purpose if self.identity else None

    @property
    def is_refusal(self) -> bool:
        """True if the visitor does not get what was asked for."""
        return self.action is not Action.ALLOW

    def as_json(self) -> dict[str, object]:
        """The public form that `explain --json` prints (keys are a contract)."""
        identity = self.identity
        return {
            "action": self.action.value,
            "would": self.would.value,
            "enforced": self.enforced,
            "rule": self.rule,
            "reasons": list(self.reasons),
            "identity": None
            if identity is None
            else {
                "token": identity.token,
                "operator": identity.operator,
                "purpose": identity.purpose.value,
                "standing": identity.standing.value,
                "how": identity.how,
            },
            "findings": [
                {"id": f.id, "weight": f.weight, "observed": f.observed, "expected": f.expected}
                for f in self.findings
            ],
            "score": self.score,
            "reservation": {"section": self.section, "digest": self.reservation},
            "work": self.work,
        }
