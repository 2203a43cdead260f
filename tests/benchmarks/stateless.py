"""Findings of one request: the browser of an unknown User-Agent, first sight of a request, and the cache."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from identification import browsers, over
from measure import Budget, Figure, interleaved, table, timed
from vorbehalt.patterns.browser import claimed_browser
from vorbehalt.patterns.in_request import InRequest, find_in_request
from vorbehalt.patterns.seen import Inputs, kind_of, seen

sys.path.insert(0, str(Path(__file__).parents[1]))

from pattern_support import DIRECT, book, clients, visit


def run(rounds: int) -> tuple[dict[str, Figure], list[Budget]]:
    """Print the table of stateless findings and return it with its budgets."""
    rules, inputs = book(), Inputs(DIRECT)
    agents = [agent.encode("latin-1", "replace") for agent in browsers()]
    visits = [
        visit(row["headers"], row["path"], method=row["method"], http=row["http"])
        for client in clients().values()
        for row in client.requests
    ]
    disguised = [one for one in visits if b"Chrome/" in one.header(b"user-agent")]
    cache = InRequest(rules, inputs)
    for one in visits:
        cache.find(one)

    def known() -> float:
        # Fresh bytes as from the wire: a name or value that was hashed before would be cheaper.
        rows = [
            (
                {bytes(bytearray(name)): bytes(bytearray(value)) for name, value in one.headers},
                one.method,
                one.http_version,
                kind_of(one.path, one.header(b"sec-fetch-dest")),
            )
            for one in disguised
        ]

        def batch() -> int:
            for headers, method, http, kind in rows:
                cache.known(headers, method, http, True, kind)
            return len(rows)

        return timed(batch)

    variants: dict[str, Callable[[], float]] = {
        "the browser of an unknown User-Agent": over(claimed_browser, agents),
        "first sight, all captured clients": over(
            lambda one: find_in_request(seen(one, inputs), rules), visits
        ),
        "first sight, who claims Chrome": over(
            lambda one: find_in_request(seen(one, inputs), rules), disguised
        ),
        "known, given the headers as a dict": known,
    }
    figures = interleaved(variants, rounds)
    table("Findings of one request", figures)
    first = figures["first sight, who claims Chrome"].median
    return figures, [
        Budget(
            "the browser of an unknown User-Agent",
            figures["the browser of an unknown User-Agent"].median,
            5.0,
            " µs",
        ),
        Budget("all stateless findings at first sight", first, 60.0, " µs"),
        Budget(
            "findings known from the cache", figures["known, given the headers as a dict"].median, 1.0, " µs"
        ),
    ]
