"""Websockets through the reverse proxy: messages, ends and limits, between a real server and real clients."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection
from websockets.typing import Subprotocol

from proxy_support import SECONDS, connect, get, read_head, serving
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy
from websocket_support import UPGRADE, Socket, between, echo, open_at, opened_at


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
        connection.recv()  # a ping that meets a close is not answered

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


class Pouring:
    """An upstream that sends without an end, until it is held back; counts what it got rid of."""

    def __init__(self) -> None:
        self.sent, self.total = 0, 400
        self.stalled = threading.Event()

    def __call__(self, connection: ServerConnection) -> None:
        connection.socket.settimeout(None)
        threading.Timer(1.0, self.stalled.set).start()
        for _ in range(self.total):
            connection.send(bytes(256 * 1024))
            self.sent += 1
            if self.stalled.is_set():
                return


def open_and_read_nothing(client: socket.socket) -> None:
    client.sendall(get(b"/", *UPGRADE).replace(b"Connection: close\r\n", b""))
    assert b" 101 " in read_head(client)[0]


def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    pour = Pouring()
    with between(pour) as (port, _), connect(port) as client:
        open_and_read_nothing(client)
        assert pour.stalled.wait(SECONDS)
        held = pour.sent
    assert held < pour.total / 2


@pytest.mark.parametrize("has_closed", [True, False])
def test_a_client_that_does_not_read_does_not_hold_an_end(has_closed: bool) -> None:
    """It gets two seconds to take what is on its way, not the ten of an answer under way."""
    pour = Pouring()
    upstream = Socket(pour)
    with contextlib.ExitStack() as left, serving(ReverseProxy(upstream.url)) as port:
        client = left.enter_context(connect(port))
        open_and_read_nothing(client)
        assert pour.stalled.wait(SECONDS)
        if has_closed:
            client.close()
        began = time.monotonic()
    took = time.monotonic() - began
    upstream.close()
    assert took < 7


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
