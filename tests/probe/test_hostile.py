"""Servers that are broken or mean: the probe ends, says what happened, and reads no more than it must."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from vorbehalt.probe.asking import MOST_BODY, MOST_SAMPLE, Asker
from vorbehalt.probe.exchange import Exchange, Kind
from vorbehalt.probe.gather import UnreachableError
from vorbehalt.probe.run import probe
from vorbehalt.probe.wire import MOST_HEAD

Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Begin a server that does with each connection what it is told, after it has read the request's head."""
    with contextlib.ExitStack() as stack:

        def begin(answer: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> str:
            listening = socket.create_server(("127.0.0.1", 0))
            stopped = threading.Event()

            def run() -> None:
                while not stopped.is_set():
                    with contextlib.suppress(OSError):
                        sock, _ = listening.accept()
                        with contextlib.closing(sock):
                            sock.settimeout(10)
                            secure = context.wrap_socket(sock, server_side=True) if context else sock
                            with contextlib.closing(secure):
                                secure.recv(65_536)
                                answer(secure)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()

            def end() -> None:
                stopped.set()
                with contextlib.suppress(OSError):
                    socket.create_connection(listening.getsockname(), timeout=1).close()
                listening.close()
                thread.join(10)

            stack.callback(end)
            return f"http{'s' if context else ''}://127.0.0.1:{listening.getsockname()[1]}"

        yield begin


def ask(origin: str, kind: Kind = "page", timeout: float = 5.0, **options: Any) -> Exchange:
    found = Asker("test", timeout_seconds=timeout).ask(f"{origin}/", kind, **options)
    assert found is not None
    return found


def sending(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(sock: socket.socket) -> None:
        for part in parts:
            sock.sendall(part)

    return answer


def endless(head: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def answer(sock: socket.socket) -> None:
        sock.sendall(head)
        while True:
            sock.sendall(piece)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.mark.parametrize(("kind", "most"), [("page", MOST_BODY), ("image", MOST_SAMPLE)])
def test_an_endless_body_is_cut(kind: Kind, most: int, serve: Serve) -> None:
    found = ask(serve(endless(HEAD + b"\r\n", b"x" * 65_536)), kind)

    assert (found.status, found.truncated, found.fault) == (200, "length", None)
    assert len(found.body) == most
    assert len(found.received) <= most + MOST_HEAD


def test_an_endless_chunked_body_is_cut(serve: Serve) -> None:
    found = ask(
        serve(endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"))
    )

    assert (found.status, found.truncated, len(found.body)) == (200, "length", MOST_BODY)


def test_headers_without_end_are_no_answer(serve: Serve) -> None:
    found = ask(serve(endless(HEAD, b"X-Filler: " + b"y" * 1_000 + b"\r\n")))

    assert (found.status, found.fault and found.fault.code) == (0, "malformed")
    assert len(found.received) <= MOST_BODY + MOST_HEAD


def test_ten_thousand_headers_are_read_as_what_they_are(serve: Serve) -> None:
    lines = b"".join(b"x-%d: 1\r\n" % number for number in range(10_000))

    found = ask(serve(sending(HEAD + lines + b"Content-Length: 2\r\n\r\nok")))

    assert (found.fault and found.fault.code) == "malformed"
    assert "more than 100 headers" in (found.fault.message if found.fault else "")


def test_bytes_that_drip_end_at_the_limit_of_time(serve: Serve) -> None:
    gone = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        while not gone.wait(0.05):
            sock.sendall(b"x")

    found = ask(serve(drip), timeout=0.4)
    gone.set()

    assert (found.status, found.truncated, found.fault and found.fault.code) == (200, "time", "time-out")
    assert "within 0.4 s" in (found.fault.message if found.fault else "")


def test_silence_is_a_time_out(serve: Serve) -> None:
    asked = threading.Event()

    def wait(sock: socket.socket) -> None:
        asked.wait(10)

    found = ask(serve(wait), timeout=0.2)
    asked.set()

    assert (found.status, found.fault and found.fault.code) == (0, "time-out")


BROKEN = [
    (b"", "reset"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "not-http"),
    (b"220 mail.example ESMTP\r\n", "not-http"),
    (b"HTTP/1.1 two hundred\r\n\r\n", "malformed"),
    (HEAD + b"Content-Length: 500\r\n\r\nshort", "cut-off"),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "cut-off"),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", "cut-off"),
]


@pytest.mark.parametrize(("answer", "code"), BROKEN)
def test_a_broken_answer_has_a_name(answer: bytes, code: str, serve: Serve) -> None:
    found = ask(serve(sending(answer)))

    assert (found.fault and found.fault.code) == code
    assert found.received == answer


def test_a_connection_that_is_reset_has_a_name(serve: Serve) -> None:
    def reset(sock: socket.socket) -> None:
        sock.sendall(HEAD)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    assert (fault := ask(serve(reset)).fault) is not None
    assert fault.code == "reset"


def test_a_gzip_bomb_is_not_unpacked(serve: Serve) -> None:
    packed = gzip.compress(bytes(200 * 1024 * 1024), 9)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)

    found = ask(serve(sending(head, packed)))

    assert len(found.body) == MOST_BODY
    assert found.entity == packed


def test_interim_answers_are_passed_over_and_kept(serve: Serve) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\n\r\n"
    final = HEAD + b"Content-Length: 2\r\nTDM-Reservation: 1\r\n\r\nok"

    found = ask(serve(sending(b"HTTP/1.1 100 Continue\r\n\r\n" + early, final)))

    assert (found.status, found.body, found.values(b"tdm-reservation")) == (200, b"ok", (b"1",))
    assert found.values(b"link") == ()
    assert found.received[: found.head].startswith(b"HTTP/1.1 100")


def test_odd_header_lines_are_read_as_crawlers_read_them(serve: Serve) -> None:
    odd = b"no colon here\r\nX-Odd: \xff\xfe\x1b[31m\r\nContent-Usage: train-ai=n,\r\n search=y\r\n"
    odd += b"Link: a\r\nlink: b\r\n"

    found = ask(serve(sending(HEAD + odd + b"Content-Length: 0\r\n\r\n")))

    assert found.values(b"x-odd") == (b"\xff\xfe\x1b[31m",)
    assert found.values(b"content-usage") == (b"train-ai=n, search=y",)
    assert found.values(b"link") == (b"a", b"b")


def test_a_certificate_that_nobody_vouches_for_is_named(serve: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    fault = ask(serve(sending(b""), context)).fault

    assert fault is not None
    assert fault.code == "tls"
    assert "is not accepted (TLS)" in fault.message
    assert "certificate" in fault.message


def test_plain_http_behind_https_is_named(serve: Serve) -> None:
    origin = serve(sending(HEAD + b"\r\n")).replace("http://", "https://")

    assert (fault := ask(origin).fault) is not None
    assert fault.code == "tls"


def test_a_trusted_certificate_is_taken(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    found = ask(serve(sending(HEAD + b"Content-Length: 2\r\n\r\nok"), context))

    assert (found.status, found.body, found.fault) == (200, b"ok", None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "refuses connections"),
        ("http://no-such-host.invalid", "cannot be resolved (DNS)"),
    ],
)
def test_a_site_that_cannot_be_reached_is_one_sentence(url: str, words: str, rules: Any) -> None:
    with pytest.raises(UnreachableError) as raised:
        probe(url, Asker("test", timeout_seconds=5), *rules)

    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_speaks_no_http_is_one_sentence(serve: Serve, rules: Any) -> None:
    with pytest.raises(UnreachableError, match="does not speak HTTP"):
        probe(serve(sending(b"SSH-2.0-x\r\n")), Asker("test"), *rules)


def test_a_site_of_which_every_second_answer_breaks_is_reported(serve: Serve, rules: Any) -> None:
    turns = iter(range(1_000))

    def sometimes(sock: socket.socket) -> None:
        if next(turns) % 2:
            sock.sendall(HEAD + b"Content-Length: 11\r\n\r\n<p>hello</p")

    report = probe(serve(sometimes), Asker("test"), *rules)

    assert {"unanswered", "document-broken"} <= {one.id for one in report.ledger.findings}
    assert not report.ok
