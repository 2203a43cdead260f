"""A campaign: the hypothesis that the page views of a cohort are those of one fleet. Pure.

It says why, since when, how large, and how many of its members may be people at most.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, lgamma, log

from vorbehalt.facts import Finding
from vorbehalt.patterns.cohort import Cohort, Measures, Usual, take_in
from vorbehalt.patterns.definition import Definition
from vorbehalt.patterns.sketches import SECOND, distinct


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What makes a fleet, from the rules (`cohort.orphans`)."""

    addresses: int
    pages: int
    orphan_share: float
    deep_share: float
    baseline_factor: float
    people_share: float
    baseline_days: float
    soon: int
    late: int
    address_views: int

    @classmethod
    def of(cls, definition: Definition) -> Thresholds:
        """Read them from the definition."""
        number = definition.number
        return cls(
            addresses=int(number("addresses")),
            pages=int(number("pages")),
            orphan_share=number("orphan_share"),
            deep_share=number("deep_share"),
            baseline_factor=number("baseline_factor"),
            people_share=number("people_share"),
            baseline_days=number("baseline_days"),
            soon=int(number("soon_seconds") * SECOND),
            late=int(number("orphan_seconds") * SECOND),
            address_views=int(number("address_views")),
        )

    def are_met(self, found: Measures, usual: Usual) -> bool:
        """True if these figures are those of a fleet."""
        return (
            found.addresses >= self.addresses
            and found.pages >= self.pages
            and found.deep > self.baseline_factor * usual.deep
            and self.still_hold(found)
        )

    def still_hold(self, found: Measures) -> bool:
        """True if nothing speaks against a campaign that was found before."""
        return (
            found.orphan_share > self.orphan_share
            and found.deep_share > self.deep_share
            and found.readers <= self.people_share * found.candidates
        )


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands. Times are nanoseconds UTC.

    `members` page views were attributed to it, of `addresses` different addresses. `readers` of them turned
    out to be people's, by what they loaded afterwards; at most the share `people_at_most` of all are such (95
    %). `last_hour` are the figures of its cohort, `usual` those of an ordinary hour.
    """

    cohort: str
    first_seen: int
    last_seen: int
    addresses: int
    members: int
    readers: int
    people_at_most: float
    last_hour: Measures
    usual: Usual
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The form for machines."""
        return {**asdict(self), "reasons": list(self.reasons)}


class Running:
    """A campaign while it runs: its figures so far, and the finding that its members get."""

    __slots__ = ("_seen", "cohort", "finding", "first_seen", "last_hour", "last_seen", "members", "readers",
                 "usual")  # fmt: skip

    def __init__(
        self, cohort: Cohort, found: Measures, usual: Usual, now: int, definition: Definition
    ) -> None:
        self.cohort = cohort
        self.first_seen = cohort.begin_campaign()
        self.last_seen = now
        self.members = found.candidates
        self.readers = found.readers
        self._seen = cohort.seen_addresses()
        self.usual = usual
        self.update(found, definition)

    def update(self, found: Measures, definition: Definition) -> None:
        """Take the figures of the last hour."""
        self.last_hour = found
        said = "; ".join(reasons(found, self.usual))
        self.finding: Finding = definition.finding(f"{self.cohort.key}: {said}")

    def note(self, address: int, at: int) -> None:
        """One more deep orphan, asked for at this time."""
        take_in(self._seen, address)
        self.last_seen = max(self.last_seen, at)

    def state(self) -> Campaign:
        """The campaign as it stands."""
        return Campaign(
            cohort=self.cohort.key,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            addresses=min(self.members, round(distinct(self._seen))),
            members=self.members,
            readers=self.readers,
            people_at_most=upper_bound(self.readers, self.members),
            last_hour=self.last_hour,
            usual=self.usual,
            reasons=reasons(self.last_hour, self.usual),
        )


def reasons(found: Measures, usual: Usual) -> tuple[str, ...]:
    """Why this looks like a fleet, in words."""
    said = [
        f"{found.addresses} addresses within the hour",
        f"{found.orphan_share:.0%} of {found.views} page views without a cookie and with nothing after them",
        f"{found.deep_share:.0%} of them on pages that no reader asks for, {found.pages} different ones",
        f"{found.deep} such views in the hour, where {usual.deep:.1f} are usual",
    ]
    if found.dead_share >= 0.05:
        said.append(f"{found.dead_share:.0%} claim a browser that is dead or never was")
    return tuple(said)


def upper_bound(hits: int, trials: int, doubt: float = 0.05) -> float:
    """The largest share that `hits` of `trials` leave possible (one-sided, Clopper and Pearson 1934).

    About 3 / trials for no hit (the rule of three); 1 where nothing is known.
    """
    if hits >= trials:
        return 1.0
    low, high = hits / trials, 1.0
    for _ in range(50):
        share = (low + high) / 2
        if _at_most(hits, trials, share) > doubt:
            low = share
        else:
            high = share
    return high


def _at_most(hits: int, trials: int, share: float) -> float:
    """The probability of at most so many hits; `share` is strictly between 0 and 1."""
    return sum(
        exp(
            lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
            + k * log(share) + (trials - k) * log(1 - share)
        )
        for k in range(hits + 1)
    )  # fmt: skip
