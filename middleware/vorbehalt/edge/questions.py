"""A proxy's questions, answered inside the server: octets in, octets out, no task and no message between.

Only what `forward_auth_again` remembers is answered here. Everything else goes the way of every request.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from vorbehalt.edge import forward_auth_again
from vorbehalt.edge.asgi import VorbehaltMiddleware
from vorbehalt.edge.http_date import HttpDate


class ReadyQuestions:
    """What the server's protocol asks before it makes a request of a question."""

    def __init__(self, middleware: VorbehaltMiddleware) -> None:
        self._middleware = middleware
        self._clock = HttpDate()

    def __call__(self, client: Any, target: bytes, headers: dict[bytes, bytes]) -> bytes | None:
        """Return the whole answer; None if the question must be looked at. Never raises.

        `client` is what the scope would say, `headers` are in lower case, and none came twice.
        """
        live = self._middleware.live
        if live is None:
            return None
        started = perf_counter()
        try:
            peer = forward_auth_again.peer_of(client)
            ready = forward_auth_again.again_for(live, peer, target.partition(b"?")[0], headers)
            if ready is None:
                return None
            live.count_seconds(perf_counter() - started)
            return b"%bdate: %b\r\n\r\n" % (ready.head, self._clock.now())
        except Exception:
            live.count_internal_error()
            return None
