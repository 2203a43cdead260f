"""What the reservation headers cost on one response, against a bare copy of its header list."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from measure import Budget, Figure, interleaved, table
from vorbehalt.engine import Engine
from vorbehalt.reservation.headers import SectionHeaders, apply
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

COUNT = 100_000
RESPONSE = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-length", b"1024"),
    (b"etag", b'"0123456789abcdef"'),
    (b"last-modified", b"Mon, 23 Nov 2026 10:00:00 GMT"),
    (b"cache-control", b"public, max-age=60"),
    (b"vary", b"Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"set-cookie", b"session=0123456789; Path=/; HttpOnly"),
]


def place(sections: list[dict[str, Any]]) -> SectionHeaders:
    """The headers of the page `/a` under a configuration with these sections."""
    config = {
        "format": 1,
        "site": {"origin": "https://label.example"},
        "reservation": {"section": sections},
        "evidence": {"directory": "off"},
    }
    plan = Engine(load(config, environ={}), MemoryLimits()).default
    return plan.headers("/a", plan.sections.find("/a"))


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Microseconds a call, over many."""

    def run() -> float:
        started = time.perf_counter()
        for _ in range(COUNT):
            work()
        return (time.perf_counter() - started) / COUNT * 1e6

    return run


def run(rounds: int) -> tuple[dict[str, Figure], list[Budget]]:
    """Print what the headers cost and return it with its budgets."""
    plain = place([])
    media = place(
        [
            {"name": "audio", "media": ["audio/*", "video/*"], "search": "reserve"},
            {"name": "pictures", "media": ["image/*"], "ai_input": "allow"},
        ]
    )
    own = [*RESPONSE, (b"x-robots-tag", b"noarchive")]
    figures = interleaved(
        {
            "a bare copy of the list": timed(lambda: [*RESPONSE]),
            "with the reservation": timed(lambda: apply(RESPONSE, plain)),
            "with an X-Robots-Tag of the app's own": timed(lambda: apply(own, plain)),
            "where sections are told apart by media": timed(lambda: apply(RESPONSE, media)),
        },
        rounds,
    )
    table("Reservation headers on a response of eight headers", figures)
    base = figures["a bare copy of the list"].median
    return figures, [
        Budget("reservation headers: added", figures["with the reservation"].median - base, 1.0, " µs"),
        Budget(
            "reservation headers by media type: added",
            figures["where sections are told apart by media"].median - base,
            1.0,
            " µs",
        ),
    ]
