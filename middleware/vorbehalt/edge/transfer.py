"""What was handed to the server of one answer, as the messages of the app tell it."""

from __future__ import annotations

import os
from typing import Any

_DISCONNECTS = ("http.disconnect", "websocket.disconnect")


class Transfer:
    """Counts the bytes of one answer and knows whether it went out whole.

    Ask `size_of` before a message is sent (a file may be read to its end by sending it), tell `sent` after:
    what the server did not take was not handed over. `method` is that of the request.
    """

    __slots__ = ("_declared", "_ended", "_is_head", "_left", "bytes", "status")

    def __init__(self, method: str) -> None:
        self._is_head = method == "HEAD"
        self._declared: int | None = None
        self._ended = False
        self._left = False
        self.bytes = 0
        self.status = 0

    @property
    def is_whole(self) -> bool:
        """True if the answer came to its end, the client was still there, and no declared byte is missing."""
        return self._ended and not self._left and self._declared in (None, self.bytes)

    def size_of(self, message: Any) -> int:
        """Return how many bytes of content a message carries."""
        kind = message["type"]
        if kind in ("http.response.body", "websocket.http.response.body"):
            return len(message.get("body") or b"")
        if kind == "http.response.pathsend":
            return _size_at(message["path"])
        if kind == "http.response.zerocopysend":
            return _rest_of(message)
        if kind == "websocket.send":
            octets = message.get("bytes")
            return len(octets if octets is not None else (message.get("text") or "").encode())
        return 0

    def sent(self, message: Any, size: int) -> None:
        """Take note of a message that the server took, and of its size."""
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self.status = int(message["status"])
            if self._has_body:
                self._declared = _content_length(message.get("headers") or ())
        elif kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.close":
            self._ended = True
        if size and self._has_body and not self._left:
            self.bytes += size
        if kind.endswith((".body", ".zerocopysend")):
            self._ended = not message.get("more_body", False)
        elif kind == "http.response.pathsend":
            self._ended = True

    def received(self, message: Any) -> None:
        """Take note of a message from the server: a client that left before the end got no whole answer."""
        if message["type"] in _DISCONNECTS and not self._ended:
            self._left = True

    @property
    def _has_body(self) -> bool:
        """False where HTTP sends no content, whatever the app says (RFC 9110 section 6.4.1)."""
        return not self._is_head and self.status not in (204, 304)


def _content_length(headers: Any) -> int | None:
    for name, value in headers:
        if bytes(name).lower() == b"content-length":
            text = bytes(value).strip()
            return int(text) if text.isdigit() and len(text) < 20 else None
    return None


def _size_at(path: Any) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        # The server will not find the file either.
        return 0


def _rest_of(message: Any) -> int:
    """The bytes of a zero-copy message: from its offset, else from where the file stands, to count or end."""
    file = message["file"]
    descriptor = file if isinstance(file, int) else int(file.fileno())
    offset, count = message.get("offset"), message.get("count")
    try:
        start = int(offset) if offset is not None else os.lseek(descriptor, 0, os.SEEK_CUR)
        rest = max(0, os.fstat(descriptor).st_size - start)
    except OSError:
        # A pipe or a socket has no place and no size; only the count says something.
        return int(count or 0)
    return rest if count is None else min(int(count), rest)
