"""A client as the findings of conduct see it, and what it sends."""

from __future__ import annotations

from collections.abc import Sequence

from conduct_support import ADDRESS, BOOK, CHROME, NOW, visit
from vorbehalt.facts import Headers
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.score import Assessment
from vorbehalt.patterns.seen import NEEDS, Inputs
from vorbehalt.patterns.sketches import SECOND
from vorbehalt.patterns.watch import Watch

ALL = Inputs(frozenset(NEEDS) - {"tls"})
TYPED: Headers = (
    (b"sec-fetch-site", b"none"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"accept-language", b"de"),
)
CLICKED: Headers = (
    (b"sec-fetch-site", b"same-origin"),
    *TYPED[1:],
    (b"referer", b"https://label.example/"),
)
FROM_SEARCH: Headers = ((b"sec-fetch-site", b"cross-site"), *TYPED[1:])
PICTURE: Headers = (
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"no-cors"),
    (b"sec-fetch-dest", b"image"),
    (b"accept-language", b"de"),
)
SAYS_LITTLE: Headers = ((b"accept-language", b"de"),)


class Client:
    """One client and the watch over it; every request is a second after the last."""

    def __init__(self, inputs: Inputs = ALL, agent: bytes = CHROME) -> None:
        self.watch = Watch(BOOK, inputs)
        self.agent = agent
        self.now = NOW
        self.last: Assessment | None = None

    def ask(
        self,
        path: str = "/",
        headers: Headers = TYPED,
        beside: Circumstances = ORDINARY,
        *,
        method: str = "GET",
        scheme: str = "https",
        query: bytes = b"",
        status: int = 200,
        sets_cookie: bool = False,
        wait: int = SECOND,
    ) -> Client:
        self.now += wait
        request = visit(
            path, headers, at=self.now, method=method, scheme=scheme, query=query, agent=self.agent
        )
        self.last = self.watch.observe(request, beside)
        key = self.watch.key_of(ADDRESS, self.watch.in_request.find(request).fingerprint)
        self.watch.note_answer(key, status, sets_cookie, self.now)
        assert self.watch.failures == 0, self.watch.last_failure
        return self

    def read(self, paths: Sequence[str], headers: Headers = TYPED, **more: object) -> Client:
        for path in paths:
            self.ask(path, headers, **more)  # type: ignore[arg-type]
        return self

    @property
    def made(self) -> dict[str, int]:
        """The findings of conduct, with their points."""
        assert self.last is not None
        return {one.id: one.weight for one in self.last.findings if BOOK.definition(one.id).state == "client"}


def pages(count: int) -> list[str]:
    return [
        "/",
        *(f"/song-{'abcdefghijklmnopqrstuvwxyz'[n % 26]}{'x' * (n // 26)}" for n in range(count - 1)),
    ]


def crawl(client: Client, closed: int, pages_read: int = 70, is_declared: bool = False) -> Client:
    """Many different pages of which some lie in areas closed to all robots, with the assets of a browser."""
    client.ask("/style.css", PICTURE)
    for number in range(pages_read):
        client.ask(
            f"/{number * 7919 % 1000}/x{number}x",
            FROM_SEARCH,
            Circumstances(is_closed_area=number < closed, is_declared=is_declared),
        )
    return client


def songs(*numbers: int) -> list[str]:
    return [f"/lyrics/{number}" for number in numbers]


# ---- 23, media
def tracks(count: int) -> list[str]:
    return [f"/media/track-{number}-{number * 7919 % 97}.mp3" for number in range(count)]
