"""How long the sidecar keeps a connection on which nothing happens: one timer, looked at now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from vorbehalt.edge.reverse_proxy.plain import plain_app
from vorbehalt.edge.server import server_for

QUESTION = b"GET /.vorbehalt/auth HTTP/1.1\r\nHost: label.example\r\n\r\n"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Clock:
    """The part of an event loop that waits, and the timers set on it: seconds, call."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> Clock:
        self.timers.append((self.now + seconds, call))
        return self

    def cancel(self) -> None:
        self.timers.clear()

    def go_to(self, now: float) -> None:
        self.now = 1000.0 + now
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, call in due:
            call()


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, octets: bytes) -> None:
        self.written.append(octets)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str) -> None:
        return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def protocol(clock: Clock, transport: Transport) -> Any:
    config = server_for(plain_app, lambda *_: ANSWER).config
    config.load()
    made = config.http_protocol_class(config, ServerState(), {}, clock)  # type: ignore[call-arg]
    made.connection_made(transport)  # type: ignore[arg-type]
    return made


def test_an_answer_is_one_write(protocol: Any, transport: Transport) -> None:
    protocol.data_received(QUESTION + QUESTION)

    assert transport.written == [ANSWER, ANSWER]


def test_a_connection_is_closed_75_seconds_after_its_last_answer(
    protocol: Any, clock: Clock, transport: Transport
) -> None:
    protocol.data_received(QUESTION)
    clock.go_to(50)
    protocol.data_received(QUESTION)
    clock.go_to(124.9)
    assert (transport.is_closed, len(clock.timers)) == (False, 1)
    clock.go_to(125)
    assert transport.is_closed


def test_a_connection_on_which_a_question_has_begun_is_kept_until_it_is_answered(
    protocol: Any, clock: Clock, transport: Transport
) -> None:
    protocol.data_received(QUESTION)
    clock.go_to(70)
    protocol.data_received(QUESTION[:20])
    clock.go_to(200)
    assert not transport.is_closed
    protocol.data_received(QUESTION[20:])
    assert len(transport.written) == 2
    clock.go_to(274.9)
    assert not transport.is_closed
    clock.go_to(275)
    assert transport.is_closed


def test_a_connection_that_is_lost_leaves_no_timer(protocol: Any, clock: Clock) -> None:
    protocol.data_received(QUESTION)
    protocol.connection_lost(OSError("reset"))

    assert clock.timers == []


def test_a_server_that_ends_closes_a_connection_that_waits(protocol: Any, transport: Transport) -> None:
    protocol.data_received(QUESTION)
    protocol.shutdown()

    assert transport.is_closed


def test_who_does_not_read_gets_no_more_answers(protocol: Any, transport: Transport, clock: Clock) -> None:
    started: list[int] = []
    protocol._start_asgi_task = lambda *_: started.append(1)
    protocol.pause_writing()
    protocol.data_received(QUESTION)

    assert (transport.written, started) == ([], [1])
