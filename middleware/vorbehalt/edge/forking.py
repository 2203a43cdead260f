"""What lives in a process must not live on in its children: they are told, and begin anew."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something whose threads, locks and connections are those of one process."""

    def forked(self) -> None: ...


_alive: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch_forks(owner: Forked) -> None:
    """Call `owner.forked()` in every child process, for as long as somebody else keeps the owner."""
    _alive.add(owner)


def _after_fork() -> None:
    for owner in list(_alive):
        owner.forked()


os.register_at_fork(after_in_child=_after_fork)
