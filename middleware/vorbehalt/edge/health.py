"""How we are: green, yellow or red, and why, in words for whoever runs the site."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vorbehalt.policy.disarm import ALERT

if TYPE_CHECKING:
    from vorbehalt.edge.runtime import Runtime

_BLIND = 3
"""So many requests passed one after the other because they could not be judged: none is, as it seems."""


def health_of(runtime: Runtime) -> dict[str, object]:
    """Return `state` (green, yellow, red), `reasons` in words, worst first, `conflicts` and `campaigns`.

    A conflict is something of the site that contradicts the terms; ours is served in its place, so that it
    changes no state. Neither does the number of campaigns that run: of whom is told nobody here.
    """
    evidence = runtime.evidence.health()
    reasons = [*(str(reason) for reason in _as_list(evidence.get("reasons"))), *runtime.reasons.values()]
    reasons += runtime.overrides.sentences(time.time_ns())
    reasons += runtime.sharing.sentences()
    reasons += runtime.works.sentences()
    if runtime.telling.problem:
        reasons.append(runtime.telling.problem)
    live = runtime.live
    is_blind = live.unjudged_in_a_row >= _BLIND
    if live.unjudged:
        ours = f"{live.unjudged} requests passed unjudged because of a fault of ours; the log says which"
        reasons.insert(0, f"not protected: {ours}") if is_blind else reasons.append(ours)
    if runtime.disarm.is_disarmed(time.time_ns()):
        reasons.append(ALERT)
    if sources := live.untrusted_sources:
        reasons.append(
            "we see your proxy, not your visitors: set network.trusted_proxies"
            f" ({sources} requests came with forwarding headers from a peer that is not trusted)"
        )
        reasons += live.addresses.notes.values()
    elif live.unusable_sources and not live.usable_sources:
        reasons.append(
            "no visitor so far had an address of the public internet: nobody can be verified; if a proxy"
            " stands in front, let it send X-Forwarded-For and set network.trusted_proxies"
        )
    state = str(evidence.get("state", "green"))
    if is_blind:
        state = "red"
    if reasons and state == "green":
        state = "yellow"
    return {
        "state": state,
        "reasons": reasons,
        "conflicts": runtime.conflicts.sentences,
        "campaigns": runtime.clients.campaigns,
    }


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []
