"""One request on its way to the site: its body at the site's pace, its time-out, a client that leaves.

Nearly all exchanges are over before anybody gets impatient: a task and its wake-ups are spent only on those
that have a body, that last longer than a moment or whose answer does not come in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from vorbehalt.edge.reverse_proxy.connection import Connection
from vorbehalt.edge.reverse_proxy.errors import ClientGone, UpstreamError, UpstreamSlow

Receive = Callable[[], Awaitable[Any]]

_MOMENT_SECONDS = 0.05


class Exchange:
    """Use it as a context around one request on one connection.

    `declared` is the length of the request's body, None if it comes in chunks, 0 without one. The read
    time-out counts while the upstream is waited for: for its answer, or for taking more of the body.
    """

    def __init__(
        self, connection: Connection, receive: Receive, declared: int | None, read_seconds: float
    ) -> None:
        self._connection = connection
        self._receive = receive
        self._declared = declared
        self._read_seconds = read_seconds
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._waiting_since: float | None = None
        self.is_sent = declared == 0
        """True once the whole request has been handed over."""
        self._moment = min(_MOMENT_SECONDS, read_seconds)
        self._timer = self._loop.call_later(self._moment, self._after_a_moment)
        if declared == 0:
            self._waiting_since = self._loop.time()
        else:
            self._task = self._loop.create_task(self._send_body())

    def answered(self) -> None:
        """The head of the answer is here: from now on a stream may be silent as long as both sides live."""
        self._timer.cancel()
        if self._task is None and not self._connection.has_all:
            self._watch()

    def close(self) -> None:
        """Stop watching; the client's next request is no business of this one."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _watch(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._until_gone())

    def _after_a_moment(self) -> None:
        self._watch()
        self._timer = self._loop.call_later(max(self._read_seconds - self._moment, 0), self._check)

    def _check(self) -> None:
        """Time out, or come again when it could be due."""
        waited = 0.0 if self._waiting_since is None else self._loop.time() - self._waiting_since
        left = self._read_seconds - waited
        if left <= 0.001:  # clocks of timers are coarse
            self._connection.fail(UpstreamSlow("did not answer in time"))
        else:
            self._timer = self._loop.call_later(left, self._check)

    async def _send_body(self) -> None:
        connection, left, chunked = self._connection, self._declared, self._declared is None
        try:
            more = True
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    connection.fail(ClientGone())
                    return
                more = message.get("more_body", False)
                if data := message.get("body", b""):
                    if left is not None:
                        left -= len(data)
                        if left < 0:
                            break
                    connection.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
                    if connection.is_congested:
                        self._waiting_since = self._loop.time()
                        await connection.drain()
                        self._waiting_since = None
            if chunked:
                connection.write(b"0\r\n\r\n")
            elif left:
                # The server's parser counts, too; should it ever err, the rest must not become a request.
                connection.fail(UpstreamError("was to get a body of another length than declared"))
                return
            self.is_sent = True
            self._waiting_since = self._loop.time()
            await self._until_gone()
        except Exception as error:
            connection.fail(error)

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._connection.fail(ClientGone())
