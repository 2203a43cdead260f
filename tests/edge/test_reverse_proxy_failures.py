"""What happens when one side fails, hurries or dawdles: clean pages, cut connections, no endless waiting."""

from __future__ import annotations

import socket
import threading

import pytest

from proxy_support import (
    OK,
    SECONDS,
    Upstream,
    answering,
    ask,
    connect,
    fields,
    get,
    proxy,
    serving,
    through,
)
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy


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


@pytest.mark.parametrize(
    ("wished", "language", "title"),
    [
        (b"de-AT,en;q=0.5", b"de", "Die Website antwortet nicht"),
        (b"fr", b"fr", "Le site ne répond pas"),
        (b"pl, en;q=0.1", b"en", "The site does not answer"),
        (b"pl", b"de", "Die Website antwortet nicht"),
    ],
)
def test_the_page_speaks_the_language_of_the_reader(wished: bytes, language: bytes, title: str) -> None:
    with serving(ReverseProxy("http://127.0.0.1:1", language="de")) as port:
        head, body = ask(port, get(b"/", b"Accept-Language: " + wished))
    assert fields(head, b"content-language") == [language]
    assert f"<h1>{title}</h1>" in body.decode()
    assert f'<html lang="{language.decode()}">' in body.decode()
    assert b"127.0.0.1" not in body


def test_it_is_said_that_an_upstream_is_down_until_it_answers_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said: list[str] = []
        proxy = ReverseProxy(f"http://{address}")
        proxy.on_state = said.append
        with serving(proxy) as port:
            assert ask(port, get(b"/"))[0].startswith(b"HTTP/1.1 502 ")
            taken.close()
            upstream = Upstream(answering(OK), address)
            assert ask(port, get(b"/"))[1] == b"ok"
            assert ask(port, get(b"/"))[1] == b"ok"
            upstream.close()
    assert said[0].startswith(f"the upstream http://{address} cannot be reached: ")
    assert said[1:] == [""]


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
