"""Page views told to cohorts one by one: a site that readers know, and fleets."""

from __future__ import annotations

from conduct_support import BOOK, NOW
from vorbehalt.patterns.campaign import Campaign
from vorbehalt.patterns.cohort import SLOT, Measures
from vorbehalt.patterns.cohort_keys import CohortKey, network_of
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.seen import Inputs
from vorbehalt.patterns.sketches import MINUTE, SECOND
from vorbehalt.patterns.spots import Spot, spot_of

INPUTS = Inputs(frozenset({"assets"}))
BEGIN = NOW - NOW % SLOT
SHAPE = CohortKey("headers", "headers:0011223344556677")
READ = [spot_of(f"/song/{number}") for number in range(50)]
OLD = [spot_of(f"/archive/{number}") for number in range(5_000)]


def address(number: int) -> str:
    """Each in a /24 of its own."""
    return f"{60 + number // 62_500}.{number // 250 % 250}.{number % 250}.7"


def cohorts_with_readers(at: int = BEGIN, **options: int) -> Cohorts:
    """Cohorts that know the site: readers of another shape asked for its songs."""
    cohorts = Cohorts(BOOK, INPUTS, **options)
    for number in range(200):
        other = (CohortKey("headers", "headers:ffffffffffffffff"),)
        cohorts.note_page(-number - 1, "9.9.9.9", READ[number % 50], other, at, is_reader=True)
    return cohorts


def ask(
    cohorts: Cohorts, number: int, at: int, *, page: Spot | None = None, key: int | None = None,
    shape: CohortKey = SHAPE, home: str | None = None, is_reader: bool = False,
) -> None:  # fmt: skip
    """One page view of one client."""
    home = home if home is not None else address(number)
    names = (CohortKey("network", network_of(home)), shape)
    spot = page if page is not None else OLD[number % len(OLD)]
    cohorts.note_page(key if key is not None else number, home, spot, names, at, is_reader=is_reader)


def send(
    cohorts: Cohorts, number: int, begin: int, *, first: int = 0, step: int = SECOND, shape: CohortKey = SHAPE
) -> int:
    """A fleet: so many requests, a second apart. Returns the time after which all of them are settled."""
    for n in range(first, first + number):
        ask(cohorts, n, begin + (n - first) * step, shape=shape)
    return begin + number * step + MINUTE


def the_only(cohorts: Cohorts, at: int) -> Campaign:
    (campaign,) = cohorts.campaigns(at)
    return campaign


def figures(cohorts: Cohorts, key: CohortKey = SHAPE) -> Measures:
    return cohorts._kinds[key.kind].meet(key.text, cohorts._now).measures()


def member(
    cohorts: Cohorts, at: int, page: Spot = OLD[-1], *, is_reader: bool = False, shape: CohortKey = SHAPE
) -> bool:
    names = (CohortKey("network", "5.5.5.0/24"), shape)
    return cohorts.finding_for(names, page, at, is_reader=is_reader) is not None
