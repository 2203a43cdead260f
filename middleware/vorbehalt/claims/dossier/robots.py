"""What robots.txt said to the requests of a dossier, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from vorbehalt.claims.dossier.contents import Robots
from vorbehalt.claims.dossier.contents_parts import (
    RobotsRow,
)
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.tallying import ATTRIBUTED_NAME, by_text, counts_of
from vorbehalt.claims.ledger_reading import NO_PERMISSION

_NONE_SEEN = ("none", "unknown")
"""No fetch was seen since observation began; the record does not say."""


def robots_of(figures: Figures, requests: int) -> Robots:
    """Return section 6; `requests` are all that are attributed or described."""
    rows = tuple(_rows(figures))
    violations = {True: 0, False: 0}
    for row in rows:
        if row.is_violation:
            violations[row.group == ATTRIBUTED_NAME] += row.counts.requested
    said = sum(row.counts.requested for row in rows)
    return Robots(rows, violations[True], violations[False], requests - said)


def _rows(figures: Figures) -> Iterator[RobotsRow]:
    for text, groups in sorted(by_text(figures.tally.book("robots")).items()):
        (token, version, allowed, line, number, agent, fetched, fetched_allowed, permission, documented,
         is_open) = json.loads(text)  # fmt: skip
        is_older = fetched not in (version, *_NONE_SEEN)
        is_bound = not allowed and documented and permission == NO_PERMISSION and not is_open
        for group, lines in sorted(groups.items()):
            yield RobotsRow(
                group=group,
                token=str(token or ""),
                version=str(version or ""),
                allowed=allowed,
                line=str(line or ""),
                number=number if isinstance(number, int) else None,
                agent=str(agent or ""),
                fetched=fetched,
                fetched_allowed=fetched_allowed,
                permission=str(permission),
                is_documented=documented,
                is_violation=is_bound and not (is_older and fetched_allowed is not False),
                is_excused=is_bound and is_older and fetched_allowed is not False,
                counts=counts_of(lines),
            )
