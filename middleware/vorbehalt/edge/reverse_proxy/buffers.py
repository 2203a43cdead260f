"""Buffers into which bodies are read, used again as soon as nobody looks at them any more.

A large body so passes from socket to socket without a copy in between, through memory that the processor
still has at hand. A bytearray that somebody has a view of cannot be resized: that is how it is known to be
free.
"""

from __future__ import annotations

from collections import deque

_BYTES = 512 * 1024 + 4096
"""The answer's head comes with its body: without room for it the last octets of a body of a round size would
need a read and a write of their own, which cost as much as those of a whole buffer."""
_KEPT = 64
_TRIES = 16
"""More than one stalled reader keeps busy: who looks at too few takes a new one for each piece."""


class Buffers:
    """The buffers of one event loop."""

    def __init__(self) -> None:
        self._kept: deque[bytearray] = deque()

    def take(self) -> bytearray:
        """Return a buffer that nobody else uses. Take a view of it before the next one is taken."""
        for _ in range(min(len(self._kept), _TRIES)):
            buffer = self._kept[0]
            try:
                buffer.pop()
            except BufferError:
                self._kept.rotate(-1)
                continue
            buffer.append(0)
            return buffer
        buffer = bytearray(_BYTES)
        if len(self._kept) < _KEPT:
            self._kept.appendleft(buffer)
        return buffer
