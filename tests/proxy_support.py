"""A reverse proxy between raw sockets: upstreams made of one function, requests sent byte by byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.listening import listening_socket
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy
from vorbehalt.edge.server import server_for

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


def proxy(upstream: str, read_seconds: float = SECONDS) -> contextlib.AbstractContextManager[int]:
    """A reverse proxy in front of an upstream; gives its port."""
    return serving(ReverseProxy(upstream, AddressResolver(), read_seconds=read_seconds))


@contextlib.contextmanager
def serving(app: Any) -> Iterator[int]:
    """An app on the sidecar's server, in a thread; gives its port."""
    server = server_for(app)
    bound = listening_socket("127.0.0.1:0")
    port = bound.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
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


def read_length(connection: socket.socket, head: bytes, rest: bytes) -> bytes:
    length = int(fields(head, b"content-length")[0])
    while len(rest) < length:
        rest += connection.recv(65536)
    return rest


class Site(Upstream):
    """An upstream that keeps connections and reads bodies; `heads` has one entry per request it saw.

    `bodies` are as received, chunked ones undone. Whatever comes after a body is the next request to it.
    """

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.bodies: list[bytes] = []
        self.connections = 0
        self._fixed = answer
        super().__init__(answering(answer))

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        self.connections += 1
        data = b""
        with connection, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in data:
                    chunk = connection.recv(65536)
                    if not chunk:
                        if data:
                            self.heads.append(data)  # half a request is a request that somebody slipped in
                        return
                    data += chunk
                head, _, data = data.partition(b"\r\n\r\n")
                self.heads.append(head)
                body, data = self._body(connection, head, data)
                self.bodies.append(body)
                connection.sendall(self._fixed)

    def _body(self, connection: socket.socket, head: bytes, data: bytes) -> tuple[bytes, bytes]:
        if fields(head, b"transfer-encoding"):
            body = b""
            while True:
                while b"\r\n" not in data:
                    data += self._more(connection)
                size, _, data = data.partition(b"\r\n")
                while len(data) < int(size, 16) + 2:
                    data += self._more(connection)
                body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]
                if not int(size, 16):
                    return body, data
        length = int((fields(head, b"content-length") or [b"0"])[0])
        while len(data) < length:
            data += self._more(connection)
        return data[:length], data[length:]

    def _more(self, connection: socket.socket) -> bytes:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError
        return chunk


@contextlib.contextmanager
def before(upstream: Upstream, **options: Any) -> Iterator[int]:
    """A reverse proxy in front of this upstream; gives its port."""
    try:
        with serving(ReverseProxy(upstream.url, AddressResolver(), **options)) as port:
            yield port
    finally:
        upstream.close()


def exchange(port: int, *pieces: bytes) -> bytes:
    """Send pieces one after the other and return all that comes back until the connection is closed."""
    with connect(port) as client:
        with contextlib.suppress(OSError):  # refused before it was all sent
            for piece in pieces:
                client.sendall(piece)
        with contextlib.suppress(ConnectionResetError):
            return read_all(client)
        return b""


def exchange_and_close(port: int, request: bytes) -> bytes:
    """Send a request, await its answer with a length, then ask for `/last` and the end of the connection.

    Whatever of the request was left over somewhere would spoil that second answer.
    """
    with connect(port) as client:
        client.sendall(request)
        head, rest = read_head(client)
        body = read_length(client, head, rest)
        client.sendall(get(b"/last"))
        return head + b"\r\n\r\n" + body + read_all(client)
