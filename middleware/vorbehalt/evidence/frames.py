"""Length-prefixed frames with a checksum: the form of spool files and vault rows. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

MAX_FRAME_BYTES = 1 << 20
_HEAD = struct.Struct(">II")
_LEAF_START = b'{"v":'


def frame(payload: bytes) -> bytes:
    """Return `u32be length || u32be crc32 || payload`."""
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def join_frames(payloads: Iterable[bytes]) -> bytes:
    """Return the frames of all payloads, one after the other."""
    return b"".join([frame(payload) for payload in payloads])


@dataclass(frozen=True, slots=True)
class Scan:
    """What was read from a run of frames.

    `ends[i]` is the offset behind `payloads[i]`; `end` the offset behind the last good frame. `is_whole`:
    nothing is left behind `end`. `is_corrupt`: a bad frame is followed by a good one, which no torn write
    explains.
    """

    payloads: list[bytes]
    ends: list[int]
    end: int
    is_whole: bool
    is_corrupt: bool = False


def scan_frames(data: bytes) -> Scan:
    """Read frames until the first that is incomplete or fails its checksum."""
    payloads: list[bytes] = []
    ends: list[int] = []
    at = 0
    while (payload := frame_at(data, at)) is not None:
        at += _HEAD.size + len(payload)
        payloads.append(payload)
        ends.append(at)
    if at == len(data):
        return Scan(payloads, ends, at, is_whole=True)
    return Scan(payloads, ends, at, is_whole=False, is_corrupt=_good_frame_after(data, at))


def frame_at(data: bytes, at: int) -> bytes | None:
    """Return the payload of the frame that begins at an offset; None if there is no whole one."""
    start = at + _HEAD.size
    if start > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, at)
    if not 0 < length <= MAX_FRAME_BYTES or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if zlib.crc32(payload) == checksum else None


def _good_frame_after(data: bytes, at: int) -> bool:
    """True if a good frame begins where the bad one says it ends, or at a leaf further on."""
    if at + _HEAD.size <= len(data):
        length = _HEAD.unpack_from(data, at)[0]
        if frame_at(data, at + _HEAD.size + length) is not None:
            return True
    found = at + _HEAD.size
    while (found := data.find(_LEAF_START, found + 1)) >= 0:
        if frame_at(data, found - _HEAD.size) is not None:
            return True
    return False
