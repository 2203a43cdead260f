"""Reading of spool and vault files: frames of `u32be length || u32be crc32 || payload`."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

HEADER = 8
MAX_PAYLOAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one file up to the first bad one.

    `torn` counts the bytes of a last frame that was never finished; `corrupt` is the offset of a bad frame
    that no crash explains (complete but changed, or followed by good ones), or -1.
    """

    payloads: list[bytes]
    torn: int = 0
    corrupt: int = -1


def _frame_at(data: bytes, at: int) -> bytes | None:
    length = int.from_bytes(data[at : at + 4], "big")
    end = at + HEADER + length
    if not 0 < length <= MAX_PAYLOAD or end > len(data):
        return None
    payload = data[at + HEADER : end]
    return payload if crc32(payload) == int.from_bytes(data[at + 4 : at + HEADER], "big") else None


def read_frames(data: bytes) -> Frames:
    """Reads all frames of a file; never raises."""
    payloads: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        payload = _frame_at(data, at)
        if payload is None:
            return Frames(payloads, end - at) if _is_torn(data, at) else Frames(payloads, 0, at)
        payloads.append(payload)
        at += HEADER + len(payload)
    return Frames(payloads)


def _is_torn(data: bytes, at: int) -> bool:
    """A crash leaves the beginning of one frame, or zeros, and nothing good after it."""
    rest = data[at:]
    if len(rest) < HEADER or not any(rest):
        return True
    length = int.from_bytes(rest[:4], "big")
    if length > MAX_PAYLOAD or len(rest) >= HEADER + length:
        return False
    # A whole payload under a length that was raised is a changed byte, not a crash.
    if crc32(rest[HEADER:]) == int.from_bytes(rest[4:HEADER], "big"):
        return False
    return not any(_frame_at(data, later) for later in range(at + 1, len(data) - HEADER))
