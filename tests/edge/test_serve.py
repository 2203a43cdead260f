"""The sidecar's server on real sockets: bounded heads, exactly one Host, workers that are replaced."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.edge.listening import listening_socket
from vorbehalt.edge.reverse_proxy.plain import plain_app
from vorbehalt.edge.server import server_for
from vorbehalt.errors import VorbehaltError

SECONDS = 10.0


@contextlib.contextmanager
def serving(app: Any, address: str = "127.0.0.1:0") -> Iterator[Any]:
    server = server_for(app)
    bound = listening_socket(address)
    place = bound.getsockname()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield place
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


def ask(place: Any, request: bytes) -> bytes:
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(SECONDS)
        client.connect(place)
        with contextlib.suppress(OSError):  # a refused head may be refused before it is sent
            client.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := client.recv(65536):
                answer += chunk
        return answer


def get(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join([start, *lines, b"Connection: close", b"", b""])


def test_without_an_upstream_a_sentence_says_so() -> None:
    with serving(plain_app) as place:
        answer = ask(place, get(b"Host: a"))
        head = ask(place, get(b"Host: a", start=b"HEAD / HTTP/1.1"))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"forward auth only" in answer
    assert b"\r\ndate: " in answer
    assert b"\r\nserver:" not in answer.lower()
    assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_bytes",
    [get(), get(start=b"GET / HTTP/1.0"), get(b"Host: a", b"Host: b"), get(b"Host: a", b"Host: a")],
)
def test_a_request_without_exactly_one_host_is_refused(request_bytes: bytes) -> None:
    with serving(plain_app) as place:
        assert ask(place, request_bytes).startswith(b"HTTP/1.1 400 ")


def test_the_head_of_a_request_has_an_end() -> None:
    with serving(plain_app) as place:
        fits = ask(place, get(b"Host: a", b"X-Long: " + b"x" * 60_000))
        value = ask(place, get(b"Host: a", b"X-Long: " + b"x" * 70_000))
        many = ask(place, get(b"Host: a", *[b"x-%d: 1" % number for number in range(9_000)]))
        target = ask(place, get(b"Host: a", start=b"GET /" + b"a" * 70_000 + b" HTTP/1.1"))
        endless = ask(place, b"GET / HTTP/1.1\r\nHost: a\r\nX-Endless: " + b"x" * 3_000_000)
    assert fits.startswith(b"HTTP/1.1 404 ")
    for answer in (value, many, target, endless):
        assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_large_body_is_no_large_head() -> None:
    async def count(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await plain_app(scope, receive, send)
            return
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"date", b"yesterday")]})
        await send({"type": "http.response.body", "body": b"%d" % size})

    with serving(count) as place:
        request = get(b"Host: a", b"Content-Length: 1000000", start=b"POST / HTTP/1.1")
        answer = ask(place, request + bytes(1_000_000))
    assert b"1000000" in answer
    assert answer.count(b"date: ") == 1
    assert b"date: yesterday" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Folded: a\r\n b\r\n\r\n",
    ],
)
def test_ambiguous_framing_is_refused(request_bytes: bytes) -> None:
    with serving(plain_app) as place:
        assert ask(place, request_bytes).startswith(b"HTTP/1.1 400 ")


def test_a_unix_socket_gives_no_client_address(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(scope["client"])
        await plain_app(scope, receive, send)

    with serving(app, f"unix:{tmp_path}/vorbehalt.sock") as place:
        assert ask(place, get(b"Host: a", b"X-Forwarded-For: 8.8.8.8")).startswith(b"HTTP/1.1 404 ")
    assert seen == [None]


def test_forwarded_headers_never_change_the_socket_peer() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append((scope["client"][0], scope["scheme"]))
        await plain_app(scope, receive, send)

    with serving(app) as place:
        ask(place, get(b"Host: a", b"X-Forwarded-For: 8.8.8.8", b"X-Forwarded-Proto: https"))
    assert seen == [("127.0.0.1", "http")]


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with listening_socket("127.0.0.1:0") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            VorbehaltError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"
        ):
            listening_socket(f"127.0.0.1:{port}")


def test_a_deserted_socket_file_is_replaced_and_one_in_use_is_not(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/a.sock"
    listening_socket(address).close()
    with listening_socket(address), pytest.raises(VorbehaltError, match="Address already in use"):
        listening_socket(address)
    (tmp_path / "file").write_text("not a socket")
    with pytest.raises(VorbehaltError, match="cannot listen on"):
        listening_socket(f"unix:{tmp_path}/file")
    assert (tmp_path / "file").read_text() == "not a socket"


@pytest.mark.parametrize(
    "address", ["8100", "127.0.0.1:", "host.invalid:80", "203.0.113.1:80", "unix:/nowhere/a.sock"]
)
def test_an_address_that_cannot_be_used_is_named(address: str) -> None:
    with pytest.raises(VorbehaltError) as caught:
        listening_socket(address)
    assert address in str(caught.value)


@contextlib.contextmanager
def supervised(work: str) -> Iterator[subprocess.Popen[str]]:
    code = "import os, signal, sys\nfrom vorbehalt.edge.workers import supervise\n" + textwrap.dedent(work)
    code += "\nsupervise(work, 2)\nprint('ended', flush=True)\n"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_a_worker_that_dies_is_replaced_and_all_end_together() -> None:
    script = """
        def work():
            reading, writing = os.pipe()
            signal.signal(signal.SIGTERM, lambda *_: os.write(writing, b"x"))
            signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"reload\\n"))
            os.write(1, b"%d\\n" % os.getpid())
            os.read(reading, 1)
        """
    with supervised(script) as process:
        assert process.stdout is not None
        first, second = int(process.stdout.readline()), int(process.stdout.readline())
        os.kill(first, signal.SIGKILL)
        third = int(process.stdout.readline())
        assert len({first, second, third}) == 3
        process.send_signal(signal.SIGHUP)
        assert [process.stdout.readline() for _ in range(2)] == ["reload\n"] * 2
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)
    assert (out, process.returncode) == ("ended\n", 0), err


def test_workers_that_cannot_start_are_given_up_with_their_reason() -> None:
    script = """
        from vorbehalt.errors import VorbehaltError
        def work():
            raise VorbehaltError("the disk is not there")
        """
    with supervised(script) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "the disk is not there" in err
    assert "end as soon as they start" in err
    assert out == ""


CONFIG = """format = 1
[site]
origin = "https://label.example"
hosts = ["label.example"]
contact = "mailto:rights@label.example"
[evidence]
directory = "off"
[network]
trusted_proxies = ["127.0.0.1"]
"""


SERVE = """
import logging, sys
from vorbehalt.edge.serve import serve
from vorbehalt.settings import load
logging.basicConfig(level="INFO")
path, listen, workers = sys.argv[1:]
serve(path, load(path), listen=listen, workers=int(workers))
"""


@contextlib.contextmanager
def sidecar(folder: Path, workers: str = "1") -> Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]:
    """Run the whole sidecar; once it says where it listens, connections wait for it."""
    (folder / "vorbehalt.toml").write_text(CONFIG)
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder / "vorbehalt.toml"), "127.0.0.1:0", workers],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.fullmatch(r"vorbehalt listens on http://127\.0\.0\.1:(\d+), forward auth only\n", said)
            assert found is not None, said
            yield process, ("127.0.0.1", int(found[1]))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_sidecar_answers_reloads_and_ends_in_order(tmp_path: Path, workers: str) -> None:
    with sidecar(tmp_path, workers) as (process, place):
        robots = ask(place, get(b"Host: label.example", start=b"GET /robots.txt HTTP/1.1"))
        question = (
            b"Host: a",
            b"X-Forwarded-Host: label.example",
            b"X-Forwarded-Uri: /",
            b"X-Forwarded-For: 8.8.8.8",
        )
        auth = b"GET /.vorbehalt/auth HTTP/1.1"
        person = ask(place, get(*question, b"User-Agent: Mozilla/5.0 (X11) Firefox/140.0", start=auth))
        crawler = ask(place, get(*question, b"User-Agent: GPTBot/1.2", start=auth))
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert any("configuration reloaded" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
    assert robots.startswith(b"HTTP/1.1 200 ")
    assert person.startswith(b"HTTP/1.1 204 ")
    assert b"\r\ntdm-reservation: 1\r\n" in person
    assert crawler.startswith(b"HTTP/1.1 403 ")
    assert b"\r\nx-vorbehalt-status: 403\r\n" in crawler
    assert process.returncode == 0, err


def test_the_sidecar_says_that_its_place_is_taken(tmp_path: Path) -> None:
    with sidecar(tmp_path) as (_, (host, port)):
        ended = subprocess.run(
            [sys.executable, "-c", SERVE, str(tmp_path / "vorbehalt.toml"), f"{host}:{port}", "1"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert ended.returncode == 1
    assert f"cannot listen on {host}:{port}: Address already in use" in ended.stderr
