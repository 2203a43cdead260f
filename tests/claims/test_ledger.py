"""The ledger counts what happened: the same as the records, line by line, nothing against the innocent."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from vorbehalt.claims import ledger_rows
from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED, Query, Tally, read_ledger
from vorbehalt.claims.ledger_pairs import Pairs
from vorbehalt.claims.ledger_text import as_csv, as_json, percent, sentences
from vorbehalt.claims.ledgers import read_ledgers
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.spreadsheet import harmless
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.reading import query
from vorbehalt.evidence.receipt import Draft, RecordType
from vorbehalt.facts import Standing

DAY = 86_400 * 10**9
START = 20_600 * DAY
UNTIL = START + 3 * DAY
SHOWN = ("requested", "refused", "delivered", "bytes")


@dataclass(frozen=True)
class Event:
    """One request, and what became of it: (status, bytes, whole, delivered, vantage) or nothing."""

    number: int
    hour: int
    operator: str
    standing: str
    action: str
    method: str
    works: tuple[str, ...]
    ends: tuple[tuple[int, int, bool, bool, str], ...]
    early: bool = False

    def drafts(self) -> list[Draft]:
        at = START + self.hour * 3600 * 10**9
        claim = {"token": "GPTBot", "operator": self.operator, "standing": self.standing}
        ref = f"VB-{self.number}"
        request = draft(
            "request",
            at,
            ref,
            method=self.method,
            claim=claim,
            decision={"action": self.action},
            work=self.works[0] if self.works else None,
            **({"works": list(self.works)} if len(self.works) > 1 else {}),
        )
        ends = [
            draft(
                "completion", at + 5 * DAY, ref, claim=claim, of=ref, status=status, bytes=size, whole=whole,
                delivered=delivered, vantage=vantage,
            )
            for status, size, whole, delivered, vantage in self.ends
        ]  # fmt: skip
        return [*ends, request] if self.early else [request, *ends]


def draft(kind: RecordType, at: int, ref: str, **seen: object) -> Draft:
    return Draft(kind, ref, at, {"host": "label.example", "path": "/x", **seen})


def event(number: int = 1, **changed: Any) -> Event:
    usual: dict[str, Any] = {
        "hour": 1, "operator": "OpenAI", "standing": "verified", "action": "allow", "method": "GET",
        "works": ("own:1",), "ends": ((200, 100, True, True, "app"),),
    }  # fmt: skip
    return Event(number, **{**usual, **changed})


def leaves(drafts: Iterable[Draft]) -> list[dict[str, Any]]:
    return [{"type": d.type, "ref": d.ref, "at": str(d.at), "seen": d.seen} for d in drafts]


def counted(*events: Event, pairs: Pairs | None = None, **asked: Any) -> Any:
    tally = Tally(Query("OpenAI", **asked), pairs)
    for leaf in leaves(d for e in events for d in e.drafts()):
        tally.take(leaf)
    return tally.finish()


def total(ledger: Any, *standings: Standing) -> dict[str, int]:
    return ledger_rows.told(ledger.total(*(standings or tuple(Standing))))


@pytest.mark.parametrize(
    ("end", "method", "column"),
    [
        ((200, 100, True, True, "app"), "GET", "whole"),
        ((203, 100, True, True, "app"), "POST", "whole"),
        ((206, 100, True, True, "app"), "GET", "part"),
        ((200, 100, True, True, "access-log"), "GET", "whole"),
        ((200, 0, True, False, "app"), "HEAD", "head"),
        ((200, 100, True, True, "app"), "HEAD", "head"),
        ((304, 0, True, False, "app"), "GET", "not_modified"),
        ((304, 100, True, True, "app"), "GET", "not_modified"),
        ((200, 100, False, False, "app"), "GET", "broken"),
        ((200, 100, False, True, "app"), "GET", "broken"),
        ((206, 0, False, False, "app"), "GET", "broken"),
        ((200, 100, True, False, "app"), "GET", "other"),
        ((200, 0, True, True, "app"), "GET", "other"),
        ((404, 100, True, True, "app"), "GET", "other"),
        ((301, 100, True, True, "app"), "GET", "other"),
        (None, "GET", "unknown"),
    ],
)
def test_each_outcome_is_counted_as_what_it_was(end: Any, method: str, column: str) -> None:
    found = counted(event(ends=(end,) if end else (), method=method))
    counts = total(found)
    delivered = column in ("whole", "part")
    outcomes = ("refused", "whole", "part", "not_modified", "head", "broken", "other", "unknown")
    assert {name for name in outcomes if counts[name]} == {column}
    assert (counts["requested"], counts["delivered"], counts["bytes"]) == (1, delivered, 100 * delivered)
    assert counts["joined"] == (end is not None and end[4] == "access-log")
    assert found.works_of(Standing.VERIFIED, delivered=True) == ({"own:1"} if delivered else set())
    assert found.works_of(Standing.VERIFIED, delivered=False) == {"own:1"}


def test_a_refusal_is_never_delivered_whatever_follows() -> None:
    counts = total(counted(event(action="block"), event(2, action="limit", ends=())))
    assert (counts["requested"], counts["refused"], counts["delivered"], counts["bytes"]) == (2, 2, 0, 0)


def test_an_impostor_is_counted_for_itself_and_never_for_the_operator() -> None:
    found = counted(event(standing="contradicted"), event(2, standing="claimed"), event(3, standing="signed"))
    said = as_json(found, 4)
    assert [said[group]["delivered"] for group in ("attributed", "described", "impostors")] == [1, 1, 1]  # type: ignore[index]
    assert {*ATTRIBUTED, *DESCRIBED, Standing.CONTRADICTED} == {*Standing}
    only = as_json(counted(event(standing="contradicted")), 4)
    assert only["attributed"]["delivered"] == only["described"]["delivered"] == 0  # type: ignore[index]
    assert only["attributed"]["share_of_catalogue_percent"] == "0.00"  # type: ignore[index]


def test_another_operators_requests_and_those_out_of_the_period_are_not_counted() -> None:
    found = counted(
        event(1, operator="Anthropic"), event(2, hour=23), event(3, hour=24), event(4, hour=48),
        since=START + DAY, until=START + 2 * DAY,
    )  # fmt: skip
    assert total(found)["requested"] == total(found)["delivered"] == 1
    assert found.unmatched == 0


def test_an_answer_counts_once_however_often_it_is_told_and_in_whatever_order() -> None:
    end = (200, 100, True, True, "app")
    found = counted(event(ends=(end, end)), event(2, ends=(end, end), early=True), event(1, ends=(end,)))
    assert (total(found)["requested"], total(found)["delivered"]) == (3, 3)
    assert found.unmatched == 2


def test_a_completion_without_its_request_delivers_nothing_and_is_said() -> None:
    tally = Tally(Query("OpenAI"))
    tally.take(leaves(event().drafts())[1])
    found = tally.finish()
    assert (total(found)["requested"], found.unmatched) == (0, 1)
    assert "1 completions belong to no request of this log" in list(sentences(found))


def test_a_page_with_two_works_counts_for_both_and_once_in_the_sums() -> None:
    found = counted(event(works=("own:1", "own:2")), event(2, works=()))
    assert [(line.work, line.counts["requested"]) for line in found.lines()] == [
        ("", 1), ("own:1", 1), ("own:2", 1),
    ]  # fmt: skip
    assert total(found)["requested"] == 2
    assert as_json(found, 4)["attributed"]["share_of_catalogue_percent"] == "50.00"  # type: ignore[index]


def test_rollups_are_counted_apart_and_impostors_in_them_by_their_token() -> None:
    tally = Tally(Query("OpenAI", tokens=frozenset({"GPTBot"})))

    def row(*key: str, count: int = 2) -> dict[str, Any]:
        return {"key": list(key), "count": str(count), "completed": "1", "bytes": "70"}

    rows = [
        row("h", "GPTBot", "OpenAI", "training", "verified", "allow", "allow"),
        row("h", "GPTBot", "OpenAI", "training", "verified", "block", "block"),
        row("h", "GPTBot", "", "training", "contradicted", "block", "block"),
        row("h", "ClaudeBot", "", "training", "contradicted", "block", "block"),
        row("h", "ClaudeBot", "Anthropic", "training", "verified", "block", "block"),
        row("other", count=9),
    ]
    seen: dict[str, object] = {"minute": str(START), "rows": rows}
    for leaf in leaves([Draft("rollup", "", START, seen), Draft("gap", "", START, {"lost": "3"})]):
        tally.take(leaf)
    found = tally.finish()
    names = ("requested", "refused", "bytes")
    assert [(line.standing.value, *(line.counts[n] for n in names)) for line in found.rollups.lines()] == [
        ("verified", 4, 2, 140), ("contradicted", 2, 2, 70),
    ]  # fmt: skip
    assert (found.unnamed, found.gaps, total(found)["requested"]) == (9, 1, 0)
    assert as_json(found)["works"] == []


def test_pairs_that_do_not_fit_into_memory_wait_in_a_file() -> None:
    events = [event(number, ends=()) for number in range(100)]
    late = [event(number) for number in range(100)]
    tally = Tally(Query("OpenAI"), Pairs(in_memory=7))
    for leaf in leaves([d for e in events for d in e.drafts()] + [e.drafts()[1] for e in late]):
        tally.take(leaf)
    found = tally.finish()
    assert (total(found)["delivered"], total(found)["unknown"], found.unmatched) == (100, 0, 0)


def test_too_many_rows_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_rows, "MAX_ROWS", 3)
    with pytest.raises(EvidenceError, match="ask for a shorter period"):
        counted(*(event(number, works=(f"own:{number}",)) for number in range(4)))


ENDS = st.tuples(
    st.sampled_from([200, 200, 203, 206, 304, 404, 500]),
    st.sampled_from([1, 5000, 0]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from(["app", "access-log"]),
)
EVENTS = st.lists(
    st.builds(
        Event,
        number=st.integers(0, 10**9),
        hour=st.integers(0, 80),
        operator=st.sampled_from(["OpenAI", "OpenAI", "Anthropic"]),
        standing=st.sampled_from([standing.value for standing in Standing]),
        action=st.sampled_from(["allow", "allow", "block", "limit"]),
        method=st.sampled_from(["GET", "GET", "HEAD", "POST"]),
        works=st.sampled_from([(), ("own:1",), ("own:2",), ("own:1", "own:2"), ("own:=cmd",)]),
        ends=st.lists(ENDS, max_size=1).map(tuple),
    ),
    min_size=30,
    max_size=80,
    unique_by=lambda e: e.number,
)


@given(EVENTS)
# Without shrinking: each example writes a log of its own, and a failure must not take minutes.
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_ledger_jsonl_and_csv_agree_over_random_logs(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "evidence"
        evidence = open_evidence(str(directory), "label.example/evidence", {})
        evidence.start()
        for each in events:
            for one in each.drafts():
                evidence.append(one)
        evidence.close(30)
        lines = [json.dumps(record) for record in query.show(directory)]
        asked = Query("OpenAI", START, UNTIL)
        ledger = read_ledger(directory, asked)
        said = as_json(ledger, 2)
        table = list(csv.DictReader(StringIO("".join(as_csv(ledger)))))
        again = as_json(read_ledger(directory, Query("OpenAI", START, UNTIL, size=len(lines))), 2)
        others = [Query("Anthropic", START), Query("Nobody"), asked]
        together = [as_json(found, 2) for found in read_ledgers(directory, others)]
        apart = [as_json(read_ledger(directory, query), 2) for query in others]
    assert again == said
    of_the_log = dict.fromkeys(("gaps", "cut_records", "rollups_of_nobody"))
    assert [{**one, **of_the_log} for one in together] == [{**one, **of_the_log} for one in apart]
    assert {**together[2], **of_the_log} == {**said, **of_the_log}
    sums, by_work = recounted(map(json.loads, lines))
    assert {(row["day"], row["standing"]): tuple(int(row[name]) for name in SHOWN)
            for row in table if row["row"] == "day"} == sums  # fmt: skip
    assert {(row["work"].lstrip("'"), row["day"], row["standing"]): tuple(int(row[name]) for name in SHOWN)
            for row in table if row["row"] == "work"} == by_work  # fmt: skip
    assert {(row["work"] or "", row["day"], row["standing"]): tuple(row[name] for name in SHOWN)
            for row in said["works"]} == by_work  # type: ignore[attr-defined] # fmt: skip
    for group, standings in (("attributed", ATTRIBUTED), ("described", DESCRIBED),
                             ("impostors", (Standing.CONTRADICTED,))):  # fmt: skip
        mine = [counts for (_, standing), counts in sums.items() if Standing(standing) in standings]
        assert tuple(said[group][name] for name in SHOWN) == tuple(map(sum, zip(*mine, strict=True))) or (  # type: ignore[index]
            not mine
        )


def recounted(records: Iterable[Mapping[str, Any]]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Count the lines of `evidence show --json` the simple way."""
    records = list(records)
    ends = {r["ref"]: r["seen"] for r in records if r["type"] == "completion"}
    sums: dict[Any, Counter[str]] = {}
    works: dict[Any, Counter[str]] = {}
    for record in records:
        seen, at = record["seen"], int(record["at"])
        if record["type"] != "request" or seen["claim"]["operator"] != "OpenAI" or not START <= at < UNTIL:
            continue
        day = f"2026-05-{27 + (at - START) // DAY}"
        place = (day, seen["claim"]["standing"])
        refused = seen["decision"]["action"] != "allow"
        end = ends.get(record["ref"], {"status": 0})
        got = (
            not refused and seen["method"] != "HEAD" and end["status"] in (200, 203, 206)
            and end["whole"] and end["delivered"] and end["bytes"] > 0
        )  # fmt: skip
        counts = {"requested": 1, "refused": refused, "delivered": got, "bytes": end["bytes"] if got else 0}
        named = seen.get("works") or [seen["work"] or ""]
        for book, key in [(sums, place), *((works, (work, *place)) for work in named)]:
            book.setdefault(key, Counter()).update(counts)

    def plain(book: dict[Any, Counter[str]]) -> dict[Any, Any]:
        return {key: tuple(counts[name] for name in SHOWN) for key, counts in book.items()}

    return plain(sums), plain(works)


