"""One step of GCRA, the generic cell rate algorithm: a quota as one number per key. Time is an argument.

The state is the theoretical arrival time (`tat`, nanoseconds): when the key would be idle again. A request
costs `period / count`; it is admitted while `tat` stays within `burst` such costs of now. So no key ever gets
more than `burst + count * t / period` requests in any span `t`. ITU-T I.371 annex A (virtual scheduling).
"""

from __future__ import annotations

from math import gcd

from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance

_SECOND = 1_000_000_000
_KEPT_ANSWERS = 4096

SHARED_BURSTS = 8
"""So many bursts a state that workers share may be ahead: what each admitted before it knew of the others."""


class Meter:
    """One quota, worked out for many steps. It keeps the few answers it can give: a step builds no object.

    Nanoseconds: `cost` of one request, `span` of a burst, `room` up to which one more is admitted, `most`
    that a state can be ahead (`bursts` of them). More than `most` means that a clock went back: it is cut to
    one burst, so that nobody waits longer than that takes to refill.
    """

    __slots__ = ("_answers", "_grain", "cost", "most", "quota", "room", "span")

    def __init__(self, quota: Quota, bursts: int = 1) -> None:
        self.quota = quota
        count = max(1, quota.count)
        # Rounded up: a cost that is a nanosecond too small would admit more than was asked for.
        self.cost = -(-max(1, quota.period_seconds) * _SECOND // count)
        self.span = self.cost * (quota.burst if quota.burst > 0 else count)
        self.room = self.span - self.cost
        self.most = self.span * bursts
        # Whole seconds and whole costs are both whole grains, so the grain alone tells the answer.
        self._grain = gcd(self.cost, _SECOND)
        self._answers: dict[int, Allowance] = {}

    def step(self, tat: int, now: int) -> tuple[int, Allowance]:
        """Charge one request; return the new `tat` and what was left. A `tat` of 0 is an unused key."""
        ahead = tat - now
        if ahead <= 0:
            ahead = 0
        elif ahead > self.most:
            ahead = self.span
        if ahead <= self.room:
            ahead += self.cost
            grains = -(-ahead // self._grain)
        else:
            # Below zero: the same table holds the refusals.
            grains = ahead // -self._grain
        answer = self._answers.get(grains)
        if answer is None:
            answer = self._answer(grains)
        return now + ahead, answer

    def answer(self, ahead: int, admitted: bool) -> Allowance:
        """Say what a step answers that was done elsewhere and left the state so far ahead."""
        grains = -(-ahead // self._grain) if admitted else ahead // -self._grain
        return self._answers.get(grains) or self._answer(grains)

    def _answer(self, grains: int) -> Allowance:
        ahead = abs(grains) * self._grain
        if len(self._answers) >= _KEPT_ANSWERS:
            self._answers.clear()
        answer = Allowance(
            admitted=grains > 0,
            limit=self.quota.count,
            remaining=(self.span - ahead) // self.cost if grains > 0 else 0,
            period_seconds=self.quota.period_seconds,
            retry_after_seconds=0 if grains > 0 else -((self.room - ahead) // _SECOND),
            reset_seconds=-(-ahead // _SECOND),
        )
        self._answers[grains] = answer
        return answer


def step(tat: int, now: int, quota: Quota) -> tuple[int, Allowance]:
    """Charge one request to a quota whose state is `tat`: `Meter.step` for a single step."""
    return Meter(quota).step(tat, now)
