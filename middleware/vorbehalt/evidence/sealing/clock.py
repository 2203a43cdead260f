"""What our own clock is worth: whether the kernel holds it for right, and whether it was set."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

_STA_UNSYNC = 0x40
_TIME_ERROR = 5
_STEP_NS = 500_000_000
_SAY_AGAIN_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Discipline:
    """What the kernel says (adjtimex(2)). `synchronised` is None where it cannot be asked."""

    synchronised: bool | None
    max_error_us: int = 0
    estimated_error_us: int = 0


class _Timex(ctypes.Structure):
    # struct timex of Linux, as far as it is read; the rest is room that the kernel writes into.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def discipline() -> Discipline:
    """Ask the kernel, without changing anything."""
    if not sys.platform.startswith("linux"):
        return Discipline(None)
    try:
        asked = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return Discipline(None)
    if state < 0:
        return Discipline(None)
    is_right = state != _TIME_ERROR and not asked.status & _STA_UNSYNC
    return Discipline(is_right, int(asked.maxerror), int(asked.esterror))


def steady_ns() -> int:
    """Return nanoseconds of a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ClockWatch:
    """Says what there is to say of the clock: at the start, when something changes, and once a day."""

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = steady_ns,
        ask: Callable[[], Discipline] = discipline,
    ) -> None:
        self._wall, self._steady, self._ask = wall, steady, ask
        self._offset: int | None = None
        self._said: tuple[bool | None, int] | None = None

    def look(self) -> list[dict[str, object]]:
        """Return what `clock` records say of the time since the last look; empty if nothing is new."""
        wall, steady = self._wall(), self._steady()
        offset, before = wall - steady, self._offset
        self._offset = offset
        found: list[dict[str, object]] = []
        if before is not None and abs(offset - before) > _STEP_NS:
            found.append(
                {
                    "event": "step-forward" if offset > before else "step-back",
                    "by": str(abs(offset - before)),
                    "from": str(steady + before),
                    "to": str(wall),
                }
            )
        known = self._ask()
        is_old = self._said is None or steady - self._said[1] >= _SAY_AGAIN_NS
        if is_old or self._said is None or self._said[0] is not known.synchronised:
            self._said = (known.synchronised, steady)
            found.append(
                {
                    "event": "state",
                    "synchronised": known.synchronised,
                    "max_error_us": known.max_error_us,
                    "estimated_error_us": known.estimated_error_us,
                }
            )
        return found
