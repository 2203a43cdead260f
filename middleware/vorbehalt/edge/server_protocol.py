"""uvicorn's protocols as the sidecar uses them: bounded heads, and nothing that can be read in two ways.

What the parser (llhttp, strict) lets pass and an upstream might take for something else ends here, with 400
and a closed connection.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_HEAD_BYTES = 64 * 1024
_MAX_WEBSOCKET_LINE = 8000
_FLUSH_SECONDS = 2.0
"""For a websocket's client to take the last that it is sent."""
_OUR_PATHS = b"/.vorbehalt/"
_MAX_WEBSOCKET_HEADERS = 120
"""Just below what the websocket library reads of a handshake."""
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")


App = Callable[[Any, Any, Any], Awaitable[None]]
Questions = Callable[[Any, str, bytes, bytes, dict[bytes, bytes]], bytes | App | None]

_quiet = logging.getLogger("vorbehalt.websockets")
_quiet.setLevel(logging.ERROR)


class _HeadTooLarge(Exception):
    """Raised inside the parser's callbacks to stop it."""


class _Malformed(Exception):
    """The same, for a head that is not to be passed on; the text is for the client."""


class _AnyLength:
    """Stands for the declared length of a body that ends with the connection, as HTTP/1.0 knows it."""

    def __lt__(self, other: object) -> bool:
        return False

    def __sub__(self, other: object) -> _AnyLength:
        return self

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A server that ends says so with 1001, going away (RFC 6455 section 7.4.1)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's own would write every visitor's address and path into the log.
        self.logger = _quiet

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            # A refusal is an answer, too; uvicorn would log an error.
            self.handshake_complete = True

    def shutdown(self) -> None:
        if not self.handshake_complete or self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1001, "reason": "going away"})
        self.conn.send_close(1001, "going away")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._close_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._close_soon()

    def _close_soon(self) -> None:
        """Close, also where the client does not take what is on its way: it may be gone without a word."""
        self.transport.close()
        self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)


class CappedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to request line and headers: beyond 64 KiB the answer is 431.

    `questions` answers what needs no application: from client, scheme, method, target and headers (lower
    case, none twice) the octets of the answer. What it answers so never becomes a scope, a task or a message.
    It may also name another application for this one request.
    """

    questions: Questions | None = None

    _fed_bytes = 0
    _in_head = False
    _too_large = False
    _malformed = ""
    _ready: bytes | None = None
    _idle_since: float | None = None

    def on_message_begin(self) -> None:
        self._in_head = True
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else a trailer, which uvicorn would let pass for a header
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._fed_bytes > MAX_HEAD_BYTES:
            self._count()
        app = self.app
        if self.questions is not None and self.url.startswith(_OUR_PATHS):
            answer = self._answer()
            if type(answer) is bytes:
                self._ready = answer
                return
            app = answer or app
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise self._because("This version of HTTP is not spoken here.\n")
        is_old = version == "1.0"
        self._check(is_old)
        if self.parser.should_upgrade() and not self._should_upgrade() and self._has_body():
            # The parser would not read it as a body.
            raise self._because("A body cannot come with this Upgrade.\n")
        self._begin_message()
        before = self.cycle
        own, self.app = self.app, app
        super().on_headers_complete()
        self.app = own
        if is_old and self.cycle is not before:
            # uvicorn would answer in chunks; in HTTP/1.0 the end of the connection ends the body.
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _AnyLength()  # type: ignore[assignment]
        if self.cycle is not before and self.parser.should_upgrade():
            # Nothing is switched to; what follows would be dropped or taken for a request.
            self.cycle.keep_alive = False

    def _begin_message(self) -> None:
        """Let uvicorn begin, which is put off until the head is whole: not every request needs a scope."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url = url
        self.headers += headers
        self.expect_100_continue = expects

    def _answer(self) -> bytes | App | None:
        """The answer to a question that needs no application; only where no other is under way or held up."""
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        if self.flow.write_paused or self.transport.is_closing():
            return None
        headers = dict(self.headers)
        if (
            len(headers) != len(self.headers)
            or b"connection" in headers
            or b"upgrade" in headers
            or b"content-length" in headers
            or b"transfer-encoding" in headers
            or b"expect" in headers
            # Without a Connection: not so in HTTP/1.0.
            or not self.parser.should_keep_alive()
        ):
            return None
        return self.questions(  # type: ignore[misc]
            self.client, self.scheme or "http", self.parser.get_method(), self.url, headers
        )

    def on_message_complete(self) -> None:
        if self._ready is None:
            super().on_message_complete()
            return
        self.transport.write(self._ready)
        self._ready = None
        self.server_state.total_requests += 1
        self._idle()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._idle()

    def _idle(self) -> None:
        """From now on the connection waits; one timer looks now and then whether it still does."""
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None or self.transport.is_closing():
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def _should_upgrade(self) -> bool:
        """A proxy's question about a handshake bears its headers, and is an ordinary request all the same."""
        return super()._should_upgrade() and not self.url.startswith(_OUR_PATHS)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: what is asked for is not switched to, as HTTP lets a server do."""

    def handle_websocket_upgrade(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse("A websocket cannot begin while an answer is under way.\n")
        elif sum(name == b"host" for name, _ in self.headers) != 1:
            self._refuse("A request names exactly one Host.\n")
        elif len(self.headers) > _MAX_WEBSOCKET_HEADERS or any(
            len(name) + len(value) > _MAX_WEBSOCKET_LINE for name, value in self.headers
        ):
            self._too_large = True
            self.send_400_response("")
        else:
            super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        # At least what there is of a head; what is really in it is counted where this is too much.
        self._fed_bytes = self._fed_bytes + len(data) if self._in_head else len(data)
        super().data_received(data)
        if self._in_head and self._fed_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            # A header that never ends reaches no callback.
            self._too_large = True
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        if not self._too_large:
            super().send_400_response(self._malformed or msg)
            return
        body = b"Request line and headers are larger than 64 KiB.\n"
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _count(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._too_large = True
            raise _HeadTooLarge

    def _refuse(self, sentence: str) -> None:
        self._malformed = sentence
        self.send_400_response(sentence)

    def _check(self, is_old: bool) -> None:
        """Refuse what servers may read differently, grammar or not (RFC 9112 sections 3.2 and 6)."""
        host: bytes | None = None
        for name, value in self.headers:
            if name == b"host":
                host = value
            elif name == b"transfer-encoding" and (is_old or value.strip().lower() != b"chunked"):
                raise self._because("This Transfer-Encoding is not understood here.\n")
            elif name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
        url = self.url
        if not url.startswith(b"/") and b"://" in url:
            authority = url.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
            if host is None or authority.lower() != host.lower():
                raise self._because("Target and Host name different sites.\n")
        if host is not None and not _HOST.fullmatch(host):
            raise self._because("Host is malformed.\n")

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
            for name, value in self.headers
        )

    def _because(self, sentence: str) -> _Malformed:
        self._malformed = sentence
        return _Malformed(sentence)
