"""Streams: event by event, silent as long as they like, at the pace of the slower side, old and new forms."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest
import trustme

from proxy_support import (
    OK,
    SECONDS,
    Site,
    Upstream,
    answering,
    ask,
    before,
    connect,
    exchange_and_close,
    fields,
    get,
    read_head,
    through,
)

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n"
READ_SECONDS = 0.1


def test_events_arrive_one_by_one_and_silence_ends_nothing() -> None:
    """The time-out is for the beginning of an answer; here it is over three times between two events."""
    received, silence = threading.Event(), threading.Event()

    def stream(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.sendall(EVENTS + b"data: 1\n\n")
        assert received.wait(SECONDS)
        silence.wait(READ_SECONDS * 3)
        connection.sendall(b"data: 2\n\n")

    with through(stream, read_seconds=READ_SECONDS) as (port, _), connect(port) as client:
        client.sendall(get(b"/events"))
        head, data = read_head(client)
        while b"data: 1\n\n" not in data:
            data += client.recv(1000)
        assert b"data: 2" not in data
        received.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += client.recv(1000)
    assert fields(head, b"content-type") == [b"text/event-stream"]
    assert b"data: 2\n\n" in data


def test_a_listener_that_leaves_ends_the_stream_upstream() -> None:
    def stream(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.sendall(EVENTS + b"data: 1\n\n")
        connection.recv(1)  # returns when the proxy closes the connection

    with through(stream) as (port, upstream):
        with connect(port) as client:
            client.sendall(get(b"/events"))
            assert b"200" in read_head(client)[0]
        assert upstream.ended.wait(SECONDS / 2)


def test_a_slow_upload_is_not_a_slow_upstream() -> None:
    pause = threading.Event()
    site = Site()
    with before(site, read_seconds=READ_SECONDS) as port, connect(port) as client:
        client.sendall(get(b"/", b"Content-Length: 6", method=b"POST") + b"abc")
        pause.wait(READ_SECONDS * 3)
        client.sendall(b"def")
        head, _ = read_head(client)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert site.bodies == [b"abcdef"]


def test_an_upstream_that_does_not_take_the_upload_times_out() -> None:
    release = threading.Event()

    def deaf(connection: socket.socket, head: bytes, rest: bytes) -> None:
        release.wait(SECONDS)

    def pour(client: socket.socket) -> None:
        try:
            while True:
                client.sendall(bytes(1_000_000))
        except OSError:
            return

    with through(deaf, read_seconds=0.3) as (port, _), connect(port) as client:
        client.sendall(get(b"/", b"Content-Length: 1000000000", method=b"POST"))
        sender = threading.Thread(target=pour, args=(client,))
        sender.start()
        head, _ = read_head(client)
        with contextlib.suppress(OSError):  # already closed there
            client.shutdown(socket.SHUT_RDWR)
        sender.join(SECONDS)
        release.set()
    assert head.startswith(b"HTTP/1.1 504 ")


def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nold\r\n6\r\n style\r\n0\r\n\r\n"
    with through(answering(chunked)) as (port, _):
        head, body = ask(port, b"GET / HTTP/1.0\r\nHost: site.example\r\n\r\n")
    assert fields(head, b"transfer-encoding") == []
    assert fields(head, b"connection") == [b"close"]
    assert body == b"old style"


@pytest.mark.parametrize("response", [OK, b"HTTP/1.0 200 OK\r\n\r\nok"])
def test_a_client_of_http_1_0_gets_the_length_if_there_is_one(response: bytes) -> None:
    with through(answering(response)) as (port, _):
        head, body = ask(port, b"GET / HTTP/1.0\r\nHost: site.example\r\n\r\n")
    assert fields(head, b"content-length") == ([b"2"] if response is OK else [])
    assert body == b"ok"


def test_http_1_0_never_hides_that_a_body_was_cut() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with through(answering(half)) as (port, _):
        head, body = ask(port, b"GET / HTTP/1.0\r\nHost: site.example\r\n\r\n")
    assert fields(head, b"content-length") == [b"100"]
    assert body == b"half"


def test_many_requests_go_over_few_connections() -> None:
    site = Site()
    with before(site) as port, connect(port) as client:
        for number in range(20):
            client.sendall(get(b"/%d" % number).replace(b"close", b"keep-alive"))
            head, rest = read_head(client)
            assert head.startswith(b"HTTP/1.1 200 ")
            assert (rest or client.recv(10)) == b"ok"
    assert len(site.heads) == 20
    assert site.connections == 1


class SecureSite(Upstream):
    """An https upstream with a certificate for a name."""

    def __init__(self, authority: trustme.CA, name: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self._context)
        super().__init__(answering(OK))
        self.url = self.url.replace("http://127.0.0.1", "https://localhost")

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        try:
            secure = self._context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        super()._answer(secure)


@pytest.mark.parametrize(
    ("name", "known", "status"),
    [("localhost", True, b"200"), ("other.example", True, b"502"), ("localhost", False, b"502")],
    ids=["holds", "another name", "an unknown authority"],
)
def test_the_certificate_of_an_https_upstream_is_verified(name: str, known: bool, status: bytes) -> None:
    authority = trustme.CA()
    site = SecureSite(authority, name)
    context = ssl.create_default_context()
    if known:
        authority.configure_trust(context)
    with before(site, tls=context) as port:
        head, body = ask(port, get(b"/"))
    assert head.split(b" ")[1] == status
    assert len(site.heads) == (1 if status == b"200" else 0)
    assert b"certificate" not in body


def test_a_body_that_comes_whole_with_the_head_passes_too() -> None:
    site = Site(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
    with before(site) as port:
        answer = exchange_and_close(port, get(b"/").replace(b"close", b"keep-alive"))
    assert answer.count(b"x" * 100_000) == 2
