"""A site made of one function behind a sidecar, and bodies of any size to and from it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

from process_support import CHROME
from proxy_support import Upstream, fields

MIB = 1024 * 1024


@contextlib.contextmanager
def site(handler: Callable[[socket.socket, bytes, bytes], object]) -> Iterator[Upstream]:
    upstream = Upstream(handler)
    try:
        yield upstream
    finally:
        upstream.close()


def receiving(connection: socket.socket, head: bytes, rest: bytes) -> None:
    """Take a body and say how long it was."""
    length, got = int(fields(head, b"content-length")[0]), len(rest)
    while got < length and (data := connection.recv(MIB)):
        got += len(data)
    answer = b"%d" % got
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(answer), answer)
    )


def head_of(method: str, agent: str = CHROME, length: int = 0) -> bytes:
    lines = [
        f"{method} /lyrics/1 HTTP/1.1",
        "Host: label.example",
        f"User-Agent: {agent}",
        "Connection: close",
    ]
    if length:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()
