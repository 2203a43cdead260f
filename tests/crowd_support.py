"""A site's traffic, made up by rules that are written down here: people, and fleets among them.

People (`people`): sessions begin at random (exponential gaps) and belong to an address and a browser. Three
of five bring no cookie. The first page is the front page, one of 200 popular pages (the n-th is asked for in
proportion to 1 / n) or, one time in twenty, one of 5,000 old ones; more pages follow with probability 0.7,
after 5 to 90 s, with the cookie and a Referer. Each page is followed by 2 to 6 assets within 1 to 4 s; one
session in twenty-five loads none, because they are in the cache or blocked, and one in fifty keeps no cookie.

Fleets (`fleet`): a new address for each request, drawn from all of IPv4 that is globally routable, one old
page, no cookie, nothing else. Everything follows from the seed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final

from conduct_support import BOOK, NOW
from vorbehalt.facts import ClientAddress, Headers, Visit
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.score import Assessment
from vorbehalt.patterns.seen import NEEDS, Inputs
from vorbehalt.patterns.sketches import HOUR, SECOND
from vorbehalt.patterns.watch import Watch

BEGIN: Final = NOW - NOW % HOUR
INPUTS = Inputs(frozenset(NEEDS) - {"tls"})
HOST: Final = (b"host", b"label.example")
_SAFARI_UA: Final = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    b" Version/26.1 Mobile/15E148 Safari/604.1"
)
_WINDOWS: Final = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64)"


def _agent(rest: bytes) -> bytes:
    return _WINDOWS + b" AppleWebKit/537.36 (KHTML, like Gecko) " + rest


@dataclass(frozen=True)
class Browser:
    """Headers of a page and of what belongs to it, without Cookie and Referer."""

    page: Headers
    asset: Headers


def chromium(major: int, agent: bytes, language: bytes, brand: bytes = b"Google Chrome") -> Browser:
    """A browser of the Chromium family over https."""
    hints: Headers = (
        (b"sec-ch-ua", b'"Chromium";v="%d", "%s";v="%d", "Not)A;Brand";v="24"' % (major, brand, major)),
        (b"sec-ch-ua-mobile", b"?0"),
        (b"sec-ch-ua-platform", b'"Windows"'),
    )
    tail: Headers = ((b"accept-encoding", b"gzip, deflate, br, zstd"), (b"accept-language", language))
    page: Headers = (
        HOST, *hints, (b"upgrade-insecure-requests", b"1"), (b"user-agent", agent),
        (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        (b"sec-fetch-site", b"none"), (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-user", b"?1"),
        (b"sec-fetch-dest", b"document"), *tail,
    )  # fmt: skip
    asset: Headers = (
        HOST, hints[2], (b"user-agent", agent), hints[0], hints[1], (b"accept", b"*/*"),
        (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-mode", b"no-cors"), (b"sec-fetch-dest", b"script"),
        *tail,
    )  # fmt: skip
    return Browser(page, asset)


def firefox(major: int, language: bytes) -> Browser:
    """Firefox over https."""
    head: Headers = (
        HOST,
        (b"user-agent", _WINDOWS[:-1] + b"; rv:%d.0) Gecko/20100101 Firefox/%d.0" % (major, major)),
    )
    language_and_encoding: Headers = (
        (b"accept-language", language), (b"accept-encoding", b"gzip, deflate, br, zstd"),
    )  # fmt: skip
    page: Headers = (
        *head, (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        *language_and_encoding, (b"upgrade-insecure-requests", b"1"), (b"sec-fetch-dest", b"document"),
        (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-site", b"none"), (b"sec-fetch-user", b"?1"),
        (b"priority", b"u=0, i"), (b"te", b"trailers"),
    )  # fmt: skip
    asset: Headers = (
        *head, (b"accept", b"*/*"), *language_and_encoding, (b"sec-fetch-dest", b"script"),
        (b"sec-fetch-mode", b"no-cors"), (b"sec-fetch-site", b"same-origin"), (b"te", b"trailers"),
    )  # fmt: skip
    return Browser(page, asset)


def safari(language: bytes) -> Browser:
    """Safari on a phone over https."""
    tail: Headers = ((b"accept-language", language), (b"accept-encoding", b"gzip, deflate, br"))
    page: Headers = (
        HOST, (b"sec-fetch-dest", b"document"), (b"user-agent", _SAFARI_UA),
        (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        (b"sec-fetch-site", b"none"), (b"sec-fetch-mode", b"navigate"), *tail,
    )  # fmt: skip
    asset: Headers = (
        HOST, (b"sec-fetch-dest", b"style"), (b"user-agent", _SAFARI_UA), (b"accept", b"text/css,*/*;q=0.1"),
        (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-mode", b"no-cors"), *tail,
    )  # fmt: skip
    return Browser(page, asset)


CHROME = chromium(156, _agent(b"Chrome/156.0.0.0 Safari/537.36"), b"de-DE,de;q=0.9,en;q=0.8")
BROWSERS: Final = (
    CHROME,
    CHROME,
    chromium(156, _agent(b"Chrome/156.0.0.0 Safari/537.36"), b"en-US,en;q=0.9"),
    chromium(156, _agent(b"Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0"), b"de", b"Microsoft Edge"),
    firefox(160, b"de,en-US;q=0.7,en;q=0.3"),
    safari(b"de-DE,de;q=0.9"),
    safari(b"de-DE,de;q=0.9"),
)

AGENT_149: Final = _agent(b"Chrome/149.0.0.0 Safari/537.36")
_CHROME_120: Final = _agent(b"Chrome/120.0.0.0 Safari/537.36")
_KEEP: Final = (b"connection", b"keep-alive")


def _made_up(random: Random) -> Headers:
    """A library that takes another User-Agent each time, of browsers that are long gone."""
    agent = _agent(b"Chrome/%d.0.%d.0 Safari/537.36" % (random.randint(13, 63), random.randint(800, 899)))
    return (HOST, (b"user-agent", agent), (b"accept-encoding", b"gzip, deflate"), (b"accept", b"*/*"), _KEEP)


FLEETS: Final[dict[str, Callable[[Random], Headers]]] = {
    "a browser's headers, without a flaw": lambda _: chromium(
        149, AGENT_149, b"en-US,en;q=0.9"
    ).page,
    "a library behind a browser's name": lambda _: (
        HOST, (b"user-agent", _CHROME_120), (b"accept-encoding", b"gzip, deflate"),
        (b"accept", b"text/html,*/*"), _KEEP, (b"accept-language", b"en-US,en;q=0.5"),
    ),
    "a tool behind a browser's name": lambda _: (HOST, (b"user-agent", _CHROME_120), (b"accept", b"*/*")),
    "made-up browsers, a new one each time": _made_up,
}  # fmt: skip


@dataclass(order=True)
class Event:
    """One request. `who` names a person or a member of a fleet; its first letter is its side."""

    at: int
    serial: int
    who: str = field(compare=False)
    visit: Visit = field(compare=False)


_SERIAL: Final = count()


def event(at: int, who: str, address: str, path: str, headers: Headers) -> Event:
    """One GET over https at a time, in nanoseconds UTC."""
    client = ClientAddress(address, "direct", True, address)
    visit = Visit(at, "GET", "https", "label.example", path, path.encode(), "1.1", headers, client)
    return Event(at, next(_SERIAL), who, visit)


_FIRST_OCTETS: Final = (45, 62, 78, 84, 91, 93, 176, 178, 185)


def address_of(random: Random) -> str:
    """An address in one of the ranges that are surely routable; hardly ever two in a /24."""
    first = random.choice(_FIRST_OCTETS)
    return f"{first}.{random.randint(0, 250)}.{random.randint(0, 250)}.{random.randint(1, 250)}"


def page_of(random: Random) -> str:
    """A page that a person may ask for."""
    if random.random() < 0.05:
        return f"/archive/{random.randint(1, 5_000)}"
    if random.random() < 0.25:
        return "/"
    return f"/song/{int(200 ** random.random())}"


def visitor(
    random: Random, who: str, at: int, address: str, browser: Browser, *, first: str | None = None,
    loads: bool | None = None,
) -> Iterator[Event]:  # fmt: skip
    """One session of one person."""
    loads = random.random() >= 0.04 if loads is None else loads
    keeps = random.random() >= 0.02
    has_cookie = random.random() < 0.4
    path = first if first is not None else page_of(random)
    referer: Headers = ()
    while True:
        cookie: Headers = ((b"cookie", b"sid=1"),) if has_cookie else ()
        headers = browser.page
        if referer:
            headers = tuple((n, b"same-origin" if n == b"sec-fetch-site" else v) for n, v in headers)
        yield event(at, who, address, path, (*headers, *referer, *cookie))
        has_cookie = has_cookie or keeps
        cookie = ((b"cookie", b"sid=1"),) if has_cookie else ()
        referer = ((b"referer", b"https://label.example" + path.encode()),)
        for number in range(random.randint(2, 6) if loads else 0):
            later = at + int(random.uniform(0.5, 4) * SECOND)
            yield event(later, who, address, f"/static/{number}.css", (*browser.asset, *referer, *cookie))
        if random.random() >= 0.7:
            return
        at += int(random.uniform(5, 90) * SECOND)
        path = page_of(random)


def people(
    seed: int, begin: int, hours: float, an_hour: float, *, address: Callable[[Random], str] = address_of,
    browsers: Sequence[Browser] = BROWSERS, name: str = "person",
) -> list[Event]:  # fmt: skip
    """So many sessions an hour, from `begin` (nanoseconds UTC) on."""
    random = Random(f"{name} {seed}")
    events: list[Event] = []
    at = float(begin)
    for number in count():
        at += random.expovariate(an_hour) * HOUR
        if at >= begin + hours * HOUR:
            return events
        events += visitor(random, f"{name} {number}", int(at), address(random), random.choice(browsers))
    return events


def fleet(
    seed: int, begin: int, minutes: float, headers: Callable[[Random], Headers], size: int = 2_000,
    *, page: Callable[[Random], str] = lambda random: f"/archive/{random.randint(5_001, 90_000)}",
) -> list[Event]:  # fmt: skip
    """So many requests in so many minutes, each from another address."""
    random = Random(f"fleet {seed}")
    step = minutes * 60 * SECOND / size
    events: list[Event] = []
    for n in range(size):
        at = begin + int((n + random.random()) * step)
        events.append(event(at, f"fleet {n}", address_of(random), page(random), headers(random)))
    return events


@dataclass
class Outcome:
    """What became of each side. `first_campaign`: how many requests of the fleet had come by then."""

    watch: Watch
    cohorts: Cohorts
    levels: dict[str, str] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=dict)
    first_campaign: int | None = None

    def people(self) -> set[str]:
        return {who for who in self.levels if not who.startswith("fleet")}

    def people_in_it(self) -> float:
        """The share of people among all who were taken for members of a campaign."""
        return len(self.members & self.people()) / len(self.members) if self.members else 0.0


_RANK: Final = ("observe", "limit", "challenge", "block")


def play(*sides: Iterable[Event], inputs: Inputs = INPUTS) -> Outcome:
    """All sides' requests in order of time, through one watch."""
    cohorts = Cohorts(BOOK, inputs)
    watch = Watch(BOOK, inputs, cohorts=cohorts)
    outcome = Outcome(watch, cohorts)
    of_fleet = 0
    for one in heapq.merge(*(sorted(side) for side in sides)):
        found = watch.observe(one.visit)
        of_fleet += one.who.startswith("fleet")
        take(outcome, one.who, found)
        if outcome.first_campaign is None and cohorts.running:
            outcome.first_campaign = of_fleet
    if watch.last_failure is not None:
        raise watch.last_failure
    return outcome


def take(outcome: Outcome, who: str, found: Assessment) -> None:
    """Note what was found at one request."""
    outcome.asked[who] = outcome.asked.get(who, 0) + 1
    if any(finding.id == "cohort.orphans" for finding in found.findings):
        outcome.members.add(who)
    before = outcome.levels.get(who, "observe")
    outcome.levels[who] = max(before, found.level, key=_RANK.index)
