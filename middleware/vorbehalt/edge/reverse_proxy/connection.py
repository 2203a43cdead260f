"""One connection to the site: HTTP/1.1 (RFC 9112) from the client's side, on httptools' parser.

The parser is strict. It reads heads and chunked bodies; a body of declared length is only counted and passes
without being copied. A connection carries one request at a time.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import Any

import httptools

from vorbehalt.edge.reverse_proxy.buffers import Buffers
from vorbehalt.edge.reverse_proxy.errors import UpstreamClosed, UpstreamError
from vorbehalt.edge.reverse_proxy.sending import Sending

MAX_HEAD_BYTES = 64 * 1024
_HIGH_WATER = 512 * 1024
"""A little less than a buffer: who has filled one waits until it is on its way. The next one, read ahead,
would push it out of the processor's caches."""
_JOINED = 32 * 1024
"""Up to here copying is cheaper than sending twice."""
_HARMFUL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NO_BODY = (204, 304)
_TOO_LARGE = "sent a head of more than 64 KiB"


class Connection(Sending):
    """Call `begin`, then `write` and `drain` for a body; `await head()`, then `read` until `b""`.

    `fail` ends it from outside: whoever waits gets that exception.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__()
        self._buffers = buffers
        self._buffer = bytearray()
        self.idle_since = 0.0
        self.is_used = False
        """True from the second request on."""
        self.has_answered = False
        """True once a byte of the present answer has come."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        """Of the answer, as received; names in lower case."""
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._read_paused = False
        self._is_busy = False
        self._prepare(False)

    def _prepare(self, is_head: bool) -> None:
        self._is_head = is_head
        self._has_head = False
        self._ended = False
        self._keeps = False
        self._chunked = False
        self._left: int | None = None
        self._head_bytes = self._header_bytes = 0
        self._chunks: deque[bytes | memoryview] = deque()
        self._size = 0
        self._error: Exception | None = None

    def begin(self, head: bytes, *, is_head: bool) -> None:
        """Send the head of a request."""
        self._prepare(is_head)
        self.has_answered = False
        self.status, self.headers = 0, []
        self._parser = httptools.HttpResponseParser(self)
        self._is_busy = True
        if not self.is_open:
            self._error = UpstreamClosed("closed the connection")
            return
        self._transport.write(head)

    async def head(self) -> None:
        """Wait for status and headers. Raises UpstreamError, or what `fail` was given."""
        while not self._has_head:
            if self._error is not None:
                raise self._error
            await self._something()

    async def read(self) -> bytes | memoryview:
        """Return the next piece of the body, `b""` after the last. Raises UpstreamError if it is cut."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            await self._something()
        if len(self._chunks) == 1 or self._size > _JOINED:
            data = self._chunks.popleft()
            self._size -= len(data)
        else:
            data = b"".join(self._chunks)
            self._chunks.clear()
            self._size = 0
        if self._read_paused and self.is_open and self._size <= _HIGH_WATER // 2:
            self._read_paused = False
            self._transport.resume_reading()
        return data

    @property
    def has_all(self) -> bool:
        """True if the body has come to its end and has been read."""
        return self._ended and not self._chunks

    @property
    def is_reusable(self) -> bool:
        return self._ended and self._keeps and self.is_open and not self._write_paused

    def fail(self, error: Exception) -> None:
        """End the exchange with this error and close the connection, unless the answer is whole."""
        if self._is_busy and not self._ended and self._error is None:
            self._error = error
        self._wake()
        self.close()

    def close(self) -> None:
        """Close at once; what is under way ends as cut off. Idempotent."""
        if self.is_open:
            self.is_open = False
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._is_busy and not self._ended and self._error is None:
            if self._has_head and self._left is None and not self._chunked and exc is None:
                self._end()
            else:
                self._error = UpstreamClosed("closed the connection")
        self._wake()
        self.resume_writing()

    def get_buffer(self, sizehint: int) -> bytearray:
        self._buffer = self._buffers.take()
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.has_answered = True
        data = memoryview(self._buffer)[:nbytes]
        if not self._has_head or self._ended or self._chunked:
            self._parse(data)
        else:
            # A few bytes that wait for a slow reader must not keep a whole buffer.
            self._count_and_push(data if nbytes > _JOINED else bytes(data))

    def _parse(self, data: memoryview) -> None:
        if self._ended or self._parser is None:
            # Nobody asked for this: it must not be taken for the answer to the next request.
            self.close()
            return
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._feed(self._parser, data)
        except httptools.HttpParserUpgrade:
            self.fail(UpstreamError("switched protocols unasked"))
        except httptools.HttpParserError as error:
            cause = error.__context__
            told = cause if isinstance(cause, UpstreamError) else UpstreamError(f"broke HTTP: {error}")
            if self._ended:
                self._keeps = False
            else:
                self.fail(told)
        else:
            if self._has_head:
                if self._ended or not self._chunked:
                    self._parser = None
            elif self._head_bytes > MAX_HEAD_BYTES:
                self.fail(UpstreamError(_TOO_LARGE))

    def _feed(self, parser: httptools.HttpResponseParser, data: memoryview) -> None:
        if (
            self._has_head
            or len(data) <= _JOINED
            or (end := self._buffer.find(b"\r\n\r\n", 0, len(data))) < 0
        ):
            parser.feed_data(data)
            return
        # The parser would copy what follows the head.
        parser.feed_data(data[: end + 4])
        rest = data[end + 4 :]
        if self._has_head and not self._chunked and not self._ended:
            self._count_and_push(rest)
        else:
            parser.feed_data(rest)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._has_head:
            # A second answer to one request.
            self._keeps = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_head:
            return  # a trailer, or what follows the answer
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > MAX_HEAD_BYTES:
            raise UpstreamError(_TOO_LARGE)
        if _HARMFUL.search(value):
            raise UpstreamError("sent control characters in a header")
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._has_head or self._parser is None:
            return
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self.headers = []  # 100, 103: said to nobody
            return
        if not 200 <= status <= 599:
            raise UpstreamError(f"answered with status {status}")
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise UpstreamError(f"answered with HTTP/{version}")
        is_1_1 = version == "1.1"
        lengths = [value.strip() for name, value in self.headers if name == b"content-length"]
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (codings != [b"chunked"] or lengths or not is_1_1):
            raise UpstreamError("framed its answer in two ways, or in one that nobody can read")
        if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
            raise UpstreamError("sent no one Content-Length")
        self._keeps = is_1_1 and not any(
            name == b"connection" and b"close" in value.lower() for name, value in self.headers
        )
        self.status = status
        self._has_head = True
        self._chunked = bool(codings)
        if self._is_head or status in _NO_BODY:
            self._end()
        elif lengths:
            self._left = int(lengths[0])
            if not self._left:
                self._end()
        elif not codings:
            self._keeps = False
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self._ended:
            self._keeps = False
        else:
            self._push(body)

    def on_message_complete(self) -> None:
        if self._chunked and not self._ended:
            self._end()
            self._wake()

    def _count_and_push(self, data: bytes | memoryview) -> None:
        if self._left is not None and len(data) > self._left:
            self._keeps = False
            data = data[: self._left]
        self._push(data)

    def _push(self, data: bytes | memoryview) -> None:
        if self._error is not None:
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._left is not None:
            self._left -= len(data)
            if not self._left:
                self._end()
        if self._size > _HIGH_WATER and not self._read_paused and not self._ended and self.is_open:
            self._read_paused = True
            self._transport.pause_reading()
        self._wake()

    def _end(self) -> None:
        self._ended = True
        self._is_busy = False
        self.is_used = True

    def _something(self) -> asyncio.Future[None]:
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
