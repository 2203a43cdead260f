"""What a contract makes of a verdict: who may do what is reserved for everybody else."""

from __future__ import annotations

from dataclasses import replace

from vorbehalt.facts import Action, Standing
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import USE_OF_PURPOSE

_PROVEN = frozenset({Standing.SIGNED, Standing.VERIFIED})


def licensed(terms: Terms, verdict: Verdict, at: int) -> Verdict:
    """Answer what a contract permits at this time (nanoseconds UTC), and name its reference.

    A licence is its operator's own: nobody uses it by a name alone. Too many requests stay too many. The rule
    that decides is called by the licence, `licence:<reference>`.
    """
    identity = verdict.identity
    if not terms.permissions or identity is None or identity.standing not in _PROVEN:
        return verdict
    use = USE_OF_PURPOSE.get(identity.purpose)
    party = identity.crawler.party
    names = (party.id.lower(), party.name.lower()) if party.is_operator else ()
    for permission in terms.permissions:
        if permission.licensee.lower() in names and use and permission.holds(use, verdict.section, at):
            found = replace(verdict, permission=f"licence:{permission.reference}")
            if verdict.would is Action.ALLOW or verdict.action is Action.LIMIT:
                return found
            return replace(
                found,
                action=Action.ALLOW,
                would=Action.ALLOW,
                enforced=True,
                rule=found.permission,
                reasons=("licensed",),
            )
    return verdict
