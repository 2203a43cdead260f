"""An ordinary answer carries the reservation as `apply` has it, whatever headers it has of its own."""

from __future__ import annotations

import asyncio
from types import MethodType
from typing import Any

import pytest

from vorbehalt.edge.carrying import carry_with
from vorbehalt.facts import Headers
from vorbehalt.reservation.headers import SectionHeaders, apply
from vorbehalt.reservation.uses import Uses

PLAIN = SectionHeaders("songs", Uses(), ((b"tdm-reservation", b"1"), (b"link", b"<x>")), "d")
OTHER = SectionHeaders("other", Uses(), ((b"tdm-reservation", b"0"),), "o")
AUDIO = SectionHeaders("audio", Uses(), ((b"tdm-reservation", b"2"),), "a")
BY_MEDIA = SectionHeaders(
    "media", Uses(), PLAIN.headers, "m", by_media=(((b"audio/*",), AUDIO),), other=OTHER
)
ANSWERS: list[Headers | None] = [
    None,
    (),
    ((b"content-length", b"4"), (b"content-type", b"text/html")),
    ((b"Content-Type", b"audio/mpeg"), (b"link", b"<y>")),
    ((b"content-length", b"4"),),
    ((b"content-type", b"text/html"), (b"tdm-reservation", b"0")),
    ((b"TDM-Reservation", b"0"), (b"content-signal", b"search=yes")),
]


def carried(section: SectionHeaders, message: dict[str, Any], told: list[tuple[bytes, bytes]]) -> Any:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    def conflict(name: bytes, value: bytes) -> None:
        told.append((name, value))

    carry = carry_with(section, conflict, lambda: pytest.fail("a fault"))
    asyncio.run(MethodType(carry, send)(message))
    return sent


@pytest.mark.parametrize("section", [PLAIN, BY_MEDIA], ids=["one for all", "by media type"])
@pytest.mark.parametrize("headers", ANSWERS)
def test_the_start_of_an_answer_carries_what_apply_says(
    section: SectionHeaders, headers: Headers | None
) -> None:
    message = {"type": "http.response.start", "status": 200, "trailers": True}
    if headers is not None:
        message["headers"] = list(headers)
    before = {**message, **({} if headers is None else {"headers": list(headers)})}
    conflicts: list[tuple[bytes, bytes]] = []
    expected: list[tuple[bytes, bytes]] = []

    sent = carried(section, message, conflicts)

    applied = apply(headers or (), section, lambda name, value: expected.append((name, value)))
    assert sent == [{**before, "headers": applied}]
    assert conflicts == expected
    # The app may send the same message again.
    assert message == before


def test_every_other_message_passes_as_it_is() -> None:
    message = {"type": "http.response.body", "body": b"a page"}

    assert carried(PLAIN, message, [])[0] is message
