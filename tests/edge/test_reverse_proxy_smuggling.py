"""One request in, one request out: what can be read in two ways is refused, or passed as exactly one.

The table is sent byte by byte to the sidecar's own server in front of an upstream that counts.
"""

from __future__ import annotations

import socket

import pytest

from proxy_support import SECONDS, Site, before, connect, exchange, exchange_and_close, fields, get, read_head

POST = b"POST /a HTTP/1.1\r\nHost: site.example\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: site.example\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: site.example\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "length and chunks": POST
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunks and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
    "the same length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -1\r\n\r\nabc",
    "a length in hex": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\nabcdefghij",
    "an endless length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "a length of nothing": POST + b"Content-Length: \r\n\r\nabc",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "nearly chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "chunked with a parameter": POST + b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "chunked after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a tab before the colon": POST + b"Content-Length\t: 3\r\n\r\nabc",
    "chunks in HTTP/1.0": b"POST /a HTTP/1.0\r\nHost: site.example\r\n" + CHUNKED + b"0\r\n\r\n",
    "a folded header": GET + b"X-Folded: a\r\n b\r\n\r\n",
    "a folded first header": b"GET /a HTTP/1.1\r\n Host: site.example\r\n\r\n",
    "a bare CR in a header": GET + b"X-A: a\rTransfer-Encoding: chunked\r\n\r\n",
    "a bare LF in a header": GET + b"X-A: a\nX-B: b\r\n\r\n",
    "a bare LF everywhere": b"GET /a HTTP/1.1\nHost: site.example\n\n",
    "NUL in a header": GET + b"X-A: a\0b\r\n\r\n",
    "NUL in a name": GET + b"X-\0A: a\r\n\r\n",
    "NUL in the target": b"GET /a\0b HTTP/1.1\r\nHost: site.example\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a header without a colon": GET + b"X-A\r\n\r\n",
    "no Host": b"GET /a HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: other.example\r\n\r\n",
    "the same Host twice": GET + b"Host: site.example\r\n\r\n",
    "a Host with a path": b"GET /a HTTP/1.1\r\nHost: site.example/b\r\n\r\n",
    "a Host with a user": b"GET /a HTTP/1.1\r\nHost: me@site.example\r\n\r\n",
    "a Host with a space": b"GET /a HTTP/1.1\r\nHost: site.example other.example\r\n\r\n",
    "a target of another site": b"GET http://other.example/a HTTP/1.1\r\nHost: site.example\r\n\r\n",
    "a target with a user": b"GET http://site.example@other.example/a HTTP/1.1\r\nHost: site.example\r\n\r\n",
    "the target of a tunnel": b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n",
    "the whole server": b"OPTIONS * HTTP/1.1\r\nHost: site.example\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: site.example\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/1.2": b"GET /a HTTP/1.2\r\nHost: site.example\r\n\r\n",
    "HTTP/2 in the form of HTTP/1": b"GET /a HTTP/2.0\r\nHost: site.example\r\n\r\n",
    "a version without a number": b"GET /a HTTP/1.x\r\nHost: site.example\r\n\r\n",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "h2c with a body": POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
    "an unknown method": b"GETT /a HTTP/1.1\r\nHost: site.example\r\n\r\n",
}
"""Answered with 400 before the upstream has seen anything."""

