"""Questions of a proxy over a connection: what is answered inside the server is what was answered before."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, WatchedEvidence, config
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.listening import listening_socket
from vorbehalt.edge.questions import ReadyQuestions
from vorbehalt.edge.reverse_proxy.plain import plain_app
from vorbehalt.edge.server import server_for
from vorbehalt.evidence.receipt import Draft

SECONDS = 10.0
_CHANGING = re.compile(rb"VB-[0-9A-Z-]{19}|date: [^\r]+")


class Promise:
    """A receipt: durable at once, or when the test says so."""

    def __init__(self, is_durable: bool) -> None:
        self.is_durable = is_durable
        self.asked = threading.Event()
        self._event = asyncio.Event()

    async def durable(self, deadline_seconds: float) -> bool:
        self._loop = asyncio.get_running_loop()
        self.asked.set()
        await self._event.wait()
        return True

    def keep(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)


class Kept(WatchedEvidence):
    """Evidence whose records are durable at once, unless told otherwise."""

    def __init__(self) -> None:
        super().__init__(None)
        self.late: Promise | None = None

    def append(self, draft: Draft) -> Any:
        self.drafts.append(draft)
        return self.late if self.late and draft.type == "request" else Promise(True)


@dataclass
class Sidecar:
    """A sidecar on a socket. `requests` are those that the server made into requests, by path."""

    site: VorbehaltMiddleware
    evidence: Kept
    requests: list[str]
    place: Any

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        family = socket.AF_UNIX if isinstance(self.place, str) else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(SECONDS)
            client.connect(self.place)
            yield Connection(client)

    def counted(self) -> dict[Any, int]:
        assert self.site.runtime is not None
        counts = self.site.runtime.counters.snapshot()
        return {key: number for key, number in counts.items() if "seconds" not in key[0] and number}


class Connection:
    """A proxy's connection, kept open."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self._rest = b""

    def ask(self, *octets: bytes) -> bytes:
        self.client.sendall(b"".join(octets))
        return self.read()

    def read(self, has_body: bool = True) -> bytes:
        """One answer, with its body."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        size = int(length[1]) if length and has_body and b" 204 " not in head else 0
        self._rest = rest
        while len(self._rest) < size:
            self._more()
        body, self._rest = self._rest[:size], self._rest[size:]
        return head + b"\r\n\r\n" + body

    def _more(self) -> None:
        chunk = self.client.recv(65536)
        assert chunk, f"closed after {self._rest!r}"
        self._rest += chunk


@contextlib.contextmanager
def sidecar(place: str = "127.0.0.1:0", **sections: Any) -> Iterator[Sidecar]:
    trusted = {"network": {"trusted_proxies": ["loopback", "unix"]}}
    site = VorbehaltMiddleware(plain_app, config=config(**{**trusted, **sections}), forward_auth=True)
    evidence = Kept()
    assert site.runtime is not None
    site.runtime.evidence = evidence
    requests: list[str] = []

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            requests.append(scope["path"])
        await site(scope, receive, send)

    server = server_for(counting, ReadyQuestions(site))
    bound = listening_socket(place)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield Sidecar(site, evidence, requests, bound.getsockname())
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        bound.close()
        assert not thread.is_alive()


def question(
    *more: bytes, agent: bytes = CHROME, uri: bytes = b"/lyrics/1", at: bytes = b"", line: bytes = b""
) -> bytes:
    """As our nginx snippet asks."""
    lines = [
        line or b"GET /.vorbehalt/auth" + at + b" HTTP/1.1",
        b"X-Forwarded-Host: label.example",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-For: 10.8.8.8",
        b"X-Forwarded-Method: GET",
        b"X-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736",
        b"Host: label.example",
        b"User-Agent: " + agent,
        b"Accept: text/html",
        *([b"X-Forwarded-Uri: " + uri] if not at else []),
        *more,
    ]
    return b"\r\n".join([*lines, b"", b""])


def same(answer: bytes) -> bytes:
    """An answer without what differs in each."""
    return _CHANGING.sub(b"#", answer)


@pytest.mark.parametrize("at", [b"", b"/lyrics/1"])
def test_an_ordinary_visitor_gets_the_same_octets_again_without_a_request_being_made(at: bytes) -> None:
    with sidecar() as made, made.connection() as proxy:
        first = proxy.ask(question(at=at))
        once = made.counted()
        second = proxy.ask(question(at=at))

        assert len(made.requests) == 1, "the second was not answered inside the server"
        assert same(second) == same(first)
        assert re.search(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} ", second)
        assert made.counted() == {key: 2 * number for key, number in once.items()}


def test_over_a_unix_socket_as_well(tmp_path: Any) -> None:
    with sidecar(f"unix:{tmp_path}/s.sock") as made, made.connection() as proxy:
        answers = [proxy.ask(question(agent=agent)) for agent in (CHROME, CHROME, GPTBOT, GPTBOT)]

        assert len(made.requests) == 2
        assert same(answers[0]) == same(answers[1])
        assert same(answers[2]) == same(answers[3])
        assert [answer.split(b" ", 2)[1] for answer in answers] == [b"204", b"204", b"403", b"403"]


@pytest.mark.parametrize("extra", [(), (b"Referer: https://chatgpt.com/", b"From: someone@example.org")])
@pytest.mark.parametrize("uri", [b"/lyrics/1?a=b", b"/lyrics/1"])
def test_a_crawler_is_refused_again_in_the_same_words_with_a_record_and_a_page_of_its_own(
    uri: bytes, extra: tuple[bytes, ...]
) -> None:
    with sidecar() as made, made.connection() as proxy:
        first = proxy.ask(question(*extra, agent=GPTBOT, uri=uri))
        once = made.counted()
        second = proxy.ask(question(*extra, agent=GPTBOT, uri=uri))

        assert len(made.requests) == 1
        assert same(second) == same(first)
        assert made.counted() == {key: 2 * number for key, number in once.items()}
        slow, quick = made.evidence.of("request")
        quick.fill()
        assert quick.ref.encode() in second
        assert quick.ref != slow.ref
        for name in ("seen", "private", "client", "operator", "retention", "rollup", "type", "amount"):
            assert getattr(quick, name) == getattr(slow, name), name
        pages = [
            proxy.ask(
                question(line=b"GET /.vorbehalt/refusal/" + draft.ref.encode() + b"?status=403 HTTP/1.1")
            )
            for draft in (slow, quick)
        ]
        assert same(pages[0]) == same(pages[1])
        assert pages[1].startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert quick.ref.encode() in pages[1]
        assert b"x-vorbehalt" not in pages[1]
        assert pages[1].partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]
        assert len(made.requests) == 1, "a page that is kept needs no request"


def test_nothing_of_a_refusal_leaves_before_its_record_is_durable() -> None:
    with sidecar() as made, made.connection() as proxy:
        first = proxy.ask(question(agent=GPTBOT))
        promise = made.evidence.late = Promise(False)
        proxy.client.sendall(question(agent=GPTBOT))
        assert promise.asked.wait(SECONDS)
        proxy.client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            proxy.read()
        proxy.client.settimeout(SECONDS)
        promise.keep()

        assert same(proxy.read()) == same(first)
        assert len(made.requests) == 1


def test_questions_that_come_together_are_answered_in_their_order() -> None:
    with sidecar() as made, made.connection() as proxy:
        proxy.ask(question())
        proxy.ask(question(agent=GPTBOT))
        order = [(CHROME, b"/lyrics/1"), (GPTBOT, b"/lyrics/1"), (CHROME, b"/new"), (CHROME, b"/lyrics/1")]
        proxy.client.sendall(b"".join(question(agent=agent, uri=uri) for agent, uri in order))
        answers = [proxy.read() for _ in range(4)]

        assert [answer.split(b" ", 2)[1] for answer in answers] == [b"204", b"403", b"204", b"204"]


def test_nginx_asks_with_head_and_gets_no_body() -> None:
    line = b"HEAD /.vorbehalt/auth HTTP/1.1"
    with sidecar() as made, made.connection() as proxy:
        for agent, status in ((CHROME, b"204"), (GPTBOT, b"403")):
            usual = proxy.ask(question(agent=agent))
            for _ in range(2):
                proxy.client.sendall(question(agent=agent, line=line))
                head = proxy.read(has_body=False)
                assert same(head) == same(usual).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                assert head.split(b" ", 2)[1] == status

        assert len(made.requests) == 2
        for draft in made.evidence.of("request"):
            draft.fill()
        assert {draft.seen["method"] for draft in made.evidence.of("request")} == {"GET"}


@pytest.mark.parametrize("agent", [CHROME, GPTBOT])
@pytest.mark.parametrize(
    ("asked", "is_closed"),
    [
        ({"more": [b"Connection: close"]}, True),
        ({"line": b"GET /.vorbehalt/auth HTTP/1.0"}, True),
        ({"more": [b"Connection: keep-alive"]}, False),
        ({"line": b"GET /.vorbehalt/auth HTTP/1.0", "more": [b"Connection: keep-alive"]}, False),
        ({"more": [b"Upgrade: websocket"]}, False),
        ({"more": [b"Content-Length: 0"]}, False),
        ({"more": [b"Expect: 100-continue"]}, False),
        ({"more": [b"Upgrade: websocket", b"Connection: upgrade"]}, True),
        ({"more": [b"Accept-Language: de", b"Accept-Language: en"]}, False),
        ({"more": [b"X-Original-Uri: /lyrics/1"]}, False),
        ({"more": [b"X-Original-Url: /lyrics/1"]}, False),
        ({"more": [b"X-Original-Method: GET"]}, False),
        ({"more": [b'Signature-Input: sig1=("@authority")']}, False),
    ],
)
def test_whatever_is_out_of_the_ordinary_is_a_request_like_all_others(
    agent: bytes, asked: dict[str, Any], is_closed: bool
) -> None:
    with sidecar() as made:
        with made.connection() as proxy:
            usual = proxy.ask(question(agent=agent))
        with made.connection() as proxy:
            answer = proxy.ask(
                question(*asked.get("more", ()), agent=agent, line=asked.get("line", b"")),
            )
            assert len(made.requests) == 2
            assert answer.split(b" ", 2)[1] == usual.split(b" ", 2)[1]
            if is_closed:
                assert proxy.client.recv(1) == b""


@pytest.mark.parametrize(
    "other",
    [
        {"uri": b"/never/seen"},
        {"agent": b"never seen before"},
        {"agent": GPTBOT},
        {"more": (b"X-Real-Ip: 9.9.9.9",), "agent": b"GPTBot/2"},
        {"line": b"HEAD /.vorbehalt/auth HTTP/1.1", "uri": b"/never"},
    ],
)
def test_what_was_not_asked_before_is_looked_at(other: dict[str, Any]) -> None:
    with sidecar() as made, made.connection() as proxy:
        proxy.ask(question())
        proxy.ask(question(*other.pop("more", ()), **other))

        assert len(made.requests) == 2


@pytest.mark.parametrize(
    "more",
    [(b"X-Real-Ip: 9.9.9.9",), (b"Forwarded: for=9.9.9.9",), (b"X-Vorbehalt-Secret: a",), (b"Via: 1.1 a",)],
)
def test_a_refused_crawler_that_says_more_of_its_address_is_looked_at(more: tuple[bytes, ...]) -> None:
    with sidecar() as made, made.connection() as proxy:
        for _ in range(2):
            assert b" 403 " in proxy.ask(question(*more, agent=GPTBOT))

        assert len(made.requests) == (1 if more[0].startswith(b"Via") else 2)


def test_another_host_or_address_or_section_is_another_refusal() -> None:
    press = {"name": "press", "paths": ["/press/"], "ai_input": "allow", "search": "reserve"}
    with sidecar(reservation={"section": [press]}) as made, made.connection() as proxy:
        for uri in (b"/lyrics/1", b"/press/1"):
            proxy.ask(question(uri=uri))
        made.requests.clear()
        other = question(agent=GPTBOT).replace(b"10.8.8.8", b"10.9.9.9")
        for asked in (question(agent=GPTBOT), question(agent=GPTBOT, uri=b"/press/1"), other):
            first, second = proxy.ask(asked), proxy.ask(asked)
            assert same(first) == same(second)

        assert len(made.requests) == 3
        clients = [draft.client for draft in made.evidence.of("request")]
        assert clients == ["10.8.8.8"] * 4 + ["10.9.9.9"] * 2


def test_a_refusal_is_forgotten_when_more_is_known_of_who_asks_or_the_signals_change() -> None:
    with sidecar() as made, made.connection() as proxy:
        assert made.site.runtime is not None
        live = made.site.runtime.live
        proxy.ask(question(agent=GPTBOT))
        for forget in (live.forget_refusals, live.forget_readers):
            forget()
            proxy.ask(question(agent=GPTBOT))

        assert len(made.requests) == 3


def test_a_failure_of_ours_makes_it_a_request_like_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with sidecar() as made, made.connection() as proxy:
        assert made.site.runtime is not None
        proxy.ask(question())
        monkeypatch.setattr(made.site.runtime.live, "asked", None)

        assert b" 204 " in proxy.ask(question())
        assert made.site.runtime.counters.snapshot()["vorbehalt_internal_errors_total", ()] >= 1


def test_a_peer_that_is_not_trusted_gets_no_ready_answers() -> None:
    with sidecar(network={"trusted_proxies": ["192.0.2.1"]}) as made, made.connection() as proxy:
        for _ in range(3):
            proxy.ask(question())

        assert len(made.requests) == 3


def test_a_head_of_more_than_64_kib_is_refused_where_questions_are_answered_too() -> None:
    with sidecar() as made, made.connection() as proxy:
        proxy.ask(question())
        answer = proxy.ask(question(b"X-Long: " + b"a" * 65536))

        assert answer.startswith(b"HTTP/1.1 431 ")
        assert proxy.client.recv(1) == b""
