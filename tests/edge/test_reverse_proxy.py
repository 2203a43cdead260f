"""The reverse proxy between raw sockets: what goes in comes out, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.listening import listening_socket
from vorbehalt.edge.proxy_headers import request_headers, response_headers
from vorbehalt.edge.reverse_proxy import ReverseProxy
from vorbehalt.edge.server import server_for
from vorbehalt.errors import VorbehaltError

Handler = Callable[[socket.socket, bytes, bytes], object]
SECONDS = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read up to the end of the headers; return them and what came after."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            break
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while chunk := connection.recv(65536):
        parts.append(chunk)
    return b"".join(parts)


class Upstream:
    """A server made of one function; keeps the heads that it has read."""

    def __init__(self, handler: Handler, address: str = "127.0.0.1:0") -> None:
        self.heads: list[bytes] = []
        self.ended = threading.Event()
        self._handler = handler
        self._socket = listening_socket(address)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}" if ":0" in address else address
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        with connection, contextlib.suppress(OSError):
            head, rest = read_head(connection)
            self.heads.append(head)
            self._handler(connection, head, rest)
        self.ended.set()

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def proxy(upstream: str, read_seconds: float = SECONDS) -> Iterator[int]:
    server = server_for(ReverseProxy(upstream, AddressResolver(), read_seconds=read_seconds))
    bound = listening_socket("127.0.0.1:0")
    port = bound.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


@contextlib.contextmanager
def through(handler: Handler, read_seconds: float = SECONDS) -> Iterator[tuple[int, Upstream]]:
    upstream = Upstream(handler)
    try:
        with proxy(upstream.url, read_seconds) as port:
            yield port, upstream
    finally:
        upstream.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), SECONDS)


def ask(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send a request that asks for the connection to be closed; return head and body."""
    with connect(port) as client:
        client.sendall(request)
        head, rest = read_head(client)
        return head, rest + read_all(client)


def answering(response: bytes) -> Handler:
    return lambda connection, head, rest: connection.sendall(response)


def get(target: bytes, *more: bytes, method: bytes = b"GET") -> bytes:
    lines = [
        method + b" " + target + b" HTTP/1.1",
        b"Host: site.example",
        b"Connection: close",
        *more,
        b"",
        b"",
    ]
    return b"\r\n".join(lines)


def fields(head: bytes, name: bytes) -> list[bytes]:
    pairs = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return [value.strip() for key, _, value in pairs if key.lower() == name]


@pytest.mark.parametrize(
    "target",
    [
        b"/a%2Fb//c?x=%zz",
        b"/a/../b/./c",
        b"/%E2%82%AC?q=%20+&&=",
        b"//evil.example/x",
        b"/a?b?c=/d//e",
        b"/p;v=1",
    ],
)
def test_the_target_goes_through_byte_for_byte(target: bytes) -> None:
    with through(answering(OK)) as (port, upstream):
        head, body = ask(port, get(target))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"ok"
    assert upstream.heads[0].split(b"\r\n")[0] == b"GET " + target + b" HTTP/1.1"


def test_request_headers_go_through_and_nothing_of_ours_is_added() -> None:
    more = (
        b"X-Twice: 1",
        b"x-twice: 2",
        b"Cookie: a=1",
        b"X-Utf8: \xc3\xa9",
        b"Connection: X-Private",
        b"X-Private: 1",
    )
    with through(answering(OK)) as (port, upstream):
        ask(port, get(b"/", *more))
    head = upstream.heads[0]
    assert fields(head, b"host") == [b"site.example"]
    assert fields(head, b"x-twice") == [b"1", b"2"]
    assert fields(head, b"x-utf8") == [b"\xc3\xa9"]
    assert fields(head, b"cookie") == [b"a=1"]
    for absent in (
        b"x-private",
        b"user-agent",
        b"accept",
        b"accept-encoding",
        b"content-type",
        b"content-length",
    ):
        assert fields(head, absent) == [], absent
    assert fields(head, b"x-forwarded-for") == [b"127.0.0.1"]
    assert fields(head, b"x-forwarded-proto") == [b"http"]
    assert fields(head, b"x-forwarded-host") == [b"site.example"]


def test_response_headers_keep_order_and_repetition_and_lose_the_hop() -> None:
    response = (
        b"HTTP/1.1 299 Fine\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\n"
        b"Keep-Alive: timeout=5\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"Content-Length: 7\r\n\r\nnotgzip"
    )
    with through(answering(response)) as (port, _):
        head, body = ask(port, get(b"/", b"Accept-Encoding: gzip"))
    assert head.startswith(b"HTTP/1.1 299")
    assert fields(head, b"set-cookie") == [b"a=1; Path=/", b"b=2"]
    assert fields(head, b"content-encoding") == [b"gzip"]
    assert fields(head, b"date") == [b"Thu, 01 Jan 1970 00:00:00 GMT"]
    assert fields(head, b"x-hop") == fields(head, b"keep-alive") == fields(head, b"server") == []
    assert body == b"notgzip"


