"""An upstream that breaks HTTP harms nobody: 502, or a cut connection, and the next visitor is served."""

from __future__ import annotations

import contextlib
import socket

import pytest

from proxy_support import OK, SECONDS, answering, ask, connect, fields, get, read_all, read_head, through

BEGIN = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"

BROKEN = {
    "length and chunks": BEGIN + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two lengths": BEGIN + LENGTH + b"Content-Length: 3\r\n\r\nok!",
    "the same length twice": BEGIN + LENGTH + LENGTH + b"\r\nok",
    "a negative length": BEGIN + b"Content-Length: -2\r\n\r\nok",
    "a length with a sign": BEGIN + b"Content-Length: +2\r\n\r\nok",
    "another coding": BEGIN + b"Transfer-Encoding: gzip\r\n\r\nok",
    "two codings": BEGIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a bare CR in a header": BEGIN + LENGTH + b"X-A: a\rX-B: b\r\n\r\nok",
    "a bare LF in a header": BEGIN + LENGTH + b"X-A: a\nX-B: b\r\n\r\nok",
    "NUL in a header": BEGIN + LENGTH + b"X-A: a\0b\r\n\r\nok",
    "a folded header": BEGIN + LENGTH + b"X-A: a\r\n b\r\n\r\nok",
    "a space before the colon": BEGIN + b"Content-Length : 2\r\n\r\nok",
    "a header without a colon": BEGIN + LENGTH + b"X-A\r\n\r\nok",
    "a head without end": BEGIN + b"X-A: " + b"a" * 200_000,
    "too large a head": BEGIN + LENGTH + b"X-A: " + b"a" * 70_000 + b"\r\n\r\nok",
    "too many headers": BEGIN + LENGTH + b"X-A: a\r\n" * 9_000 + b"\r\nok",
    "endless early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3_000,
    "a switch of protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "status 99": b"HTTP/1.1 099 X\r\n" + LENGTH + b"\r\nok",
    "status 700": b"HTTP/1.1 700 X\r\n" + LENGTH + b"\r\nok",
    "status OK": b"HTTP/1.1 OK 200\r\n" + LENGTH + b"\r\nok",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\nok",
    "another protocol": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "only a body": b"ok",
    "nothing": b"",
    "half a head": BEGIN + b"Content-Le",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_head_is_a_502_of_ours(name: str) -> None:
    with through(answering(BROKEN[name])) as (port, upstream):
        head, body = ask(port, get(b"/"))
        again = len(upstream.heads)
    assert head.startswith(b"HTTP/1.1 502 "), head
    assert b"does not answer" in body
    assert fields(head, b"x-b") == fields(head, b"x-a") == []
    assert again == 1, "a request that was answered with garbage was sent again"


CUT = {
    "too little": BEGIN + b"Content-Length: 20\r\n\r\nok",
    "a chunk without a number": BEGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n\r\n",
    "a chunk that is cut": BEGIN + b"Transfer-Encoding: chunked\r\n\r\n20\r\nok",
    "no last chunk": BEGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "a chunk with a sign": BEGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n-1\r\n\r\n",
}


@pytest.mark.parametrize("name", CUT)
def test_a_broken_body_never_looks_whole(name: str) -> None:
    with through(answering(CUT[name])) as (port, _), connect(port) as client:
        client.sendall(get(b"/").replace(b"close", b"keep-alive"))
        head, rest = read_head(client)
        with contextlib.suppress(ConnectionResetError):
            rest += read_all(client)  # ends, because the connection is cut
    assert head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 502 "))
    if head.startswith(b"HTTP/1.1 200 "):
        assert not rest.endswith(b"0\r\n\r\n")
        assert len(rest) < 20


def test_what_an_upstream_says_too_much_is_nobody_elses_answer() -> None:
    """A second answer behind the first, on a connection that is kept: the next visitor must not get it."""
    poisoned = BEGIN + LENGTH + b"\r\nok" + BEGIN + b"Content-Length: 4\r\n\r\nevil"

    def answer(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.sendall(poisoned)
        connection.recv(65536)

    with through(answer) as (port, upstream):
        bodies = [ask(port, get(target))[1] for target in (b"/1", b"/2", b"/3")]
        connections = len(upstream.heads)
    assert bodies == [b"ok"] * 3
    assert connections == 3


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
def test_a_body_where_none_may_be_is_nobody_elses_answer(method: bytes) -> None:
    status = b"HTTP/1.1 200 OK\r\n" if method == b"HEAD" else b"HTTP/1.1 204 No Content\r\n"

    def answer(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.sendall(status + LENGTH + b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        connection.recv(65536)

    with through(answer) as (port, _):
        answers = [ask(port, get(b"/", method=method)) for _ in range(3)]
    assert [body for _, body in answers] == [b""] * 3
    assert {head.split(b" ")[1] for head, _ in answers} == {b"200" if method == b"HEAD" else b"204"}


def test_early_hints_and_trailers_are_dropped_cleanly() -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    response = (
        hints
        + BEGIN
        + b"Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    with through(answering(response)) as (port, _):
        head, body = ask(port, get(b"/"))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert fields(head, b"link") == fields(head, b"trailer") == fields(head, b"x-sum") == []
    assert body == b"2\r\nok\r\n0\r\n\r\n"


def test_the_head_of_an_answer_may_come_byte_by_byte() -> None:
    def drip(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in OK:
            connection.sendall(bytes([byte]))

    with through(drip) as (port, _):
        assert ask(port, get(b"/"))[1] == b"ok"


def test_an_answer_before_the_request_is_whole_reaches_the_client() -> None:
    """As 413 does: the upstream says no and closes while the body is still coming."""
    refused = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    with through(answering(refused)) as (port, _), connect(port) as client:
        client.settimeout(SECONDS)
        client.sendall(get(b"/", b"Content-Length: 100000000", method=b"POST") + bytes(1000))
        head, _ = read_head(client)
    assert head.startswith(b"HTTP/1.1 413 ")
