"""What stands above the policy for a while: pauses of its enforcement, visitors who are spared. Pure.

A pause changes what is done, not what policy says: `would` stays. A spare is an allow rule for one visitor
who was refused: the same address (IPv6: the same /64) and the same claim. The address is not kept, only its
HMAC under a key that lies elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from vorbehalt.facts import Action, ClientAddress
from vorbehalt.identify.networks import limit_key
from vorbehalt.policy.verdict import Verdict

SPARE_PREFIX: Final = "spare:"


@dataclass(frozen=True, slots=True)
class Pause:
    """Times are nanoseconds UTC; `until` None: until it is ended. `rule` empty: all of the policy."""

    since: int
    until: int | None = None
    rule: str = ""
    reason: str = ""
    """A sentence of whoever paused; it stands in the evidence."""


@dataclass(frozen=True, slots=True)
class Spare:
    """One visitor let in until a time. `who` is `visitor_key` of its address, `token` its claim or empty."""

    ref: str
    since: int
    until: int
    who: str
    token: str = ""
    reason: str = ""

    @property
    def rule(self) -> str:
        """The name under which it stands in verdicts and records."""
        return f"{SPARE_PREFIX}{self.ref}"


def visitor_key(key: bytes, address: str) -> str:
    """Return the hex by which a visitor is recognised without its address: HMAC-SHA-256, IPv6 by /64."""
    return hmac.digest(key, f"vb-spare-v1\0{limit_key(address)}".encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Overrides:
    """All pauses and spares that were asked for; whether one holds depends on the time."""

    pauses: tuple[Pause, ...] = ()
    spares: tuple[Spare, ...] = ()

    def is_paused(self, at: int) -> bool:
        """True if nothing is enforced at a time (nanoseconds UTC): a pause of a rule alone does not count."""
        return any(not pause.rule and _holds(pause, at) for pause in self.pauses)

    def pauses_at(self, at: int) -> tuple[Pause, ...]:
        """Return the pauses that hold at a time."""
        return tuple(pause for pause in self.pauses if _holds(pause, at))

    def pause_of(self, rule: str, at: int) -> Pause | None:
        """Return a pause that holds for this rule at a time."""
        return next((p for p in self.pauses if p.rule in ("", rule) and _holds(p, at)), None)

    def spares_at(self, at: int) -> tuple[Spare, ...]:
        """Return the spares that hold at a time."""
        return tuple(spare for spare in self.spares if _holds(spare, at))

    def paused(self, pause: Pause) -> Overrides:
        """Return these with a pause added, in place of an earlier one of the same rule."""
        others = tuple(other for other in self.pauses if other.rule != pause.rule)
        return replace(self, pauses=(*others, pause))

    def spared(self, spare: Spare) -> Overrides:
        """Return these with a spare added, in place of an earlier one of the same reference."""
        others = tuple(other for other in self.spares if other.ref != spare.ref)
        return replace(self, spares=(*others, spare))

    def without(
        self,
        *,
        pause: Callable[[Pause], bool] = lambda _: False,
        spare: Callable[[Spare], bool] = lambda _: False,
    ) -> Overrides:
        """Return these without the pauses and spares for which a test is true."""
        return Overrides(
            tuple(one for one in self.pauses if not pause(one)),
            tuple(one for one in self.spares if not spare(one)),
        )

    def living(self, at: int) -> Overrides:
        """Return these without what has run out."""
        return self.without(pause=lambda one: _is_over(one, at), spare=lambda one: _is_over(one, at))

    def known_at(self, at: int) -> Overrides:
        """Return these as what holds from now on: a clock elsewhere that is ahead delays nothing."""
        return Overrides(
            tuple(replace(one, since=min(one.since, at)) for one in self.pauses),
            tuple(replace(one, since=min(one.since, at)) for one in self.spares),
        )


NOTHING: Final = Overrides()


class Overriding:
    """The overrides in force, shared by the engines of one process; replaced whole.

    `key` is the secret of `visitor_key`; None where there is none, and then nobody can be recognised.
    """

    __slots__ = ("key", "now")

    def __init__(self, now: Overrides = NOTHING, key: bytes | None = None) -> None:
        self.now = now
        self.key = key

    def apply(self, verdict: Verdict, client: ClientAddress, at: int) -> Verdict:
        """Return what is done about a verdict at a time; only refusals change. Total."""
        now = self.now
        if now is NOTHING or not verdict.is_refusal:
            return verdict
        if now.spares and (spare := self._spare_of(verdict, client, at)) is not None:
            return replace(
                verdict,
                action=Action.ALLOW,
                would=Action.ALLOW,
                enforced=True,
                rule=spare.rule,
                reasons=("spared",),
                allowance=None,
            )
        if now.pause_of(verdict.rule, at) is not None:
            return replace(verdict, action=Action.ALLOW, enforced=False, reasons=(*verdict.reasons, "paused"))
        return verdict

    def _spare_of(self, verdict: Verdict, client: ClientAddress, at: int) -> Spare | None:
        # Behind a proxy that is not trusted all have one address: nobody's in particular.
        if self.key is None or client.text is None or client.source == "untrusted":
            return None
        token = verdict.identity.token if verdict.identity else ""
        who = visitor_key(self.key, client.text)
        for spare in self.now.spares:
            if spare.token == token and _holds(spare, at) and hmac.compare_digest(spare.who, who):
                return spare
        return None


def _holds(one: Pause | Spare, at: int) -> bool:
    return one.since <= at and not _is_over(one, at)


def _is_over(one: Pause | Spare, at: int) -> bool:
    return one.until is not None and at >= one.until