BAD_CHUNKS = {
    "no number": b"x\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "an overflowing size": b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a space before the size": b" 3\r\nabc\r\n0\r\n\r\n",
    "a bare LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "too little": b"5\r\nabc\r\n0\r\n\r\n",
    "too much": b"3\r\nabcdef\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_never_seen_by_the_site(name: str) -> None:
    site = Site()
    with before(site) as port:
        answer = exchange(port, REFUSED[name])
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert site.heads == []


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_never_become_a_request(name: str) -> None:
    site = Site()
    with before(site) as port:
        answer = exchange(port, POST + CHUNKED, BAD_CHUNKS[name] + SMUGGLED)
    assert b"HTTP/1.1 200 " not in answer
    assert all(b"/smuggled" not in head for head in site.heads), site.heads
    assert len(site.heads) <= 1
    assert site.bodies == [], "a broken body was passed on as whole"


PASSED = {
    "a chunk extension": (POST + CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n", b"abc"),
    "trailers": (POST + b"Trailer: X-Sum\r\n" + CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", b"abc"),
    "chunked in capitals": (POST + b"TRANSFER-ENCODING: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "zeros before a size": (POST + CHUNKED + b"0003\r\nabc\r\n0\r\n\r\n", b"abc"),
    "zeros before a length": (POST + b"Content-Length: 0003\r\n\r\nabc", b"abc"),
    "absolute form of the same site": (
        b"GET http://site.example/a HTTP/1.1\r\nHost: site.example\r\n\r\n",
        b"",
    ),
    "a body of a GET": (GET + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    "an empty line before": (b"\r\n" + GET + b"\r\n", b""),
}


@pytest.mark.parametrize("name", PASSED)
def test_passed_as_exactly_one(name: str) -> None:
    request, body = PASSED[name]
    site = Site()
    with before(site) as port:
        answer = exchange_and_close(port, request)
    assert answer.count(b"HTTP/1.1 200 ") == 2, answer
    assert [head.split(b" ")[1] for head in site.heads] == [b"/a", b"/last"]
    assert site.bodies == [body, b""]
    for absent in (b"upgrade", b"http2-settings", b"trailer", b"x-sum", b"te", b"connection"):
        assert fields(site.heads[0], absent) == [], absent


def test_an_upgrade_to_http_2_is_ignored_and_what_follows_it_is_no_request() -> None:
    settings = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    site = Site()
    with before(site) as port:
        answer = exchange(port, GET + settings + SMUGGLED)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    (head,) = site.heads
    for absent in (b"upgrade", b"http2-settings", b"connection"):
        assert fields(head, absent) == [], absent


def test_pipelined_requests_are_answered_in_order() -> None:
    site = Site()
    with before(site) as port:
        answer = exchange(port, get(b"/1").replace(b"close", b"keep-alive"), get(b"/2"))
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert [head.split(b" ")[1] for head in site.heads] == [b"/1", b"/2"]


def test_a_body_is_not_the_next_request() -> None:
    """The whole of it is body to both of us, whatever it looks like."""
    site = Site()
    with before(site) as port:
        answer = exchange_and_close(port, POST + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED))
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert site.bodies == [SMUGGLED, b""]


def test_a_body_that_is_cut_short_is_never_whole_to_the_site() -> None:
    site = Site()
    with before(site) as port:
        client = connect(port)
        client.sendall(POST + b"Content-Length: 10\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        assert b"200" not in read_head(client)[0]
        client.close()
    assert site.bodies == []


DISGUISED = [
    b"X_Forwarded_For: 8.8.8.8",
    b"x_forwarded_proto: https",
    b"Content_Length: 3",
    b"X_Real_IP: 8.8.8.8",
]


@pytest.mark.parametrize("line", DISGUISED)
def test_a_header_in_disguise_is_dropped(line: bytes) -> None:
    site = Site()
    with before(site) as port:
        exchange_and_close(port, GET + line + b"\r\nApi_Key: 1\r\n\r\n")
    assert fields(site.heads[0], line.split(b":")[0].lower()) == []
    assert fields(site.heads[0], b"api_key") == [b"1"], "other names with underscores are the site's business"


def test_connection_takes_away_what_it_names_but_not_what_frames_or_forwards() -> None:
    named = b"Connection: close, X-Mine, Host, Content-Length, X-Forwarded-For\r\nX-Mine: 1\r\n"
    site = Site()
    with before(site) as port:
        exchange(port, POST + named + b"X-Forwarded-For: 8.8.8.8\r\nContent-Length: 3\r\n\r\nabc")
    (head,) = site.heads
    assert fields(head, b"x-mine") == fields(head, b"connection") == []
    assert fields(head, b"host") == [b"site.example"]
    assert fields(head, b"x-forwarded-for") == [b"8.8.8.8, 127.0.0.1"]
    assert site.bodies == [b"abc"]


def test_a_websocket_cannot_begin_while_an_answer_is_under_way() -> None:
    """Or its frames would stand in the middle of that answer."""
    site = Site()
    upgrade = get(b"/ws", b"Upgrade: websocket").replace(b"Connection: close", b"Connection: Upgrade")
    with before(site) as port, connect(port) as client:
        client.settimeout(SECONDS)
        client.sendall(GET + b"\r\n" + upgrade)
        answer = read_head(client)[0]
    assert b"101" not in answer
    assert all(b"/ws" not in head for head in site.heads)
