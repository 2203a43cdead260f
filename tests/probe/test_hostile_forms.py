"""URLs and pages of any shape: one form or one sentence, and never longer than the time that there is."""

from __future__ import annotations

import contextlib
import socket

import pytest

from vorbehalt.probe.asking import normal_url
from vorbehalt.probe.links import read_page
from vorbehalt.probe.wire import Wire


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://label.example/", "only http:// and https://"),
        ("label.example", "only http:// and https://"),
        ("http://", "names no host"),
        ("http://a b/", "names no host"),
        ("http://user:secret@label.example/", "user name"),
        ("http://label.example/\r\nX: 1", "control characters"),
        ("http://label.example:99999/", "port"),
        ("http://[::1", "URL"),
    ],
)
def test_a_url_that_cannot_be_asked_is_a_sentence(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        normal_url(url)

    assert words.lower() in str(raised.value).lower()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Label.Example:80", "http://label.example/"),
        ("https://Bücher.example/ü?a=ö#x", "https://xn--bcher-kva.example/%C3%BC?a=%C3%B6"),
        ("https://[::1]:8443/a b", "https://[::1]:8443/a%20b"),
        ("https://label.example/%2Fa", "https://label.example/%2Fa"),
    ],
)
def test_a_url_has_one_form(url: str, normal: str) -> None:
    assert normal_url(url) == normal


@pytest.mark.parametrize(
    "piece", [b"<!--", b"<a ", b"<", b"<a href=", b"<script>", b"<![CDATA[", b"</a", b"<?", b"\xff"]
)
def test_html_of_any_shape_is_read_in_time(piece: bytes) -> None:
    page = read_page(piece * (600_000 // len(piece)), "http://label.example/")

    assert len(page.links) <= 400


def test_nothing_is_read_after_the_time_is_up_however_much_has_come() -> None:
    left, right = socket.socketpair()
    with contextlib.closing(left), contextlib.closing(right):
        left.sendall(b"here already")
        wire = Wire(right, deadline=5.0, now=lambda: 5.0, most=100)

        with pytest.raises(TimeoutError):
            wire.read(5)

        assert wire.received == b""
