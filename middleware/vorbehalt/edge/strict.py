"""Quotas that Redis decides (`state.strict`): only here does a judgement wait, and only a crawler's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vorbehalt.edge.live import Live
from vorbehalt.engine import Considered
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Allowance, Verdict

if TYPE_CHECKING:
    from vorbehalt.edge.answers import Answer
    from vorbehalt.stores.redis.strict import StrictLimits

Parts = Sequence[Verdict | Considered]
GoOn = Callable[[list[Verdict]], "Answer"]


class Asking:
    """An answer that hangs on Redis: `ask` waits for it, at most as long as the store waits."""

    def __init__(self, live: Live, strict: StrictLimits, parts: Parts, go_on: GoOn) -> None:
        self._live = live
        self._strict = strict
        self._parts = parts
        self._go_on = go_on

    async def ask(self) -> Answer:
        verdicts: list[Verdict] = []
        for part in self._parts:
            if isinstance(part, Considered):
                part = self._live.engine.conclude(part, await self._allowance(part))
            verdicts.append(part)
        return self._go_on(verdicts)

    async def _allowance(self, considered: Considered) -> Allowance | None:
        key, quota = considered.key, considered.rule.limit
        if key is None or quota is None or not _waits(considered):
            return self._live.engine.charge(considered)
        return await self._strict.ask(key, quota, considered.case.received_at)


def judged(live: Live, strict: StrictLimits | None, visits: Sequence[Visit], go_on: GoOn) -> Answer | Asking:
    """Go on with the verdicts on some visits: at once, unless one of them has to wait for Redis."""
    engine = live.engine
    if strict is None:
        return go_on([engine.judge(visit) for visit in visits])
    parts = [engine.consider(visit) for visit in visits]
    if any(isinstance(part, Considered) and _waits(part) for part in parts):
        return Asking(live, strict, parts, go_on)
    return go_on(
        [part if isinstance(part, Verdict) else engine.conclude(part, engine.charge(part)) for part in parts]
    )


def _waits(considered: Considered) -> bool:
    """True for the quota of a crawler: nobody else's request ever waits for Redis."""
    return considered.key is not None and considered.case.identity is not None
