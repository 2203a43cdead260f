"""Buffers are used again, but never under the eyes of somebody who still reads them."""

from __future__ import annotations

import socket
import threading

from proxy_support import SECONDS, connect, get, read_head, through
from vorbehalt.edge.reverse_proxy.buffers import Buffers

SIZE = 4 * 1024 * 1024


def test_a_buffer_comes_again_when_nobody_looks_at_it_any_more() -> None:
    buffers = Buffers()
    first = buffers.take()
    view = memoryview(first)[10:20]
    second = buffers.take()
    view.release()
    assert second is not first
    assert {id(buffers.take()) for _ in range(4)} <= {id(first), id(second)}
    assert len(first) == len(second)


def test_any_number_of_buffers_can_be_in_use() -> None:
    buffers = Buffers()
    held = [memoryview(buffers.take()) for _ in range(200)]
    assert len({id(view.obj) for view in held}) == 200


def test_stalled_readers_do_not_make_others_take_new_memory_for_each_piece() -> None:
    """Eight buffers are held; one reader that is always a piece behind needs two more."""
    buffers = Buffers()
    held = [memoryview(buffers.take()) for _ in range(8)]
    busy = {id(view.obj) for view in held}
    used: set[int] = set()
    behind = memoryview(buffers.take())
    for _ in range(100):
        used.add(id(behind.obj))
        piece = memoryview(buffers.take())
        behind.release()
        behind = piece
    assert not used & busy
    assert len(used) == 2


def test_readers_that_dawdle_get_their_own_bytes() -> None:
    """Twelve downloads at once, half of them stalled while the others run through the same buffers."""
    stalled = threading.Barrier(6)
    fast_done = threading.Event()
    bodies: dict[int, bytes] = {}

    def send(connection: socket.socket, head: bytes, rest: bytes) -> None:
        number = int(head.split(b" ")[1][1:])
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % SIZE)
        connection.sendall(bytes([number]) * SIZE)

    def read(port: int, number: int) -> None:
        with connect(port) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.sendall(get(b"/%d" % number))
            _, body = read_head(client)
            if number < 6:
                stalled.wait(SECONDS)
                fast_done.wait(SECONDS)
            parts = [body]
            while data := client.recv(65536):
                parts.append(data)
            bodies[number] = b"".join(parts)

    with through(send) as (port, _):
        slow = [threading.Thread(target=read, args=(port, number)) for number in range(6)]
        fast = [threading.Thread(target=read, args=(port, number)) for number in range(6, 12)]
        for thread in slow + fast:
            thread.start()
        for thread in fast:
            thread.join(SECONDS)
        fast_done.set()
        for thread in slow:
            thread.join(SECONDS)

    assert {number: set(body) for number, body in bodies.items()} == {
        number: {number} for number in range(12)
    }
    assert {len(body) for body in bodies.values()} == {SIZE}
