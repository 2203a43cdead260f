"""The reverse proxy between raw sockets: what goes in comes out."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from pathlib import Path

import pytest

from asgi_support import call, scope
from proxy_support import (
    OK,
    Site,
    Upstream,
    answering,
    ask,
    connect,
    fields,
    get,
    proxy,
    read_head,
    read_length,
    through,
)
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.reverse_proxy.headers import request_headers, response_headers
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy
from vorbehalt.errors import VorbehaltError


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


def test_what_cannot_be_passed_on_is_said() -> None:
    with through(answering(OK)) as (port, upstream):
        head, _ = ask(port, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert head.split()[1] == b"400"
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


@pytest.mark.parametrize(
    ("secret", "proto", "host"),
    [
        (b"k2v7h4s9d1f6g3j8", b"https", b"other.example"),
        (b"k2v7h4s9d1f6g3j9", b"http", b"label.example"),
        (b"", b"http", b"label.example"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_who_knows_the_secret_is_believed_in_all_that_it_forwards(
    secret: bytes, proto: bytes, host: bytes, kind: str
) -> None:
    """From an address that nobody has named; the site learns the scheme and host, never the secret."""
    forwarded = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"other.example")]
    request = scope(headers=[*forwarded, (b"x-vorbehalt-secret", secret)], scheme="http", type=kind)
    upstream = Site(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    proxy = ReverseProxy(upstream.url, AddressResolver(secret="k2v7h4s9d1f6g3j8"))

    async def once() -> None:
        await call(proxy, request)
        await proxy.close()

    try:
        asyncio.run(once())
    finally:
        upstream.close()
    (head,) = upstream.heads
    assert fields(head, b"x-forwarded-proto") == [proto]
    assert fields(head, b"x-forwarded-host") == [host]
    assert fields(head, b"x-vorbehalt-secret") == []


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
    assert names & {b"content-length", b"transfer-encoding"} == {b"transfer-encoding"}
    assert response_headers(tuple(both), 200) == [(b"etag", b'"e"')]
    assert (b"content-length", b"5") in response_headers(tuple(both[:1]), 200)
