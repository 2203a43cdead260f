"""Chance and the clock, fixed: import this before anything of Vorbehalt, in a process of its own.

The samples are made by the real middleware and the real commands; only what differs from run to run, random
bits, the number of the process and what the kernel says of its clock, is given.
"""

from __future__ import annotations

import os
import random
import re
import secrets
import sys
import threading
from datetime import UTC, datetime

import time_machine

if any(name.partition(".")[0] == "vorbehalt" for name in sys.modules):
    raise ImportError("samples.fixed must be imported before vorbehalt: it fixes what that would draw")

_drawn: dict[str, random.Random] = {}


def _of_thread() -> random.Random:
    """What each thread draws does not depend on when the others draw."""
    name = re.sub(r"\d+", "", threading.current_thread().name)
    return _drawn.setdefault(name, random.Random(name))


def _random(count: int) -> bytes:
    return _of_thread().randbytes(count)


def _token_hex(nbytes: int | None = None) -> str:
    return _random(nbytes or 32).hex()


def _token_bytes(nbytes: int | None = None) -> bytes:
    return _random(nbytes or 32)


os.urandom = _random
os.getpid = lambda: 4242
secrets.token_bytes, secrets.token_hex = _token_bytes, _token_hex

_traveller = time_machine.travel(datetime(2026, 9, 28, 7, 30, tzinfo=UTC), tick=False)
_clock = _traveller.start()


def now(text: str) -> None:
    """Make it this moment (ISO 8601, UTC) for everything in this process. Only ever forwards."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    if moment < datetime.now(UTC):
        raise ValueError(f"the story goes back to {text}")
    _clock.move_to(moment)


def later(seconds: float) -> None:
    """Let time pass."""
    _clock.shift(seconds)
