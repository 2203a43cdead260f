"""`vorbehalt serve --upstream` as a process: bodies of any size in constant memory."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from body_support import MIB, head_of, receiving, site
from process_support import ask
from proxy_support import connect, read_head

Ports = Callable[[int], list[int]]
PIECE = bytes(MIB)


def sending(mebibytes: int) -> Callable[[socket.socket, bytes, bytes], None]:
    def send(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.settimeout(600)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (mebibytes * MIB)
        )
        for _ in range(mebibytes):
            connection.sendall(PIECE)

    return send


def peak_mebibytes(pid: int) -> float:
    """The most memory that a process has ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def upload(port: int, mebibytes: int) -> bytes:
    with connect(port) as client:
        client.settimeout(600)
        client.sendall(head_of("POST", length=mebibytes * MIB))
        for _ in range(mebibytes):
            client.sendall(PIECE)
        head, rest = read_head(client)
        assert head.startswith(b"HTTP/1.1 200 "), head
        return rest or client.recv(100)


def download(port: int, stall: threading.Event | None = None) -> int:
    with connect(port) as client:
        client.settimeout(600)
        client.sendall(head_of("GET"))
        _, rest = read_head(client)
        if stall is not None:
            stall.wait(0.5)  # a slow reader: all that can fill up is full
        got = len(rest)
        while data := client.recv(MIB):
            got += len(data)
        return got


def both_ways(config: Path, sidecar: Any, port: int, mebibytes: int) -> float:
    """Move a body up and down, and down again slowly; return by how much the peak memory grew, in MiB."""
    with site(receiving) as up, sidecar(config, port, "--upstream", up.url) as process:
        assert upload(port, 1) == b"%d" % MIB
        before = peak_mebibytes(process.pid)
        assert upload(port, mebibytes) == b"%d" % (mebibytes * MIB)
        grown = peak_mebibytes(process.pid) - before
    with site(sending(mebibytes)) as down, sidecar(config, port, "--upstream", down.url) as process:
        ask(port, "/robots.txt")
        before = peak_mebibytes(process.pid)
        assert download(port) == mebibytes * MIB
        assert download(port, threading.Event()) == mebibytes * MIB
        return max(grown, peak_mebibytes(process.pid) - before)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_large_body_is_never_held(config: Path, sidecar: Any, ports: Ports) -> None:
    (port,) = ports(1)
    assert both_ways(config, sidecar, port, 64) < 16


@pytest.mark.drill
def test_a_gigabyte_each_way_in_constant_memory(config: Path, sidecar: Any, ports: Ports) -> None:
    (port,) = ports(1)
    grown = both_ways(config, sidecar, port, 1024)
    print(f"1 GiB up, down, and down slowly: the peak memory of the process grew by {grown:.1f} MiB")
    assert grown < 16
