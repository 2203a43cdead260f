"""Captured clients and arrangements, for tests of findings: see tests/cases/clients.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import vorbehalt_rules
from vorbehalt.facts import ClientAddress, Finding, Visit
from vorbehalt.patterns.book import Book, read_book
from vorbehalt.patterns.in_request import find_in_request
from vorbehalt.patterns.seen import Inputs, Seen, seen

CASES = Path(__file__).parent / "cases"
CAPTURED = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()) * 1_000_000_000
DIRECT = frozenset({"secure", "order", "http-version", "connection", "encoding"})


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a request meets: the scheme it is told with, the host asked, and what can be seen."""

    scheme: str | None
    host: str | None
    inputs: Inputs


ARRANGEMENTS = {
    "captured": Arrangement(None, None, Inputs(DIRECT, loopback_is_secure=True)),
    "https": Arrangement("https", "site.example", Inputs(DIRECT)),
    "mapped": Arrangement("https", "site.example", Inputs(frozenset({"secure"}))),
    "plain": Arrangement("http", "site.example", Inputs(DIRECT)),
}
"""As captured; https, direct; https behind a proxy that keeps headers in a map; plain http, public name."""


@dataclass(frozen=True, slots=True)
class Client:
    """A captured client with its requests, each as method, path, http and headers."""

    name: str
    label: str
    kind: str
    transport: str
    requests: tuple[Any, ...]


@cache
def clients() -> dict[str, Client]:
    """All captured clients by name."""
    lines = (CASES / "clients.jsonl").read_text("utf-8").splitlines()[1:]
    rows = [json.loads(line) for line in lines]
    return {
        row["client"]: Client(
            row["client"], row["label"], row["kind"], row["transport"], tuple(row["requests"])
        )
        for row in rows
    }


@cache
def book() -> Book:
    """The shipped rule book."""
    return read_book(vorbehalt_rules.documents())


def visit(
    headers: Iterable[tuple[str, str]],
    path: str = "/",
    *,
    method: str = "GET",
    scheme: str = "https",
    host: str = "site.example",
    http: str = "1.1",
    at: int = CAPTURED,
) -> Visit:
    """A request as the edge hands it on."""
    pairs = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers)
    client = ClientAddress("203.0.113.9", "direct", True)
    return Visit(at, method, scheme, host, path, path.encode(), http, pairs, client)


def met(client: Client, arrangement: str, number: int = 0) -> Seen:
    """One request of a client as an arrangement sees it."""
    row, where = client.requests[number], ARRANGEMENTS[arrangement]
    scheme = where.scheme or ("https" if client.transport.startswith("tls") else "http")
    host = where.host or ("site.example" if client.transport.endswith("nonlocal-host") else "127.0.0.1")
    return seen(
        visit(row["headers"], row["path"], method=row["method"], scheme=scheme, host=host, http=row["http"]),
        where.inputs,
    )


def fits(client: Client, arrangement: str) -> bool:
    """False where a capture cannot happen: a browser sends other headers over https than it sent here."""
    return not client.transport.endswith("nonlocal-host") or arrangement in ("captured", "plain")


def points(findings: Iterable[Finding]) -> int:
    """The points of findings of one request, under the caps of their families."""
    sums: dict[str, int] = {}
    for finding in findings:
        sums[finding.family] = sums.get(finding.family, 0) + finding.weight
    return sum(min(total, book().families[family].cap) for family, total in sums.items())


def first(client: Client, arrangement: str) -> tuple[Finding, ...]:
    """The findings of a client's first request."""
    return find_in_request(met(client, arrangement), book())


def whole(client: Client, arrangement: str) -> set[str]:
    """The ids of all findings over all requests of a client."""
    return {
        finding.id
        for number in range(len(client.requests))
        for finding in find_in_request(met(client, arrangement, number), book())
    }


UA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
FIRE = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/{} Safari/605.1.15"
)
SECURE = Inputs(DIRECT)


def captured_headers(name: str) -> dict[str, str]:
    """The headers of a client's first request; no name twice."""
    return dict(clients()[name].requests[0]["headers"])


def found(
    base: dict[str, str],
    path: str = "/",
    *,
    inputs: Inputs = SECURE,
    without: tuple[str, ...] = (),
    method: str = "GET",
    at: int = CAPTURED,
    **changed: str,
) -> set[str]:
    """The ids found with headers left out and changed (`user_agent="..."`), the order kept."""
    headers = {name: value for name, value in base.items() if name not in without}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    one = visit(headers.items(), path, method=method, at=at)
    return {finding.id for finding in find_in_request(seen(one, inputs), book())}
