"""Whom a dossier and a letter say robots.txt disallowed something: in doubt nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dossier_support import OPERATOR, Records
from tlog_support import Log
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.reservation import Versions
from vorbehalt.claims.dossier.robots import robots_of
from vorbehalt.claims.ledger import Query
from vorbehalt.claims.notice.traffic import read_traffic
from vorbehalt.evidence.tlog.leaf import decode_leaf

NOW, OLDER = "1" * 64, "2" * 64
CLOSED = {"version": NOW, "allowed": False, "line": "Disallow: /", "number": 2, "agent": "GPTBot"}
OPEN = {"action": "allow", "rule": "open-path"}


@pytest.mark.parametrize(
    ("changed", "against", "excused"),
    [
        ({"robots": CLOSED}, 1, 0),
        ({"robots": {**CLOSED, "allowed": True}}, 0, 0),
        ({"robots": {**CLOSED, "fetched": {"version": OLDER, "allowed": False}}}, 1, 0),
        ({"robots": {**CLOSED, "fetched": {"version": OLDER, "allowed": True}}}, 0, 1),
        ({"robots": {**CLOSED, "fetched": {"version": OLDER, "allowed": "unknown"}}}, 0, 1),
        ({"robots": {**CLOSED, "documented": False}}, 0, 0),
        ({"robots": {**CLOSED, "permission": "licence:7"}, "permission": "licence:7"}, 0, 0),
        ({"robots": CLOSED, "decision": OPEN}, 0, 0),
    ],
)  # fmt: skip
def test_only_what_the_version_they_had_fetched_closes_to_them_is_told_as_against_robots(
    changed: dict[str, Any], against: int, excused: int, tmp_path: Path
) -> None:
    log = Log(tmp_path / "evidence")
    request = Records(log).request(5, "A1", **changed)
    log.seal([request])
    figures = Figures(Query(OPERATOR), Versions([], {}, frozenset(), lambda digest: b""), None)
    figures.take(0, decode_leaf(request))
    figures.close()
    robots = robots_of(figures, 1)
    assert robots.violations_attributed == against
    assert sum(row.counts.requested for row in robots.rows if row.is_excused) == excused
    found = read_traffic(tmp_path / "evidence", {OPERATOR: Query(OPERATOR)})[OPERATOR]
    assert sum(found.disallowed.values()) == against
