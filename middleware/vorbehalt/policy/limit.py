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


class Meter:
    """One quota, worked out for many steps. It keeps the few answers it can give: a step builds no object."""

    __slots__ = ("_answers", "_cost", "_grain", "_room", "_span", "quota")

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        count = max(1, quota.count)
        # Rounded up: a cost that is a nanosecond too small would admit more than was asked for.
        self._cost = -(-max(1, quota.period_seconds) * _SECOND // count)
        self._span = self._cost * (quota.burst if quota.burst > 0 else count)
        self._room = self._span - self._cost
        # Whole seconds and whole costs are both whole grains, so the grain alone tells the answer.
        self._grain = gcd(self._cost, _SECOND)
        self._answers: dict[int, Allowance] = {}

    def step(self, tat: int, now: int) -> tuple[int, Allowance]:
        """Charge one request; return the new `tat` and what was left. A `tat` of 0 is an unused key.

        A `tat` further ahead than the quota allows means that the clock went back: it is cut to the quota,
        so that nobody waits longer than one burst takes to refill.
        """
        ahead = tat - now
        if ahead <= 0:
            ahead = 0
        elif ahead > self._span:
            ahead = self._span
        if ahead <= self._room:
            ahead += self._cost
            grains = -(-ahead // self._grain)
        else:
            # Below zero: the same table holds the refusals.
            grains = ahead // -self._grain
        answer = self._answers.get(grains)
        if answer is None:
            answer = self._answer(grains)
        return now + ahead, answer

    def _answer(self, grains: int) -> Allowance:
        ahead = abs(grains) * self._grain
        if len(self._answers) >= _KEPT_ANSWERS:
            self._answers.clear()
        answer = Allowance(
            admitted=grains > 0,
            limit=self.quota.count,
            remaining=(self._span - ahead) // self._cost if grains > 0 else 0,
            period_seconds=self.quota.period_seconds,
            retry_after_seconds=0 if grains > 0 else -((self._room - ahead) // _SECOND),
            reset_seconds=-(-ahead // _SECOND),
        )
        self._answers[grains] = answer
        return answer


def step(tat: int, now: int, quota: Quota) -> tuple[int, Allowance]:
    """Charge one request to a quota whose state is `tat`: `Meter.step` for a single step."""
    return Meter(quota).step(tat, now)
