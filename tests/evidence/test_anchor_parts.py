"""The small parts of anchoring: the window of a record, the copy, one POST with its limits."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from anchor_support import NOW, Site, answering, serving
from vorbehalt.evidence.anchor.asking import Miss, Present
from vorbehalt.evidence.anchor.copying import mail_of
from vorbehalt.evidence.anchor.post import MOST_BYTES, PostError, post
from vorbehalt.evidence.anchor.targets import CopyTarget
from vorbehalt.evidence.anchor.windows import TimePoint, Window, Windows, point_of
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory

POINTS = [TimePoint(index=10, size=10, time=100), TimePoint(index=25, size=20, time=200)]


@pytest.mark.parametrize(
    ("index", "window"),
    [
        (0, Window(None, 100)),
        (9, Window(None, 100)),
        (10, Window(100, 200)),
        (19, Window(100, 200)),
        (20, Window(100, None)),
        (24, Window(100, None)),
        (25, Window(200, None)),
        (99, Window(200, None)),
    ],
)
def test_a_record_lies_between_two_outside_times(index: int, window: Window) -> None:
    assert Windows(POINTS).of(index) == window
    assert Windows(reversed(POINTS)).of(index) == window


def test_of_several_anchors_the_narrowest_window_counts() -> None:
    early = TimePoint(index=12, size=10, time=90)
    late = TimePoint(index=30, size=20, time=150)

    assert Windows([*POINTS, early]).of(5) == Window(None, 90)
    assert Windows([*POINTS, early]).of(13) == Window(100, 200)
    assert Windows([*POINTS, late]).of(15) == Window(100, 150)
    assert Windows([*POINTS, late]).of(40) == Window(200, None)


def test_without_anchors_nothing_is_bounded() -> None:
    assert Windows([]).of(7) == Window(None, None)


@pytest.mark.parametrize(
    ("seen", "point"),
    [
        ({"kind": "rfc3161", "verified": "openssl", "size": 3, "time": "7"}, TimePoint(5, 3, 7)),
        ({"kind": "witness", "verified": "ed25519", "size": 3, "time": "7"}, TimePoint(5, 3, 7)),
        ({"kind": "rfc3161", "verified": "", "size": 3, "time": "7"}, None),
        ({"kind": "copy", "verified": "x", "size": 3, "time": "7"}, None),
        ({"kind": "rfc3161", "verified": "openssl", "size": True, "time": "7"}, None),
        ({"kind": "rfc3161", "verified": "openssl", "size": 3, "time": 7}, None),
        ({"kind": "rfc3161", "verified": "openssl", "size": 3, "time": "-7"}, None),
        ({}, None),
    ],
)
def test_only_a_checked_time_bounds_anything(seen: dict[str, object], point: TimePoint | None) -> None:
    assert point_of(5, {"seen": seen}) == point


def test_a_reason_that_quotes_a_stranger_is_short_and_harmless() -> None:
    reason = str(Miss("rejected: \x1b[31m\u202e" + "x" * 9_999))

    assert reason.startswith("rejected: ?[31m?x")
    assert (len(reason), reason.isprintable()) == (500, True)


class TestCopy:
    @pytest.fixture
    def site(self, directory: EvidenceDirectory) -> Iterator[Site]:
        made = Site(directory)
        made.record(2)
        yield made
        made.log.close()

    def test_a_folder_gets_the_checkpoint_once_a_day(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "counsel").mkdir()
        target = CopyTarget("copy", str(tmp_path / "counsel"))
        issued = (site.directory / "log/checkpoint").read_bytes()
        size = int(issued.split(b"\n")[1])

        assert [outcome.why for outcome in site.round(target)] == [""]
        site.record()
        assert site.round(target) == []

        (copy,) = (tmp_path / "counsel").iterdir()
        assert copy.name == f"example.org_evidence-2026-11-26-{size}.checkpoint"
        assert copy.read_bytes() == issued
        report = verify(site.directory, against=copy.read_bytes())
        assert (report.ok, report.assurance) == (True, "self-attested")

    def test_a_mail_carries_the_checkpoint_unchanged_and_the_key(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        target = CopyTarget("mail", str(tmp_path / "out"), "eml", "counsel@law.example", "we@example.org")
        issued = (site.directory / "log/checkpoint").read_bytes()

        site.round(target)

        (path,) = (tmp_path / "out").iterdir()
        mail = message_from_bytes(path.read_bytes(), policy=default)
        assert (mail["To"], mail["From"]) == ("counsel@law.example", "we@example.org")
        assert mail["Date"].datetime.timestamp() == NOW // 10**9
        (attached,) = mail.iter_attachments()
        assert attached.get_content() == issued
        text = mail.get_body(("plain",))
        assert text is not None
        body = text.get_content()
        assert site.at.verifier.vkey in body
        assert attached.get_filename() in body

    def test_the_same_mail_is_made_of_the_same_checkpoint(self, site: Site) -> None:
        present = Present.of(site.directory)
        mails = {mail_of(present, "x", at=NOW, to="a@b", sender="") for _ in range(2)}

        assert len(mails) == 1

    def test_a_folder_that_is_not_there_is_a_miss(self, site: Site, tmp_path: Path) -> None:
        (outcome,) = site.round(CopyTarget("copy", str(tmp_path / "not mounted")))

        assert outcome.why == "there is no such folder"


@contextmanager
def raw(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection as `serve` does, in bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    thread.join(10)


class TestPost:
    def test_what_is_sent_arrives_and_what_comes_back_is_returned(self) -> None:
        got: list[bytes] = []

        def answer(body: bytes) -> tuple[int, str, bytes]:
            got.append(body)
            return 202, "text/plain", b"thanks"

        with answering(answer) as url:
            found = post(url, b"\x00query", "application/timestamp-query")

        assert (found.status, found.body, got) == (202, b"thanks", [b"\x00query"])

    @pytest.mark.parametrize("extra", [0, 1])
    def test_an_answer_may_be_so_large_and_no_larger(self, extra: int) -> None:
        with answering(lambda body: (200, "x/y", bytes(MOST_BYTES + extra))) as url:
            if extra:
                with pytest.raises(PostError, match="larger than"):
                    post(url, b"", "x/y")
            else:
                assert len(post(url, b"", "x/y").body) == MOST_BYTES

    def test_no_more_is_read_of_an_answer_without_end(self) -> None:
        stop = threading.Event()

        def endless(connection: socket.socket) -> None:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + bytes(MOST_BYTES + 1)
            )
            stop.wait(60)

        with raw(endless) as url:
            with pytest.raises(PostError, match="larger than"):
                post(url, b"", "x/y", total_seconds=10)
            stop.set()

    def test_a_slow_drip_is_cut_after_the_whole_time(self) -> None:
        stop = threading.Event()

        def drip(connection: socket.socket) -> None:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not stop.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                return

        began = time.monotonic()
        with raw(drip) as url:
            with pytest.raises(PostError, match=r"no whole answer from 127\.0\.0\.1 within 0\.4 s"):
                post(url, b"", "x/y", total_seconds=0.4)
            stop.set()
        assert time.monotonic() - began < 8

    def test_an_answer_that_is_cut_off_is_none(self) -> None:
        with (
            raw(lambda it: it.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")) as url,
            pytest.raises(PostError),
        ):
            post(url, b"", "x/y")

    def test_nonsense_is_named(self) -> None:
        with raw(lambda it: it.sendall(b"SSH-2.0-OpenSSH\r\n")) as url, pytest.raises(PostError):
            post(url, b"", "x/y")

    def test_nobody_listening_is_named(self) -> None:
        with pytest.raises(PostError, match=r"127\.0\.0\.1: "):
            post("http://127.0.0.1:1/", b"", "x/y")

    def test_a_redirect_is_not_followed(self) -> None:
        with answering(lambda body: (307, "text/plain", b"")) as url:
            assert post(url, b"", "x/y").status == 307

    def test_a_certificate_must_hold_for_the_name(self) -> None:
        authority = trustme.CA()
        server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(server_tls)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass

        server = Server(("127.0.0.1", 0), Handler)
        server.socket = server_tls.wrap_socket(server.socket, server_side=True)
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        with serving(server) as url:
            address = url.replace("http://", "https://")
            assert post(address, b"", "x/y", tls=trusting).status == 200
            with pytest.raises(PostError, match=r"the certificate of 127\.0\.0\.1 does not hold"):
                post(address, b"", "x/y")
            with pytest.raises(PostError, match="certificate of localhost does not hold"):
                post(address.replace("127.0.0.1", "localhost"), b"", "x/y", tls=trusting)
