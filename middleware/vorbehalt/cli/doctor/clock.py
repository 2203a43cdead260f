"""The clock: records are worth as much as their times."""

from __future__ import annotations

import ctypes
import sys

from vorbehalt.cli.doctor.found import Check, error, ok, warning

_STATUS_AT = 40
_TIMEX_BYTES = 512
_STA_UNSYNC = 0x40
_TOLERATED_NS = 5 * 10**9


def is_synchronised() -> bool | None:
    """Ask the kernel whether something keeps the clock right (adjtimex(2)); None where it does not say."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        state = ctypes.CDLL(None).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return not int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], sys.byteorder) & _STA_UNSYNC


def check_clock(synchronised: bool | None, now: int, last_record: int | None) -> list[Check]:
    """Say whether the clock can be relied on; times are nanoseconds UTC."""
    found = []
    if synchronised is False:
        found.append(
            warning(
                "clock-synchronised",
                "nothing keeps the clock of this machine right: the times of records can be doubted",
                "run chrony or systemd-timesyncd; in a container, on the host",
            )
        )
    elif synchronised:
        found.append(ok("clock-synchronised", "the clock is synchronised"))
    if last_record is not None and last_record > now + _TOLERATED_NS:
        found.append(
            error(
                "clock-behind",
                f"the clock is {(last_record - now) // 10**9} s behind the last record",
                "set the clock right before more is recorded; nothing in the log may be changed",
            )
        )
    return found
