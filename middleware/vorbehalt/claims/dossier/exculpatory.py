"""What speaks for the operator: it stands in every dossier, whatever else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vorbehalt.claims.dossier.contents import Conduct, Exculpatory, Reservation, Robots
from vorbehalt.claims.dossier.contents_parts import (
    Counts,
)
from vorbehalt.claims.dossier.contents_told import (
    Statement,
)
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.tallying import ATTRIBUTED_NAME, DESCRIBED_NAME, counts_of
from vorbehalt.claims.dossier.words import Words
from vorbehalt.claims.ledger_rows import Line
from vorbehalt.facts import Standing

_MOST_HOW = 50


def exculpatory_of(
    figures: Figures,
    groups: Mapping[str, Counts],
    impostors: Counts,
    robots: Robots,
    conduct: Conduct,
    reservation: Reservation,
    words: Words,
) -> Exculpatory:
    """Return section 10."""
    attributed, described = groups[ATTRIBUTED_NAME], groups[DESCRIBED_NAME]
    own = [row for row in robots.rows if row.group == ATTRIBUTED_NAME]
    allowed = sum(row.counts.requested for row in own if row.allowed)
    excused = sum(row.counts.requested for row in own if row.is_excused)
    fetched = sum(
        served.times
        for served in reservation.served
        if served.path.endswith("/robots.txt") and served.standing != Standing.CONTRADICTED.value
    )
    permissions = _permissions(figures)
    licensed = sum(counts.requested for _, counts in permissions)
    nothing = sum(
        getattr(attributed, name) for name in ("head", "not_modified", "broken", "other", "unknown")
    )
    first = next(one for one in conduct.after_refusal if one.group == ATTRIBUTED_NAME)

    def statements() -> Iterator[Statement]:
        for code, number in (
            ("impostors", impostors.requested), ("described", described.requested), ("licensed", licensed),
            ("allowed", allowed), ("excused", excused), ("nothing_delivered", nothing),
            ("refused", attributed.refused),
        ):  # fmt: skip
            if number:
                yield words.statement(f"ex.{code}", requests=number)
        if fetched:
            yield words.statement("ex.fetched", times=fetched)
        if first.refused_clients and not first.came_back:
            yield words.statement("ex.nobody_came_back")

    how = figures.how.get(Standing.CONTRADICTED)
    return Exculpatory(
        statements=tuple(statements()) or (words.statement("ex.none"),),
        impostors=impostors,
        impostor_how=tuple(how.listed(_MOST_HOW)) if how else (),
        permissions=permissions,
        robots_allowed=allowed,
        robots_fetched=fetched,
    )


def _permissions(figures: Figures) -> tuple[tuple[str, Counts], ...]:
    found: dict[str, list[Line]] = {}
    for line in figures.tally.book("permissions").lines():
        if line.standing is not Standing.CONTRADICTED:
            found.setdefault(line.work, []).append(line)
    return tuple((reference, counts_of(lines)) for reference, lines in sorted(found.items()))
