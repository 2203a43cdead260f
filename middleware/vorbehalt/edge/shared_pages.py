"""Pages of refusals in memory that worker processes share: whichever is asked for a page has it."""

from __future__ import annotations

import mmap
from zlib import crc32

Page = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers, body."""

_SLOTS = 512
_SLOT_BYTES = 16 * 1024
_NUMBER_BYTES = 4
_HEAD_BYTES = 2 * _NUMBER_BYTES


class SharedPages:
    """A fixed number of slots in anonymous memory; made before the workers are, and inherited by them.

    There is no lock. A reference names its slot, whoever writes later wins, and what two have written at the
    same time fits no checksum and counts as not there. Nothing is ever on disk.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _SLOT_BYTES)

    def put(self, reference: str, page: Page) -> bool:
        """Keep a page. False if it is too large for a slot."""
        status, headers, body = page
        lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
        data = b"%b %d\r\n%b\r\n%b" % (reference.encode(), status, lines, body)
        if len(data) > _SLOT_BYTES - _HEAD_BYTES:
            return False
        at = _place(reference)
        self._memory[at : at + _HEAD_BYTES + len(data)] = _number(crc32(data)) + _number(len(data)) + data
        return True

    def take(self, reference: str) -> Page | None:
        """Return a page and forget it; None if it is not there any more."""
        at = _place(reference)
        slot = self._memory[at : at + _SLOT_BYTES]
        length = int.from_bytes(slot[_NUMBER_BYTES:_HEAD_BYTES], "big")
        data = slot[_HEAD_BYTES : _HEAD_BYTES + length]
        if not data or _number(crc32(data)) != slot[:_NUMBER_BYTES]:
            return None
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        named, _, status = first.rpartition(b" ")
        if named != reference.encode("utf-8", "replace"):
            return None
        self._memory[at : at + _HEAD_BYTES] = bytes(_HEAD_BYTES)
        pairs = [line.partition(b": ") for line in lines]
        return int(status), [(name, value) for name, _, value in pairs], body


def _place(reference: str) -> int:
    return crc32(reference.encode("utf-8", "replace")) % _SLOTS * _SLOT_BYTES


def _number(value: int) -> bytes:
    return value.to_bytes(_NUMBER_BYTES, "big")
