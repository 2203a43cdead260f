"""What letters count: own requests of the period, and what robots.txt and licences say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from register_support import DAY, TODAY, evidence_with
from vorbehalt.claims.ledger import Query
from vorbehalt.claims.notice.traffic import read_traffic
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.receipt import Draft

DISALLOWED = {"allowed": False, "documented": True}


def asked(at: int = TODAY, operator: str = "OpenAI", standing: str = "verified", **seen: Any) -> Draft:
    claim = {"token": "GPTBot", "operator": operator, "standing": standing}
    usual = {"method": "GET", "path": "/songs/1", "claim": claim, "decision": {"action": "allow"}}
    return Draft("request", "", at, {**usual, **seen})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return evidence_with(tmp_path, [
        asked(robots=DISALLOWED),
        asked(robots=DISALLOWED, permission="none", standing="claimed"),
        asked(robots={"allowed": False}),
        asked(robots={"allowed": False, "documented": False}),
        asked(robots={"allowed": True, "documented": True}),
        asked(),
        asked(robots=DISALLOWED, permission="licence:7"),
        asked(robots=DISALLOWED, permission="licence:7", standing="signed"),
        asked(TODAY - 9 * DAY, robots=DISALLOWED),
        asked(TODAY - 9 * DAY, permission="licence:7"),
        asked(operator="Meta", robots=DISALLOWED),
        Draft("signal-served", "", TODAY, {"claim": asked().seen["claim"], "robots": DISALLOWED}),
        Draft("request", "", TODAY, {}),
    ])  # fmt: skip


def test_disallowed_is_what_the_record_says_of_a_documented_crawler_without_a_licence(log: Path) -> None:
    found = read_traffic(log, {"OpenAI": Query("OpenAI", TODAY - DAY), "Meta": Query("Meta")})
    assert found["OpenAI"].disallowed == {"verified": 2, "claimed": 1}
    assert found["OpenAI"].licensed == {"verified": 1, "signed": 1}
    assert (found["Meta"].disallowed, found["Meta"].licensed) == ({"verified": 1}, {})


def test_records_that_do_not_say_who_asked_are_counted_for_everybody(log: Path) -> None:
    found = read_traffic(log, {"OpenAI": Query("OpenAI"), "Meta": Query("Meta")})
    assert [traffic.ledger.cut for traffic in found.values()] == [1, 1]


def test_only_the_first_records_count_where_a_size_is_given(log: Path) -> None:
    size = open_log(log)[1].size
    told: list[tuple[int, int]] = []
    # The writer's first record comes before all requests.
    found = read_traffic(log, {"OpenAI": Query("OpenAI")}, 3, lambda done, total: told.append((done, total)))
    assert found["OpenAI"].disallowed == {"verified": 1, "claimed": 1}
    assert found["OpenAI"].ledger.size == 3
    assert told == [(3, 3)]
    assert read_traffic(log, {"OpenAI": Query("OpenAI")}, size)["OpenAI"].ledger.size == size
    with pytest.raises(EvidenceError, match=f"the log holds {size} records, not {size + 1}"):
        read_traffic(log, {"OpenAI": Query("OpenAI")}, size + 1)


def test_nobody_asked_for_is_nothing_read(log: Path) -> None:
    told: list[tuple[int, int]] = []
    assert read_traffic(log, {}, progress=lambda done, total: told.append((done, total))) == {}
    assert told == []
