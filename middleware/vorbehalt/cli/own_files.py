"""As root: records are written as the owner of the evidence, results as whoever started the command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vorbehalt.cli.operator_actions import become_owner


@contextmanager
def as_owner(directory: Path) -> Iterator[None]:
    """Be the owner of a directory for a while, if root; see `become_owner`."""
    user, group, groups = os.geteuid(), os.getegid(), os.getgroups()
    become_owner(directory)
    try:
        yield
    finally:
        if os.geteuid() != user:
            os.seteuid(user)
            os.setegid(group)
            os.setgroups(groups)


@contextmanager
def as_started() -> Iterator[None]:
    """Be again for a moment who started the command: its results lie where only that user may write."""
    user, group = os.geteuid(), os.getegid()
    if os.getuid() == user:
        yield
        return
    os.seteuid(os.getuid())
    os.setegid(os.getgid())
    try:
        yield
    finally:
        os.setegid(group)
        os.seteuid(user)