def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    response = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: s=1\r\nContent-Length: 0\r\n\r\n"
    with through(answering(response)) as (port, upstream):
        first, _ = ask(port, get(b"/a"))
        ask(port, get(b"/c"))
    assert fields(first, b"location") == [b"/b"]
    assert [head.split()[1] for head in upstream.heads] == [b"/a", b"/c"]
    assert fields(upstream.heads[1], b"cookie") == []


def read_length(connection: socket.socket, head: bytes, rest: bytes) -> bytes:
    length = int(fields(head, b"content-length")[0])
    while len(rest) < length:
        rest += connection.recv(65536)
    return rest


def test_a_megabyte_streams_both_ways() -> None:
    sent = os.urandom(1_000_003)

    def echo(connection: socket.socket, head: bytes, rest: bytes) -> None:
        body = read_length(connection, head, rest)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    with through(echo) as (port, upstream):
        head, got = ask(port, get(b"/", b"Content-Length: %d" % len(sent), method=b"POST") + sent)
    assert hashlib.sha256(got).digest() == hashlib.sha256(sent).digest()
    assert fields(head, b"content-length") == [b"%d" % len(sent)]
    assert fields(head, b"transfer-encoding") == []
    assert fields(upstream.heads[0], b"transfer-encoding") == []


def test_chunked_bodies_stay_chunked_both_ways() -> None:
    def echo(connection: socket.socket, head: bytes, rest: bytes) -> None:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += connection.recv(65536)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + rest
        )

    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    with through(echo) as (port, upstream):
        head, got = ask(port, get(b"/", b"Transfer-Encoding: chunked", method=b"PUT") + body)
    assert fields(upstream.heads[0], b"transfer-encoding") == [b"chunked"]
    assert fields(upstream.heads[0], b"content-length") == []
    assert fields(head, b"transfer-encoding") == [b"chunked"]
    assert fields(head, b"content-length") == []
    assert b"".join(part.partition(b"\r\n")[2] for part in got.split(b"\r\n\r\n")) or got.endswith(
        b"0\r\n\r\n"
    )
    assert b"hello" in got
    assert got.endswith(b"0\r\n\r\n")


def test_an_upstream_that_ends_by_closing_is_whole() -> None:
    with through(answering(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold style")) as (port, _):
        head, got = ask(port, get(b"/"))
    assert fields(head, b"transfer-encoding") == [b"chunked"]
    assert b"old style" in got
    assert got.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [(b"HEAD", b"200", [b"123"]), (b"GET", b"304", []), (b"GET", b"204", [])],
)
def test_answers_without_a_body_have_none(method: bytes, status: bytes, length: list[bytes]) -> None:
    response = b"HTTP/1.1 " + status + b' X\r\nETag: "e"\r\nContent-Length: 123\r\nConnection: close\r\n\r\n'
    with through(answering(response)) as (port, _):
        head, got = ask(port, get(b"/", method=method))
    assert head.split()[1] == status
    assert fields(head, b"etag") == [b'"e"']
    assert fields(head, b"content-length") == length
    assert fields(head, b"transfer-encoding") == []
    assert got == b""


def test_expect_continue_is_answered_here() -> None:
    with through(lambda c, head, rest: c.sendall(OK) if read_length(c, head, rest) else None) as (
        port,
        upstream,
    ):
        with connect(port) as client:
            client.sendall(get(b"/", b"Expect: 100-continue", b"Content-Length: 4", method=b"POST"))
            assert read_head(client)[0].startswith(b"HTTP/1.1 100 ")
            client.sendall(b"body")
            assert read_head(client)[0].startswith(b"HTTP/1.1 200 ")
        assert fields(upstream.heads[0], b"expect") == []


def test_an_upstream_that_is_down_gives_a_clean_page() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with proxy(url) as port:
            head, body = ask(port, get(b"/"))
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"does not answer" in body
    assert fields(head, b"cache-control") == [b"no-store"]
    assert url.encode() not in body


def test_an_upstream_that_says_nothing_times_out() -> None:
    release = threading.Event()

    def silent(connection: socket.socket, head: bytes, rest: bytes) -> None:
        release.wait(SECONDS)

    with through(silent, read_seconds=0.05) as (port, _):
        head, body = ask(port, get(b"/"))
        release.set()
    assert head.startswith(b"HTTP/1.1 504 ")
    assert b"too long" in body


def test_an_upstream_that_talks_nonsense_gives_a_clean_page() -> None:
    with through(answering(b"SSH-2.0-OpenSSH_9\r\n\r\n")) as (port, _):
        assert ask(port, get(b"/"))[0].startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_half_a_body_never_looks_whole(framing: bytes) -> None:
    response = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + framing + b"\r\n\r\n5\r\nhello\r\n"
    with through(answering(response)) as (port, _):
        head, got = ask(port, get(b"/"))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert not got.endswith(b"0\r\n\r\n")
    assert len(got) < 100


def test_a_client_that_leaves_ends_the_exchange_upstream() -> None:
    arrived = threading.Event()

    def never(connection: socket.socket, head: bytes, rest: bytes) -> None:
        arrived.set()
        connection.recv(1)  # returns when the proxy closes the connection

    with through(never) as (port, upstream):
        client = connect(port)
        client.sendall(get(b"/slow"))
        assert arrived.wait(SECONDS)
        client.close()
        assert upstream.ended.wait(SECONDS / 2)


def test_a_slow_client_slows_the_upstream_down() -> None:
    total, sent = 64 * 1024 * 1024, 0
    stalled = threading.Event()

    def pour(connection: socket.socket, head: bytes, rest: bytes) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % total)
        connection.settimeout(0.3)
        try:
            while sent < total:
                sent += connection.send(bytes(65536))
        except TimeoutError:
            stalled.set()

    with through(pour) as (port, _), connect(port) as client:
        client.sendall(get(b"/"))
        assert client.recv(1000)
        assert stalled.wait(SECONDS)
    assert sent < total / 2


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get(b"/", b"Upgrade: websocket", b"Connection: Upgrade"), b"501"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"400"),
    ],
)
def test_what_cannot_be_passed_on_is_said(request_bytes: bytes, status: bytes) -> None:
    with through(answering(OK)) as (port, upstream):
        head, _ = ask(port, request_bytes)
    assert head.split()[1] == status
    assert upstream.heads == []


