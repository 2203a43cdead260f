"""The plans whose signals are in force in this process, by the digest that stands in every verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import Lock
from weakref import WeakSet

from vorbehalt.engine import HostPlan

_plans: dict[str, WeakSet[HostPlan]] = {}
_lock = Lock()
"""Reloads happen in threads of their own, and several sites may live in one process."""


def register(plans: Iterable[HostPlan]) -> None:
    """Make plans known under the digest of their signals, for as long as somebody answers by them.

    A plan keeps the digests that it had before: an answer may be on its way.
    """
    with _lock:
        for plan in plans:
            _plans.setdefault(plan.bundle.digest, WeakSet()).add(plan)
        for digest in [digest for digest, known in _plans.items() if not known]:
            del _plans[digest]


def plans_of(digest: str) -> tuple[HostPlan, ...]:
    """Return the plans that have or had these signals; all of one digest say the same while they have it."""
    with _lock:
        return tuple(_plans.get(digest, ()))


def plan_of(digest: str) -> HostPlan | None:
    """Return one of them, before others one that has them still; None if none is in force."""
    plans = plans_of(digest)
    return next((plan for plan in plans if plan.bundle.digest == digest), plans[0] if plans else None)


def _after_fork() -> None:
    # Another thread of the parent may have held it, and will never let go of it here.
    global _lock
    _lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
