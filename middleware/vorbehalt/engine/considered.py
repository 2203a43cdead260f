"""A visit halfway to its verdict: the rule is found, its quota is not charged yet."""

from __future__ import annotations

from dataclasses import dataclass

from vorbehalt.engine.plan import HostPlan
from vorbehalt.facts import Visit
from vorbehalt.policy.rules import Case, Rule


@dataclass(slots=True)
class Considered:
    """`key` is what the quota of the rule is counted under; None: there is none, or nobody can be charged."""

    visit: Visit
    plan: HostPlan
    case: Case
    rule: Rule
    key: str | None
