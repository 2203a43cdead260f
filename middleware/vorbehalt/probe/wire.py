"""Bytes of one connection, read within a limit of time and size, and kept as they came."""

from __future__ import annotations

import io
import re
import socket
import zlib
from collections.abc import Callable
from typing import Any, cast

from vorbehalt.facts import Headers

MOST_HEAD = 128 * 1024
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/[0-9.]+[ \t]+([0-9]{3})")


class TooMuch(OSError):
    """The other side sends more than is read here."""


class Wire(io.RawIOBase):
    """A socket as a file that keeps all it gives. `now` is a monotonic clock, `deadline` a time of it.

    Raises TimeoutError once the deadline has passed, however slowly bytes drip in, and TooMuch.
    """

    def __init__(self, sock: socket.socket, deadline: float, now: Callable[[], float], most: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._now = now
        self._most = most
        self.received = bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - self._now()
        if left <= 0:
            raise TimeoutError
        if len(self.received) >= self._most:
            raise TooMuch
        self._sock.settimeout(left)
        view = memoryview(buffer)[: self._most - len(self.received)]
        count = self._sock.recv_into(view)
        self.received += view[:count]
        return count


class Connection:
    """What http.client takes for a socket: always the same reader, whose end is not its to decide."""

    def __init__(self, wire: Wire) -> None:
        self._reader = _Reader(wire)

    def makefile(self, mode: str) -> _Reader:
        return self._reader

    def as_socket(self) -> socket.socket:
        return cast("socket.socket", self)


class _Reader(io.BufferedReader):
    def close(self) -> None:
        """A response closes what it was read from; an interim one (1xx) must leave the rest to the next."""


def read_head(received: bytes) -> tuple[int, int, Headers]:
    """Return the size of the heads (interim ones included), the last status, and its header lines.

    Lenient where crawlers are: a line without a colon is passed over, a folded line belongs to the one
    before. Size and status are 0 if no whole head is there.
    """
    start = 0
    while True:
        end = _HEAD_END.search(received, start)
        status = _STATUS.match(received, start)
        if end is None or status is None:
            return 0, 0, ()
        code = int(status[1])
        if code == 101 or not 100 <= code < 200:
            return end.end(), code, tuple(_lines(received[start : end.start()]))
        start = end.end()


def _lines(head: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n")[1:]:
        text = line.rstrip(b"\r")
        if text[:1] in (b" ", b"\t") and found:
            found[-1] = (found[-1][0], found[-1][1] + b" " + text.strip())
            continue
        name, colon, value = text.partition(b":")
        if colon:
            found.append((name.strip().lower(), value.strip(b" \t")))
    return found


def unpacked(entity: bytes, coding: str, most: int) -> bytes:
    """Undo gzip up to `most` bytes; what cannot be undone is returned as it is."""
    if coding not in ("gzip", "x-gzip"):
        return entity
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(entity, most)
    except zlib.error:
        return entity
