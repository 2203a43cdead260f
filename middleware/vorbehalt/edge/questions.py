"""A proxy's questions, answered inside the server: octets in, octets out, no task and no message between.

Only what is remembered is answered here: ordinary visitors on known paths, refusals of this minute, pages of
refusals. Everything else goes the way of every request. A refusal whose record is not on the disk yet becomes
an application that waits for it.
"""

from __future__ import annotations

from http import HTTPStatus
from time import perf_counter_ns
from typing import Any

from vorbehalt.edge import asked_refusals, forward_auth_again
from vorbehalt.edge.asgi import VorbehaltMiddleware
from vorbehalt.edge.asked_refusals import App, Question
from vorbehalt.edge.deciding import REFUSAL_PATH
from vorbehalt.edge.http_date import HttpDate
from vorbehalt.edge.live import Live
from vorbehalt.edge.refusal_pages import Page

_REFUSAL_PATH = REFUSAL_PATH.encode()
_UNKNOWN: Any = object()


class ReadyQuestions:
    """What the server's protocol asks before it makes a request of a question."""

    def __init__(self, middleware: VorbehaltMiddleware) -> None:
        self._middleware = middleware
        self._clock = HttpDate()

    def __call__(
        self, client: Any, scheme: str, method: bytes, target: bytes, headers: dict[bytes, bytes]
    ) -> bytes | App | None:
        """Return the whole answer or what will send it; None if the question must be looked at. Never raises.

        `client` and `scheme` are what the scope would say, `headers` are in lower case, and none came twice.
        """
        live = self._middleware.live
        if live is None:
            return None
        started = perf_counter_ns()
        try:
            raw_path, _, query = target.partition(b"?")
            if raw_path.startswith(_REFUSAL_PATH):
                answer: bytes | App | None = self._page(live, method, raw_path)
            else:
                # As `peer_of` has it, without the call.
                peer = "" if not client else client[0] if len(client) > 1 and client[1] else None
                if peer not in live.asking_peers:
                    return None
                # None (no User-Agent) is never known.
                claim = live.known.get(headers.get(b"user-agent"), _UNKNOWN)  # type: ignore[arg-type]
                if claim is None:
                    ready = forward_auth_again.ordinary(
                        live, client, method.decode(), raw_path, query, headers
                    )
                    if ready is None:
                        return None
                    if times := next(live.times):
                        live.count_duration(perf_counter_ns() - started, times)
                    return b"%bdate: %b\r\n\r\n" % (ready.head, self._clock.now())
                elif claim is _UNKNOWN or peer is None:
                    return None
                else:
                    answer = self._refusal(
                        live, raw_path, peer, Question(client, scheme, method.decode(), target, headers)
                    )
            if answer is not None:
                live.count_duration(perf_counter_ns() - started)
            return answer
        except Exception:
            live.count_internal_error()
            return None

    def _refusal(self, live: Live, raw_path: bytes, peer: str, question: Question) -> bytes | App | None:
        middleware = self._middleware
        path = forward_auth_again.path_of(live, raw_path, question.headers)
        if path is None:
            return None
        if middleware.observer is not None or middleware.runtime is None or not live.keeps_refusals:
            return None
        refusal = asked_refusals.again(middleware.runtime, live, path, peer, question)
        if refusal is None:
            return None
        date = self._clock.now()
        if not refusal.receipt.is_durable:
            return refusal.app(date)
        body = b"" if question.method == "HEAD" else refusal.body
        return b"%bdate: %b\r\n\r\n%b" % (refusal.head, date, body)

    def _page(self, live: Live, method: bytes, raw_path: bytes) -> bytes | None:
        """The page of a refusal that the proxy was told of a moment ago."""
        if method != b"GET":
            return None
        page = live.pages.take(raw_path[len(_REFUSAL_PATH) :].decode("latin-1"))
        return None if page is None else _octets(page, self._clock.now())


def _octets(page: Page, date: bytes) -> bytes:
    status, headers, body = page
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    phrase = HTTPStatus(status).phrase.encode()
    return b"HTTP/1.1 %d %b\r\n%bdate: %b\r\n\r\n%b" % (status, phrase, lines, date, body)
