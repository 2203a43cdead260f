"""A request is sent again only where that cannot do anything twice, and at most once."""

from __future__ import annotations

import socket
import threading

import pytest

from proxy_support import SECONDS, Upstream, ask, fields, get, read_head, serving
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy

KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Forgetful(Upstream):
    """Answers the first request of a connection and closes at the second, once it has read its head.

    `always`: closes fresh connections the same way from the second one on.
    """

    def __init__(self, *, always: bool = False, answer: bytes = b"") -> None:
        self.connections = 0
        self._always = always
        self._last = answer
        super().__init__(lambda *_: None)

    def _answer(self, connection: socket.socket) -> None:
        self.connections += 1
        fresh_fails = self._always and self.connections > 1
        connection.settimeout(SECONDS)
        with connection:
            head, _ = read_head(connection)
            if not head:
                return
            self.heads.append(head)
            if fresh_fails:
                return
            connection.sendall(KEPT)
            head, _ = read_head(connection)
            if head:
                self.heads.append(head)
                connection.sendall(self._last)


def twice(upstream: Upstream, second: bytes) -> tuple[bytes, bytes, ReverseProxy]:
    proxy = ReverseProxy(upstream.url)
    try:
        with serving(proxy) as port:
            assert ask(port, get(b"/first"))[1] == b"ok"
            head, body = ask(port, second)
    finally:
        upstream.close()
    return head, body, proxy


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
def test_a_safe_request_is_sent_once_more_on_a_fresh_connection(method: bytes) -> None:
    upstream = Forgetful()
    head, body, proxy = twice(upstream, get(b"/second", method=method))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == (b"" if method == b"HEAD" else b"ok")
    assert [head.split(b" ")[1] for head in upstream.heads] == [b"/first", b"/second", b"/second"]
    assert proxy.retries == 1


@pytest.mark.parametrize(
    "second",
    [
        get(b"/second", b"Content-Length: 2", method=b"POST") + b"hi",
        get(b"/second", method=b"POST"),
        get(b"/second", method=b"DELETE"),
        get(b"/second", b"Content-Length: 2", method=b"PUT") + b"hi",
        get(b"/second", b"Content-Length: 2") + b"hi",
    ],
    ids=["POST", "POST without a body", "DELETE", "PUT", "GET with a body"],
)
def test_nothing_else_is_ever_sent_twice(second: bytes) -> None:
    upstream = Forgetful()
    head, _, proxy = twice(upstream, second)
    assert head.startswith(b"HTTP/1.1 502 ")
    assert [head.split(b" ")[1] for head in upstream.heads] == [b"/first", b"/second"]
    assert proxy.retries == 0


def test_it_is_sent_again_once_and_not_more_often() -> None:
    upstream = Forgetful(always=True)
    head, _, proxy = twice(upstream, get(b"/second"))
    assert head.startswith(b"HTTP/1.1 502 ")
    assert len(upstream.heads) == 3
    assert proxy.retries == 1


def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    upstream = Forgetful(answer=b"HTTP/1.1 200 OK\r\nContent-Le")
    head, _, proxy = twice(upstream, get(b"/second"))
    assert head.startswith(b"HTTP/1.1 502 ")
    assert len(upstream.heads) == 2
    assert proxy.retries == 0


def test_connections_are_kept_and_those_that_are_closed_are_not_used() -> None:
    """The upstream closes while the connection waits: the next request, a POST, takes a fresh one."""
    closed = threading.Event()

    class Closing(Upstream):
        def _answer(self, connection: socket.socket) -> None:
            with connection:
                connection.settimeout(SECONDS)
                for _ in range(2):
                    self.heads.append(read_head(connection)[0])
                    connection.sendall(KEPT)
            closed.set()

    upstream = Closing(lambda *_: None)
    proxy = ReverseProxy(upstream.url)
    with serving(proxy) as port:
        assert ask(port, get(b"/1"))[1] == ask(port, get(b"/2"))[1] == b"ok"
        assert closed.wait(SECONDS), "the second request came on another connection"
        # The proxy has read the end of that connection before it can read this request.
        head, body = ask(port, get(b"/3", method=b"POST"))
    upstream.close()
    assert (head.split(b" ")[1], body) == (b"200", b"ok")
    assert fields(upstream.heads[2], b"connection") == []
    assert proxy.retries == 0