def test_the_log_can_be_pinned_and_never_beyond_its_end(tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    evidence = open_evidence(str(directory), "label.example/evidence", {})
    evidence.start()
    for number in range(3):
        for one in event(number).drafts():
            evidence.append(one)
    evidence.close(30)
    found = [total(read_ledger(directory, Query("OpenAI", size=size)))["delivered"] for size in (0, 3, 5, 7)]
    assert found == [0, 1, 2, 3]
    with pytest.raises(EvidenceError, match="the log holds 8 records, not 9"):
        read_ledger(directory, Query("OpenAI", size=9))


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("+x", "'+x"), ("-x", "'-x"), ("@x", "'@x"), ("\t=x", "'\\t=x"), (" =x", "' =x"),
     ("\uff1d1", "'\uff1d1"), ("a\x1b[31m\u202eb", "a\\x1b[31m\\u202eb"), ("plain", "plain"), ("", "")],
)  # fmt: skip
def test_no_cell_of_strangers_is_a_formula_or_moves_a_terminal(text: str, cell: str) -> None:
    assert harmless(text) == cell


def test_a_share_is_never_rounded_up() -> None:
    assert [percent(1, 3), percent(2, 3), percent(999_999, 1_000_000), percent(1, 1), percent(0, 0)] == [
        "33.33", "66.66", "99.99", "100.00", "0.00",
    ]  # fmt: skip


