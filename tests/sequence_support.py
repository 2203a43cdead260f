"""Whole runs of captured clients (tests/cases/sequences.jsonl) through a watch, request by request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from conduct_support import ADDRESS, BOOK, NOW
from support import CASES
from vorbehalt.facts import Headers, Visit
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.noting import is_page_view
from vorbehalt.patterns.score import Assessment
from vorbehalt.patterns.seen import NEEDS, Inputs, seen
from vorbehalt.patterns.sketches import SECOND
from vorbehalt.patterns.watch import Watch

GIVEN = frozenset(NEEDS) - {"tls"}
WITHOUT_H2C = GIVEN - {"connection"}
"""Behind a proxy that ends TLS: what a client offers on its own connection is not seen."""


@dataclass(frozen=True, slots=True)
class Run:
    """One client's run. `name`, `label` and `transport` are those of the capture."""

    name: str
    label: str
    transport: str
    visits: tuple[Visit, ...]

    @property
    def inputs(self) -> Inputs:
        return Inputs(GIVEN, loopback_is_secure=True)


@cache
def runs() -> dict[str, Run]:
    """All captured runs by client."""
    lines = (CASES / "sequences.jsonl").read_text("utf-8").splitlines()[1:]
    return {row["client"]: _run(row) for row in map(json.loads, lines)}


def _run(row: Any) -> Run:
    host = "127.0.0.1" if row["transport"] == "cleartext-loopback" else "label.example"
    scheme = "https" if row["transport"].startswith("tls") else "http"
    origin = f"{scheme}://{host}"

    def headers(number: int, referer: str) -> Headers:
        filled = {"host": host, "origin": origin, "referer": origin + referer}
        return tuple(
            (name.encode(), filled.get(name, value).encode("latin-1"))
            for name, value in row["headers"][number]
        )

    visits = tuple(
        Visit(
            NOW + round(at * SECOND), method, scheme, host, path, path.encode(), row["http"],
            headers(number, referer[0] if referer else ""), ADDRESS,
        )
        for at, method, path, number, *referer in row["steps"]
    )  # fmt: skip
    return Run(row["client"], row["label"], row["transport"], visits)


@dataclass(frozen=True, slots=True)
class After:
    """How a client stands after one request; `pages` counts its page views so far."""

    visit: Visit
    pages: int
    assessment: Assessment

    @property
    def conduct(self) -> frozenset[str]:
        """The ids of findings of behaviour."""
        ids = (one.id for one in self.assessment.findings)
        return frozenset(id for id in ids if BOOK.definition(id).state == "client")


def watched(run: Run, inputs: Inputs | None = None) -> list[After]:
    """Let a watch see a run. The site sets a cookie on its pages; /trap/ is a trap, robots.txt forbids it."""
    inputs = inputs or run.inputs
    watch = Watch(BOOK, inputs)
    pages = 0
    after = []
    for visit in run.visits:
        beside = Circumstances(
            is_trap=visit.path.startswith("/trap/"),
            robots_version="a version" if visit.path == "/robots.txt" else None,
        )
        assessment = watch.observe(visit, beside)
        looked = seen(visit, inputs)
        is_page = is_page_view(looked) and not looked.is_prefetch
        pages += is_page
        key = watch.key_of(visit.client, watch.in_request.find(visit).fingerprint)
        watch.note_answer(key, 200, is_page and b"cookie" not in looked.values, visit.received_at)
        after.append(After(visit, pages, assessment))
    assert watch.failures == 0, watch.last_failure
    return after


def continued(run: Run, pages: int) -> Run:
    """The same client going on as it did last, page by page, until it has read so many pages.

    The last page of the run comes again, with everything that came after it, under the next address.
    """
    looks = [seen(visit, run.inputs) for visit in run.visits]
    at = [place for place, look in enumerate(looks) if is_page_view(look)]
    if not at:
        return run
    last = list(run.visits[at[-1] :])
    visits = list(run.visits)
    gap = last[-1].received_at - last[0].received_at + SECOND
    for number in range(pages - len(at)):
        visits += _shifted(last, f"/lyrics/{20 + number * 3}", gap * (number + 1))
    return Run(run.name, run.label, run.transport, tuple(visits))


def _shifted(last: list[Visit], path: str, later: int) -> Iterator[Visit]:
    for place, visit in enumerate(last):
        target = path if place == 0 else visit.path
        yield Visit(
            visit.received_at + later, visit.method, visit.scheme, visit.host, target, target.encode(),
            visit.http_version, visit.headers, visit.client,
        )  # fmt: skip
