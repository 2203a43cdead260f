"""The report, its CSV and JSON, the ledger of each operator and the records themselves say the same."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from months_support import write_log
from report_support import CATALOGUE, CRAWLERS, OCTOBER, TOKENS, counted, records_of, report_of
from vorbehalt.claims.ledger import Query, read_ledger
from vorbehalt.claims.ledger_text import as_json as ledger_json
from vorbehalt.claims.report.figures import GROUPS
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.report import as_json
from vorbehalt.claims.report.table import as_csv
from vorbehalt.evidence.reading import query
from vorbehalt.facts import Standing

COLUMNS = ("requested", "refused", "delivered", "bytes")
ENDS = st.tuples(
    st.sampled_from([200, 200, 203, 206, 304, 404]),
    st.sampled_from([1, 5000, 0]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, False]),
    st.sampled_from(["app", "access-log"]),
)
VISITS = st.fixed_dictionaries(
    {
        # From the last days of August to the first of November: the two months and both sides of them.
        "hour": st.integers(-33 * 24, 33 * 24),
        "crawler": st.sampled_from([*CRAWLERS, CRAWLERS[0], None]),
        "standing": st.sampled_from([standing.value for standing in Standing]),
        "action": st.sampled_from(["allow", "allow", "block", "limit"]),
        "method": st.sampled_from(["GET", "GET", "GET", "HEAD"]),
        "works": st.sampled_from([(), ("own:1",), ("own:2",), ("own:1", "own:2"), ("own:=cmd",)]),
        "ends": st.lists(ENDS, max_size=1),
        "early": st.booleans(),
    }
)
ROLLUPS = st.fixed_dictionaries(
    {
        "hour": st.integers(-33 * 24, 33 * 24),
        "crawler": st.sampled_from([*CRAWLERS, None]),
        "standing": st.sampled_from([standing.value for standing in Standing]),
        "action": st.sampled_from(["allow", "block"]),
        "count": st.integers(1, 9),
    }
)


@given(
    st.lists(VISITS, min_size=40, max_size=90), st.lists(ROLLUPS, max_size=12)
)  # fmt: skip
# Without shrinking: each example writes a log of its own, and a failure must not take minutes.
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_report_csv_json_ledger_and_records_agree_over_random_logs(
    visits: list[dict[str, Any]], rolled: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "evidence"
        write_log(directory, iter(records_of(visits, rolled)))
        figures, size = counted(directory)
        lines = [json.loads(json.dumps(record)) for record in query.show(directory)]
        ledgers = {
            (month, operator): ledger_json(read_ledger(directory, Query(
                operator, month.since, month.until, frozenset(t for t, o in TOKENS.items() if o == operator)
            )), CATALOGUE)
            for month in (OCTOBER, OCTOBER.before)
            for operator in ("OpenAI", "Anthropic", "Google")
        }  # fmt: skip
    report = report_of(figures, size)
    said = json.loads(json.dumps(as_json(report)))
    table = list(csv.DictReader(StringIO("".join(as_csv(report)))))
    for month, month_said in ((OCTOBER, said), (OCTOBER.before, said["before"])):
        by_operator = {one["operator"]: one for one in month_said["operators"]}
        for operator in ("OpenAI", "Anthropic", "Google"):
            agrees_with_ledger(by_operator.get(operator), ledgers[month, operator])
        simple = recounted(lines, month)
        for (operator, kind, group), sums in simple.items():
            found = by_operator[operator][kind][group]
            assert tuple(found[name] for name in COLUMNS) == sums
            (row,) = [
                one for one in table
                if one["row"] == "operator" and one["month"] == str(month)
                and (one["name"], one["crawlers"], one["group"]) == (operator or "", kind, group)
            ]  # fmt: skip
            assert {name: row[name] for name in found if name in row} == {
                name: "" if value is None else str(value) for name, value in found.items() if name in row
            }
        for group in GROUPS:
            mine = [sums for (_, kind, name), sums in simple.items() if (kind, name) == ("ai", group)]
            total = tuple(map(sum, zip(*mine, strict=True))) or (0, 0, 0, 0)
            assert tuple(month_said["ai"][group][name] for name in COLUMNS) == total
            (row,) = [
                one for one in table
                if (one["row"], one["month"], one["group"]) == ("total", str(month), group)
            ]  # fmt: skip
            assert tuple(int(row[name]) for name in COLUMNS) == total
        days = [one for one in table if one["row"] == "day" and one["month"] == str(month)]
        named = [month_said["ai"][group] for group in ("attributed", "described")]
        for name in ("requested", "refused", "delivered"):
            assert sum(int(one[name]) for one in days) == sum(one[name] for one in named)
        people = [
            line for line in lines if line["type"] == "request" and line["seen"]["claim"] is None
            and line["seen"]["decision"]["action"] != "allow" and month.since <= int(line["at"]) < month.until
        ]  # fmt: skip
        assert month_said["people_refused"] == len(people)


def agrees_with_ledger(one: Any, ledger: Any) -> None:
    """Whatever the ledger of an operator counts for the month, the report counts in the same columns."""
    if one is None:
        assert not any(ledger[group]["requested"] for group in GROUPS)
        assert not ledger["rollups"]
        return
    for group in GROUPS:
        mine = one["all"][group]
        shared = set(mine) & set(ledger[group])
        assert shared >= {"requested", "refused", "delivered", "bytes", "whole", "part", "head", "broken",
                          "other", "unknown", "not_modified", "joined"}  # fmt: skip
        assert {name: mine[name] for name in shared} == {name: ledger[group][name] for name in shared}
        standings = {standing.value for standing in GROUPS[group]}
        rolled = [row for row in ledger["rollups"] if row["standing"] in standings]
        assert mine["rolled_up"] == {
            name: sum(row[name] for row in rolled) for name in ("requested", "refused", "bytes")
        }


def recounted(lines: Iterable[Mapping[str, Any]], month: Month) -> dict[Any, tuple[int, ...]]:
    """Count the lines of `evidence show --json` the simple way: by operator, AI or other, and group."""
    lines = list(lines)
    ends = {line["ref"]: line["seen"] for line in lines if line["type"] == "completion"}
    groups = {standing.value: name for name, standings in GROUPS.items() for standing in standings}
    found: dict[Any, Counter[str]] = {}
    for line in lines:
        seen = line["seen"]
        if line["type"] != "request" or seen["claim"] is None:
            continue
        if not month.since <= int(line["at"]) < month.until:
            continue
        claim, end = seen["claim"], ends.get(line["ref"])
        refused = seen["decision"]["action"] != "allow"
        got = (
            not refused and end is not None and seen["method"] != "HEAD" and end["status"] in (200, 203, 206)
            and end["whole"] and end["delivered"] and end["bytes"] > 0
        )  # fmt: skip
        key = (claim["operator"], "ai" if claim["ai"] else "other", groups[claim["standing"]])
        size = end["bytes"] if got and end is not None else 0
        counts = {"requested": 1, "refused": refused, "delivered": got, "bytes": size}
        found.setdefault(key, Counter()).update(counts)
    return {key: tuple(counts[name] for name in COLUMNS) for key, counts in found.items()}
