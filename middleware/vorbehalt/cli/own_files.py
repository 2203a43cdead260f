"""Files of whoever runs a command as root and has become the owner of the evidence for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


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
