"""The plans whose signals are in force in this process, by the digest that stands in every verdict."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

from vorbehalt.engine import HostPlan

_plans: dict[str, WeakSet[HostPlan]] = {}


def register(plans: Iterable[HostPlan]) -> None:
    """Make plans known under the digest of their signals, for as long as somebody answers by them.

    A plan keeps the digests that it had before: an answer may be on its way.
    """
    for plan in plans:
        _plans.setdefault(plan.bundle.digest, WeakSet()).add(plan)
    for digest in [digest for digest, known in list(_plans.items()) if not known]:
        _plans.pop(digest, None)


def plan_of(digest: str) -> HostPlan | None:
    """Return a plan with these signals; None if none is in force. Plans of one digest say the same."""
    return next(iter(_plans.get(digest, ())), None)
