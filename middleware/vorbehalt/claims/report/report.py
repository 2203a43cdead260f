"""All that one report says, as values; and the same as JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vorbehalt.claims.ledger_text import day as day_text
from vorbehalt.claims.ledger_text import moment, percent
from vorbehalt.claims.register import Letter, day_of
from vorbehalt.claims.report.figures import GROUPS, Figures, Group, delivered
from vorbehalt.claims.report.month import Month

_ROLLED = ("requested", "refused", "bytes")
Visitors = Mapping[str, int]
"""By name of the operator whose AI products sent them."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the audit of the evidence said: `problems` is empty if it holds."""

    assurance: str
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Report:
    """One month and the month before it. `now` is nanoseconds UTC, `size` how many records were counted.

    `catalogue` is the number of works in it, None without one. `visitors` is None where nobody counted them.
    """

    site: str
    now: int
    size: int
    proof: Proof
    this: Figures
    before: Figures
    catalogue: int | None = None
    pruned: int = 0
    """So many records are no longer in the log that may be of these months."""
    elsewhere: int = 0
    """So many records lie in the logs that this one follows and may be of these months."""
    letters: tuple[Letter, ...] = ()
    visitors: Visitors | None = None
    visitors_before: Visitors | None = None
    visitors_are_whole: bool = True
    """Somebody counted visitors from the month's first day on."""
    title: Callable[[str], str] = field(default=lambda work: "")

    @property
    def month(self) -> Month:
        return self.this.month

    @property
    def is_so_far(self) -> bool:
        """True if the month is not over."""
        return self.now < self.month.until

    @property
    def today(self) -> str:
        """The day of `now`, YYYY-MM-DD."""
        return day_of(self.now)

    @property
    def open_letters(self) -> tuple[Letter, ...]:
        return tuple(letter for letter in self.letters if letter.is_open)

    @property
    def overdue(self) -> int:
        """How many open letters wait for an answer that is due."""
        return sum(letter.days_overdue(self.today) > 0 for letter in self.open_letters)

    def top_works(self, most: int) -> Sequence[tuple[str, Mapping[str, int]]]:
        """Return the works delivered most often to AI crawlers."""
        ranked = sorted(self.this.works.items(), key=lambda item: (-sum(item[1].values()), item[0]))
        return ranked[:most]


def as_json(report: Report) -> dict[str, object]:
    """Return the public form. Groups are those of `works ledger`, and nothing adds them up."""
    this = report.this
    return {
        "month": str(report.month),
        "from": moment(report.month.since),
        "to": moment(report.month.until),
        "so_far": report.is_so_far,
        "as_of": moment(report.now),
        "size": report.size,
        "pruned": report.pruned,
        "in_earlier_logs": report.elsewhere,
        "evidence": {
            "verified": report.proof.holds,
            "assurance": report.proof.assurance,
            "problems": list(report.proof.problems),
        },
        "catalogue": report.catalogue,
        "visitors_are_whole": report.visitors is not None and report.visitors_are_whole,
        **_month(this, report.catalogue, report.visitors),
        "days": [
            {
                "day": day_text(report.month.first_day + number),
                "requested": requested,
                "refused": this.days.refused[number],
                "delivered": this.days.delivered[number],
            }
            for number, requested in enumerate(this.days.requested)
        ],
        "works": [
            {"work": work, "title": report.title(work) or None, **this.works[work]}
            for work in sorted(this.works)
        ],
        "letters": [_letter(letter, report.today) for letter in report.open_letters],
        "before": {
            "month": str(report.before.month),
            **_month(report.before, report.catalogue, report.visitors_before),
        },
    }


def _month(figures: Figures, catalogue: int | None, visitors: Visitors | None) -> dict[str, object]:
    aside = figures.aside
    return {
        "is_empty": figures.is_empty,
        "ai": {name: group_json(group, catalogue) for name, group in figures.ai.items()},
        "operators": [
            {
                "operator": operator.name or None,
                "ai": {name: group_json(operator.ai[name], catalogue) for name in GROUPS},
                "other": {name: group_json(operator.other[name], catalogue) for name in GROUPS},
                "all": {name: group_json(operator.whole(name), catalogue) for name in GROUPS},
            }
            for operator in figures.operators
        ],
        "visitors_sent": None if visitors is None else dict(sorted(visitors.items())),
        **facts(figures),
        "anchored_days": sorted(aside.anchored),
        "is_anchored": figures.covered,
    }


def facts(figures: Figures) -> dict[str, int]:
    """Return the single numbers of a month that belong to no operator."""
    aside = figures.aside
    return {
        "search_engines_refused": aside.search_refused,
        "search_engines_refused_rolled_up": aside.search_rolled,
        "people_refused": aside.people_requests,
        "people_refused_rolled_up": aside.people_rolled,
        "people_addresses": len(aside.people),
        "people_without_address": aside.people_unmarked,
        "days_anchored": len(aside.anchored),
        "records_lost": aside.lost,
        "gaps": aside.gaps,
        "gaps_of_unknown_size": aside.lost_unknown,
        "cut_records": aside.cut,
        "rollups_of_nobody": aside.unnamed,
    }


def group_json(group: Group, catalogue: int | None) -> dict[str, object]:
    """Return one group with all that follows from its counts."""
    return {
        **group.told,
        "works_requested": len(group.asked),
        "works_delivered": len(group.works),
        "reserved_works_delivered": len(group.reserved),
        "share_of_catalogue_percent": percent(len(group.works), catalogue) if catalogue else None,
        "reserved_share_of_catalogue_percent": percent(len(group.reserved), catalogue) if catalogue else None,
        "against_fetched_robots": group.against["requested"],
        "against_fetched_robots_delivered": delivered(group.against),
        "closed_by_unfetched_robots": group.unfetched["requested"],
        "after_notice": group.after["requested"],
        "after_notice_delivered": delivered(group.after),
        "licensed": group.licensed["requested"],
        "licensed_delivered": delivered(group.licensed),
        "rolled_up": {name: group.rolled[name] for name in _ROLLED},
    }


def _letter(letter: Letter, today: str) -> dict[str, object]:
    sent = letter.sent_at()
    return {
        "id": letter.id,
        "operator": letter.operator,
        "kind": letter.kind,
        "date": letter.date,
        "sent": None if sent is None else letter.notice_day,
        "due": letter.due,
        "state": letter.state,
        "days_overdue": letter.days_overdue(today),
    }