def test_rollups_of_several_operators_are_counted_for_each_and_for_nobody_else(tmp_path: Path) -> None:
    def row(token: str, operator: str, standing: str, action: str, count: int) -> dict[str, object]:
        key = ["label.example", token, operator, "training", standing, action, action]
        return {"key": key, "count": count, "bytes": 10 * count}

    rows = [
        row("GPTBot", "OpenAI", "verified", "allow", 5),
        row("GPTBot", "", "contradicted", "block", 7),
        row("ClaudeBot", "Anthropic", "claimed", "block", 11),
        {"key": ["label.example"], "count": 13, "bytes": 0},
    ]
    directory = tmp_path / "evidence"
    evidence = open_evidence(str(directory), "label.example/evidence", {})
    evidence.start()
    for minute, some in ((START, rows), (START + DAY, rows), (START + DAY, rows[1:2])):
        evidence.append(Draft("rollup", "", minute, {"minute": str(minute), "rows": some}))
    evidence.close(30)
    queries = [
        Query("OpenAI", START + 1, tokens=frozenset({"GPTBot"})),
        Query("Anthropic", tokens=frozenset({"ClaudeBot"})),
        Query("Nobody"),
    ]
    found = [
        [
            (line.standing.value, line.counts["requested"], line.counts["refused"])
            for line in one.rollups.lines()
        ]
        for one in read_ledgers(directory, queries)
    ]
    assert found == [[("verified", 5, 0), ("contradicted", 14, 14)], [("claimed", 11, 11)] * 2, []]
    assert read_ledgers(directory, []) == []
    assert [one.size for one in read_ledgers(directory, queries, 2)] == [2, 2, 2]
    with pytest.raises(EvidenceError, match="the log holds 5 records, not 6"):
        read_ledgers(directory, queries, 6)
