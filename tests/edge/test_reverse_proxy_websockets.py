"""Websockets through the reverse proxy, between a real server and real clients."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from process_support import CHROME, GPTBOT
from proxy_support import SECONDS, Site, ask, fields, get, read_head, serving
from proxy_support import connect as connect_raw
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.reverse_proxy import ReverseProxy

UPGRADE = (
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


class Socket:
    """A websocket server; keeps handshakes, and how each connection ended (code, reason)."""

    def __init__(self, handler: Callable[[ServerConnection], None], **options: Any) -> None:
        self.requests: list[Request] = []
        self.ends: list[tuple[int | None, str | None]] = []
        self.ended = threading.Event()
        self._handler = handler
        self._server = serve(self._handle, "127.0.0.1", 0, max_size=None, **options)
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        try:
            with contextlib.suppress(ConnectionClosed):
                self._handler(connection)
                connection.close()
        finally:
            self.ends.append((connection.close_code, connection.close_reason))
            self.ended.set()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(SECONDS)


@contextlib.contextmanager
def between(handler: Callable[[ServerConnection], None], **options: Any) -> Iterator[tuple[int, Socket]]:
    upstream = Socket(handler, **options)
    try:
        with serving(ReverseProxy(upstream.url)) as port:
            yield port, upstream
    finally:
        upstream.close()


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def open_at(port: int, path: str = "/live?x=1%20", **options: Any) -> ClientConnection:
    options = {"max_size": None, "open_timeout": SECONDS, "proxy": None, **options}
    client: ClientConnection = connect(f"ws://127.0.0.1:{port}{path}", **options)
    return client


def opened_at(port: int, **options: Any) -> ClientConnection:
    """For tests that end the connection themselves."""
    return open_at(port, **options).__enter__()


@pytest.mark.parametrize("message", ["text €", "", b"", bytes(range(256)), bytes(1_000_003), "ü" * 300_000])
def test_messages_pass_both_ways(message: str | bytes) -> None:
    with between(echo) as (port, _), open_at(port) as client:
        client.send(message)
        assert client.recv(SECONDS) == message


def test_fragments_arrive_as_one_message() -> None:
    def fragments(connection: ServerConnection) -> None:
        assert connection.recv() == "one two"
        connection.send(iter([b"a", b"b", b"c"]))

    with between(fragments) as (port, _), open_at(port) as client:
        client.send(iter(["one ", "two"]))
        assert client.recv(SECONDS) == b"abc"


def test_the_handshake_goes_through_and_the_hop_does_not() -> None:
    def answer(connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers["Set-Cookie"] = "a=1"
        response.headers["X-Utf8"] = "\xc3\xa9"

    with between(echo, process_response=answer, subprotocols=[Subprotocol("chat.v2")]) as (port, upstream):
        headers = {"Cookie": "c=2", "X-Forwarded-For": "203.0.113.9"}
        client = opened_at(
            port,
            subprotocols=[Subprotocol("chat.v1"), Subprotocol("chat.v2")],
            origin="https://label.example",
            additional_headers=headers,
        )
        assert client.subprotocol == "chat.v2"
        assert client.response is not None
        assert client.response.headers["Set-Cookie"] == "a=1"
        assert client.response.headers["X-Utf8"] == "\xc3\xa9"
        client.close()
    (request,) = upstream.requests
    assert request.path == "/live?x=1%20"
    assert request.headers["Host"] == f"127.0.0.1:{port}"
    assert request.headers["Origin"] == "https://label.example"
    assert request.headers["Cookie"] == "c=2"
    assert request.headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert request.headers["X-Forwarded-Proto"] == "ws"
    assert "Sec-WebSocket-Extensions" not in request.headers, "compression is agreed on hop by hop"


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "bye"), (3456, "ünïcode"), (4000, "x" * 123)]
)
def test_close_codes_pass_from_the_client(code: int, reason: str) -> None:
    reason = reason.encode()[:123].decode("utf-8", "ignore")
    with between(echo) as (port, upstream):
        client = opened_at(port)
        client.close(code, reason)
        assert upstream.ended.wait(SECONDS)
    assert upstream.ends == [(code, reason)]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1011, "broken"), (4999, "own")])
def test_close_codes_pass_from_the_upstream(code: int, reason: str) -> None:
    with between(lambda connection: connection.close(code, reason)) as (port, _), open_at(port) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(SECONDS)
        assert (client.close_code, client.close_reason) == (code, reason)


def test_an_upstream_that_vanishes_is_an_internal_error_to_the_client() -> None:
    def vanish(connection: ServerConnection) -> None:
        connection.socket.shutdown(socket.SHUT_RDWR)

    with between(vanish) as (port, _), open_at(port) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(SECONDS)
        assert client.close_code == CloseCode.INTERNAL_ERROR


def test_a_client_that_vanishes_vanishes_at_the_upstream() -> None:
    with between(echo) as (port, upstream):
        client = opened_at(port)
        client.send("a")
        assert client.recv(SECONDS) == "a"
        client.socket.shutdown(socket.SHUT_RDWR)
        assert upstream.ended.wait(SECONDS)
    assert upstream.ends == [(CloseCode.ABNORMAL_CLOSURE, "")]


def test_pings_are_answered_here() -> None:
    def pinging(connection: ServerConnection) -> None:
        assert connection.ping().wait(SECONDS)
        connection.send("pong came")

    with between(pinging) as (port, _), open_at(port) as client:
        assert client.ping().wait(SECONDS)
        assert client.recv(SECONDS) == "pong came"


def test_a_message_has_a_largest_size_both_ways() -> None:
    def large(connection: ServerConnection) -> None:
        if connection.recv() == "send":
            connection.send(bytes(17 * 1024 * 1024))
            connection.recv()

    with between(large) as (port, upstream):
        with open_at(port) as client:
            client.send("send")
            with pytest.raises(ConnectionClosed):
                client.recv(SECONDS)
            assert client.close_code == CloseCode.MESSAGE_TOO_BIG
        with open_at(port) as client:
            with contextlib.suppress(ConnectionClosed):
                client.send(bytes(17 * 1024 * 1024))
            with pytest.raises(ConnectionClosed):
                client.recv(SECONDS)
            assert client.close_code == CloseCode.MESSAGE_TOO_BIG
    assert {code for code, _ in upstream.ends} == {CloseCode.MESSAGE_TOO_BIG}


def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    sent, total = 0, 400
    stalled = threading.Event()

    def pour(connection: ServerConnection) -> None:
        nonlocal sent
        connection.socket.settimeout(None)
        timer = threading.Timer(1.0, stalled.set)
        timer.start()
        for _ in range(total):
            connection.send(bytes(256 * 1024))
            sent += 1
            if stalled.is_set():
                return

    with between(pour) as (port, _):
        request = get(b"/", *UPGRADE).replace(b"Connection: close\r\n", b"")
        with connect_raw(port) as client:
            client.sendall(request)
            assert b" 101 " in read_head(client)[0]
            assert stalled.wait(SECONDS)
            held = sent
    assert held < total / 2


def test_a_handshake_that_the_upstream_refuses_is_its_answer_to_the_client() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(401, "who are you?\n")
        response.headers["WWW-Authenticate"] = "Basic"
        return response

    with between(echo, process_request=refuse) as (port, _), pytest.raises(InvalidStatus) as caught:
        opened_at(port)
    response = caught.value.response
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Basic"
    assert response.body == b"who are you?\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Accept: wrong\r\n\r\n", 502),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", 502),
    ],
    ids=["no websocket", "a redirect", "a wrong key", "another protocol"],
)  # fmt: skip
def test_what_is_no_websocket_is_said(answer: bytes, status: int) -> None:
    site = Site(answer)
    with serving(ReverseProxy(site.url)) as port:
        head, _ = ask(port, get(b"/", *UPGRADE).replace(b"Connection: close\r\n", b""))
    site.close()
    assert int(head.split(b" ")[1]) == status
    assert len(site.heads) == 1, "redirects are the client's business"


def test_an_upstream_that_is_down_gives_the_clean_page() -> None:
    with serving(ReverseProxy("http://127.0.0.1:1")) as port, pytest.raises(InvalidStatus) as caught:
        opened_at(port, additional_headers={"Accept-Language": "de"})
    response = caught.value.response
    assert response.status_code == 502
    assert response.headers["Cache-Control"] == "no-store"
    assert response.body is not None
    assert "Die Website antwortet nicht" in response.body.decode()


def test_a_handshake_has_the_same_bounds_as_every_request() -> None:
    with between(echo) as (port, upstream):
        answers = [
            ask(port, get(b"/", *UPGRADE, more).replace(b"Connection: close\r\n", b""))[0]
            for more in (
                b"X-Long: " + b"x" * 70_000,
                b"Cookie: " + b"x" * 9_000,
                b"\r\n".join(b"X-%d: 1" % number for number in range(200)),
                b"Host: other.example",
                b"X-A: a\0b",
            )
        ]
    assert [answer.split(b" ")[1] for answer in answers] == [b"431", b"431", b"431", b"400", b"400"]
    assert upstream.requests == []


CONFIG = {
    "format": 1,
    "site": {"origin": "https://label.example", "hosts": ["127.0.0.1"]},
    "evidence": {"directory": "memory:"},
}


def test_a_refused_crawler_gets_403_before_the_upstream_is_touched() -> None:
    upstream = Socket(echo)
    middleware = VorbehaltMiddleware(ReverseProxy(upstream.url), config=CONFIG)
    with serving(middleware) as port:
        with pytest.raises(InvalidStatus) as caught:
            opened_at(port, user_agent_header=GPTBOT)
        assert upstream.requests == []
        with open_at(port, user_agent_header=CHROME) as client:
            client.send("hello")
            assert client.recv(SECONDS) == "hello"
            accepted = client.response
    upstream.close()
    assert caught.value.response.status_code == 403
    assert caught.value.response.headers["tdm-reservation"] == "1"
    assert accepted is not None
    assert accepted.headers["tdm-reservation"] == "1"


def test_a_server_that_ends_says_going_away_to_both_sides() -> None:
    upstream = Socket(echo)
    with serving(ReverseProxy(upstream.url)) as port:
        client = opened_at(port)
        client.send("a")
        assert client.recv(SECONDS) == "a"
    with pytest.raises(ConnectionClosed):
        client.recv(SECONDS)
    assert upstream.ended.wait(SECONDS)
    upstream.close()
    assert client.close_code == CloseCode.GOING_AWAY
    assert upstream.ends == [(CloseCode.GOING_AWAY, "going away")]


def test_only_a_whole_handshake_opens_one() -> None:
    """Without a key it is a request that cannot be answered otherwise."""
    with between(echo) as (port, upstream):
        head, _ = ask(port, get(b"/", *UPGRADE[:3]).replace(b"Connection: close\r\n", b""))
    assert head.split(b" ")[1] == b"400"
    assert fields(head, b"upgrade") == []
    assert upstream.requests == []
