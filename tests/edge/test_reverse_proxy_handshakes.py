"""Handshakes of websockets that are refused: by the policy, by the site, by our bounds."""

from __future__ import annotations

import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from process_support import CHROME, GPTBOT
from proxy_support import SECONDS, Site, ask, fields, get, serving
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.reverse_proxy.plain import plain_app
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy
from websocket_support import UPGRADE, Socket, between, echo, open_at, opened_at


def test_a_handshake_that_the_upstream_refuses_is_its_answer_to_the_client() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(401, "who are you?\n")
        response.headers["WWW-Authenticate"] = "Basic"
        return response

    with between(echo, process_request=refuse) as (port, _), pytest.raises(InvalidStatus) as caught:
        opened_at(port)
    response = caught.value.response
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Basic"
    assert response.body == b"who are you?\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Accept: wrong\r\n\r\n", 502),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", 502),
    ],
    ids=["no websocket", "a redirect", "a wrong key", "another protocol"],
)  # fmt: skip
def test_what_is_no_websocket_is_said(answer: bytes, status: int) -> None:
    site = Site(answer)
    with serving(ReverseProxy(site.url)) as port:
        head, _ = ask(port, get(b"/", *UPGRADE).replace(b"Connection: close\r\n", b""))
    site.close()
    assert int(head.split(b" ")[1]) == status
    assert len(site.heads) == 1, "redirects are the client's business"


def test_an_upstream_that_is_down_gives_the_clean_page() -> None:
    with serving(ReverseProxy("http://127.0.0.1:1")) as port, pytest.raises(InvalidStatus) as caught:
        opened_at(port, additional_headers={"Accept-Language": "de"})
    response = caught.value.response
    assert response.status_code == 502
    assert response.headers["Cache-Control"] == "no-store"
    assert response.body is not None
    assert "Die Website antwortet nicht" in response.body.decode()


def test_a_handshake_has_the_same_bounds_as_every_request() -> None:
    with between(echo) as (port, upstream):
        answers = [
            ask(port, get(b"/", *UPGRADE, more).replace(b"Connection: close\r\n", b""))[0]
            for more in (
                b"X-Long: " + b"x" * 70_000,
                b"Cookie: " + b"x" * 9_000,
                b"\r\n".join(b"X-%d: 1" % number for number in range(200)),
                b"Host: other.example",
                b"X-A: a\0b",
            )
        ]
    assert [answer.split(b" ")[1] for answer in answers] == [b"431", b"431", b"431", b"400", b"400"]
    assert upstream.requests == []


CONFIG = {
    "format": 1,
    "site": {"origin": "https://label.example", "hosts": ["127.0.0.1"]},
    "evidence": {"directory": "memory:"},
}


def test_a_refused_crawler_gets_403_before_the_upstream_is_touched() -> None:
    upstream = Socket(echo)
    middleware = VorbehaltMiddleware(ReverseProxy(upstream.url), config=CONFIG)
    with serving(middleware) as port:
        with pytest.raises(InvalidStatus) as caught:
            opened_at(port, user_agent_header=GPTBOT)
        assert upstream.requests == []
        with open_at(port, user_agent_header=CHROME) as client:
            client.send("hello")
            assert client.recv(SECONDS) == "hello"
            accepted = client.response
    upstream.close()
    assert caught.value.response.status_code == 403
    assert caught.value.response.headers["tdm-reservation"] == "1"
    assert accepted is not None
    assert accepted.headers["tdm-reservation"] == "1"


def test_only_a_whole_handshake_opens_one() -> None:
    """Without a key it is a request that cannot be answered otherwise."""
    with between(echo) as (port, upstream):
        head, _ = ask(port, get(b"/", *UPGRADE[:3]).replace(b"Connection: close\r\n", b""))
    assert head.split(b" ")[1] == b"400"
    assert fields(head, b"upgrade") == []
    assert upstream.requests == []


def test_a_question_about_a_handshake_is_an_ordinary_request() -> None:
    """Proxies that ask pass on the headers of what they ask about, `Upgrade: websocket` among them."""
    config = {
        "format": 1,
        "site": {"origin": "https://label.example"},
        "evidence": {"directory": "memory:"},
        "network": {"trusted_proxies": ["loopback"]},
    }
    question = (
        f"GET /.vorbehalt/auth HTTP/1.1\r\nHost: label.example\r\nUser-Agent: {CHROME}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n"
    )
    asked = VorbehaltMiddleware(plain_app, config=config, forward_auth=True)
    with serving(asked) as port, socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(question.encode())
        head = connection.recv(4096)

    assert head.startswith(b"HTTP/1.1 204 ")
    assert b"tdm-reservation: 1" in head