def test_a_unix_socket_is_an_upstream(tmp_path: Path) -> None:
    upstream = Upstream(answering(OK), f"unix:{tmp_path}/site.sock")
    try:
        with proxy(upstream.url) as port:
            assert ask(port, get(b"/x"))[1] == b"ok"
    finally:
        upstream.close()
    assert fields(upstream.heads[0], b"host") == [b"site.example"]


@pytest.mark.parametrize(
    "upstream",
    ["127.0.0.1:80", "ftp://a", "http://", "http://a/path", "http://a?q", "http://u@a", "http://a:x"],
)
def test_an_upstream_of_the_wrong_form_is_refused(upstream: str) -> None:
    with pytest.raises(VorbehaltError, match="upstream"):
        ReverseProxy(upstream)


def test_the_forwarded_chain_grows_and_strangers_do_not_choose_scheme_and_host() -> None:
    received = [
        (b"host", b"site.example"),
        (b"x-forwarded-for", b"203.0.113.1"),
        (b"x-forwarded-for", b"198.51.100.2"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"other.example"),
    ]
    stranger = request_headers(received, peer="192.0.2.7", scheme="http", trusted=False)
    friend = request_headers(received, peer="192.0.2.7", scheme="http", trusted=True)
    chain = (b"x-forwarded-for", b"203.0.113.1, 198.51.100.2, 192.0.2.7")
    assert chain in stranger
    assert chain in friend
    assert (b"x-forwarded-proto", b"http") in stranger
    assert (b"x-forwarded-host", b"site.example") in stranger
    assert (b"x-forwarded-proto", b"https") in friend
    assert (b"x-forwarded-host", b"other.example") in friend


def test_a_client_cannot_take_away_what_the_site_relies_on() -> None:
    received = [
        (b"connection", b"Host, X-Forwarded-For, x-mine"),
        (b"host", b"a"),
        (b"x-forwarded-for", b"b"),
        (b"x-mine", b"c"),
    ]
    assert request_headers(received, peer=None, scheme="http", trusted=True)[:2] == [
        (b"host", b"a"),
        (b"x-forwarded-for", b"b"),
    ]


def test_length_and_transfer_encoding_never_go_on_together() -> None:
    both = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked"), (b"etag", b'"e"')]
    names = {name for name, _ in request_headers(both, peer=None, scheme="http", trusted=True)}
    assert not names & {b"content-length", b"transfer-encoding"}
    assert response_headers(tuple(both), 200) == [(b"etag", b'"e"')]
    assert (b"content-length", b"5") in response_headers(tuple(both[:1]), 200)


@pytest.mark.parametrize(
    ("extensions", "sent"),
    [
        ({}, [("websocket.close", None)]),
        (
            {"websocket.http.response": {}},
            [("websocket.http.response.start", 501), ("websocket.http.response.body", None)],
        ),
    ],
)
def test_a_websocket_is_refused_with_a_sentence(
    extensions: dict[str, object], sent: list[tuple[str, int | None]]
) -> None:
    messages: list[dict[str, Any]] = []

    async def receive() -> Any:
        raise AssertionError("a refusal never calls receive")

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {"type": "websocket", "extensions": extensions, "headers": []}
    asyncio.run(ReverseProxy("http://127.0.0.1:1")(scope, receive, send))
    assert [(message["type"], message.get("status")) for message in messages] == sent
    assert "Websockets do not pass through here" in str(messages)
