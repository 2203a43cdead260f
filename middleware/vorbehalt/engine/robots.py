"""Who goes against the robots.txt in force."""

from __future__ import annotations

from vorbehalt.engine.plan import OPEN_RULE, HostPlan
from vorbehalt.facts import Visit
from vorbehalt.identify.identity import Identity
from vorbehalt.policy.verdict import Verdict


def robots_closes(plan: HostPlan, identity: Identity | None) -> bool | None:
    """True if the robots.txt in force closes every page to this crawler, False if none; None: by path.

    Nobody is blamed by a claim that was contradicted, or under a token that is not known.
    """
    if identity is None or identity.is_impostor or identity.crawler.kind != "crawler":
        return False
    return plan.robots.closes(identity.crawler.robots_tokens)


def breaks_robots(plan: HostPlan, identity: Identity | None, target: bytes) -> bool:
    """True if the robots.txt in force disallows a raw request target to this crawler (RFC 9309)."""
    closed = robots_closes(plan, identity)
    if closed is not None or identity is None:
        return bool(closed)
    return plan.robots.disallows(identity.crawler.robots_tokens, target)


def violates_robots(plan: HostPlan, visit: Visit, verdict: Verdict) -> bool:
    """True if a judged visit is one that the robots.txt in force disallows to its crawler.

    Paths that are open to all and visits under a permission violate nothing, and robots.txt says nothing of
    websockets.
    """
    identity = verdict.identity
    if identity is None or visit.is_websocket or verdict.rule == OPEN_RULE or verdict.permission != "none":
        return False
    return breaks_robots(plan, identity, visit.target)
