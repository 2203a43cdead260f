"""What counts for what in the owner's month: nothing against the innocent, nothing lost, nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from months_support import DAY, write_log
from report_support import CRAWLERS, OCTOBER, counted, gap, letter, records_of, report_of, visit_at
from vorbehalt.claims.register import Register
from vorbehalt.claims.report.counting import Aside, MonthsTally, count_months
from vorbehalt.claims.report.figures import figures_of
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.report import as_json

COLUMNS = ("requested", "refused", "delivered", "bytes")


def one_visit(directory: Path, **changed: Any) -> Any:
    write_log(directory, iter(records_of([visit_at(24, **{"works": ("own:1",), **changed})], [])))
    figures, size = counted(directory)
    return as_json(report_of(figures, size))


@pytest.mark.parametrize(
    ("changed", "group", "delivered"),
    [
        ({}, "attributed", 1),
        ({"standing": "claimed"}, "described", 1),
        ({"method": "HEAD"}, "attributed", 0),
        ({"ends": [(304, 0, True, False, "app")]}, "attributed", 0),
        ({"ends": [(200, 5000, False, True, "app")]}, "attributed", 0),
        ({"ends": []}, "attributed", 0),
        ({"action": "block"}, "attributed", 0),
    ],
)
def test_only_a_whole_answer_with_content_is_delivered(
    changed: dict[str, Any], group: str, delivered: int, tmp_path: Path
) -> None:
    said = one_visit(tmp_path / "evidence", **changed)
    assert (said["ai"][group]["requested"], said["ai"][group]["delivered"]) == (1, delivered)
    assert said["ai"][group]["reserved_works_delivered"] == delivered
    assert [work["work"] for work in said["works"]] == ["own:1"] * delivered


def test_an_impostor_is_nobodys_delivery(tmp_path: Path) -> None:
    said = one_visit(tmp_path / "evidence", standing="contradicted")
    named = [said["ai"][group][name] for group in ("attributed", "described") for name in COLUMNS]
    assert named == [0] * 8
    assert said["ai"]["impostors"]["requested"] == 1
    assert said["works"] == []
    assert sum(day["delivered"] for day in said["days"]) == 0


VERSION, OLDER = "ab" * 32, "cd" * 32
_KNOWN = {"version": VERSION, "allowed": False}


@pytest.mark.parametrize(
    ("robots", "told", "against", "unfetched"),
    [
        ({"version": VERSION, "allowed": False}, VERSION, 1, 0),
        ({"version": VERSION, "allowed": True}, VERSION, 0, 0),
        ({"version": VERSION, "allowed": False}, None, 0, 1),
        ({"version": VERSION, "allowed": True}, None, 0, 0),
        ({"version": VERSION, "allowed": False, "fetched": {"version": OLDER, "allowed": True}}, OLDER, 0, 0),
        ({"version": VERSION, "allowed": True, "fetched": {"version": OLDER, "allowed": False}}, OLDER, 1, 0),
        ({**_KNOWN, "fetched": {"version": OLDER, "allowed": "unknown"}}, OLDER, 0, 0),
        ({"version": VERSION, "allowed": False, "permission": "contract 7"}, VERSION, 0, 0),
        ({**_KNOWN, "documented": False}, VERSION, 0, 0),
        (None, VERSION, 0, 0),
    ],
)  # fmt: skip
def test_robots_counts_by_the_version_that_was_fetched(
    robots: Any, told: str | None, against: int, unfetched: int, tmp_path: Path
) -> None:
    record = records_of([visit_at(24)], [])[0]
    record["seen"]["told"] = {"since": "1", "crawler": {"/robots.txt": {"version": told} if told else "none"}}
    if robots is not None:
        record["seen"]["robots"] = robots
    write_log(tmp_path / "evidence", iter([record]))
    said: Any = as_json(report_of(*counted(tmp_path / "evidence")))
    group = said["ai"]["attributed"]
    assert (group["against_fetched_robots"], group["closed_by_unfetched_robots"]) == (against, unfetched)


def test_traffic_after_a_letter_is_marked_from_the_moment_it_went_out(tmp_path: Path) -> None:
    register = Register((letter("2026-10-05"),))
    visits = [visit_at(24 * 4 + hour) for hour in (11, 12, 13)] + [visit_at(300, crawler=CRAWLERS[2])]
    visits += [visit_at(301, standing="contradicted")]
    write_log(tmp_path / "evidence", iter(records_of(visits, [])))
    figures, size = counted(tmp_path / "evidence", first_notice=register.first_notice)
    said: Any = as_json(report_of(figures, size, letters=register.letters))
    assert said["ai"]["impostors"]["after_notice"] == 0
    group = said["ai"]["attributed"]
    assert (group["requested"], group["after_notice"], group["after_notice_delivered"]) == (4, 2, 2)
    assert said["letters"][0]["sent"] == "2026-10-05"
    assert [(one["state"], one["days_overdue"]) for one in said["letters"]] == [("sent", 13)]


def test_works_in_open_parts_are_delivered_but_not_reserved(tmp_path: Path) -> None:
    records = records_of([visit_at(24, works=("own:1",)), visit_at(25, works=("own:2",))], [])
    records[0]["seen"]["reservation"] = {"section": "press"}
    write_log(tmp_path / "evidence", iter(records))
    figures, size = counted(tmp_path / "evidence", is_reserved=lambda host, section: section != "press")
    group: Any = as_json(report_of(figures, size))["ai"]["attributed"]  # type: ignore[index]
    assert (group["works_delivered"], group["reserved_works_delivered"]) == (2, 1)
    assert group["reserved_share_of_catalogue_percent"] == "14.28"


def test_a_permission_is_told_apart(tmp_path: Path) -> None:
    records = records_of([visit_at(24), visit_at(25)], [])
    records[0]["seen"]["permission"] = "licence:7"
    records[2]["seen"]["permission"] = "none"
    write_log(tmp_path / "evidence", iter(records))
    group: Any = as_json(report_of(*counted(tmp_path / "evidence")))["ai"]["attributed"]  # type: ignore[index]
    assert (group["licensed"], group["licensed_delivered"], group["delivered"]) == (1, 1, 2)


def test_losses_count_once_in_the_month_in_which_they_happened(tmp_path: Path) -> None:
    in_september = str(OCTOBER.since - 1)
    told_twice = {"reason": "unclean_end", "writer": "w-1", "last": "3", "lost": "5", "visits": "2"}
    gaps = [
        gap(5, reason="disk_full", lost="3"),
        gap(6, **told_twice),
        gap(7, **told_twice),
        gap(8, reason="unclean_end", writer="w-2", lost="unknown"),
        gap(9, reason="disk_full", lost="4", last_at=in_september),
    ]
    write_log(tmp_path / "evidence", iter(gaps))
    said: Any = as_json(report_of(*counted(tmp_path / "evidence")))
    assert (said["records_lost"], said["gaps"], said["gaps_of_unknown_size"]) == (10, 3, 1)
    assert said["before"]["records_lost"] == 4
    assert not said["is_empty"]


@pytest.mark.parametrize("counter", ["requests", "rolled", "unnamed", "cut", "gaps"])
def test_a_month_with_anything_in_the_log_is_not_empty(counter: str) -> None:
    assert Aside().is_empty
    assert not Aside(**{counter: 1}).is_empty  # type: ignore[arg-type]


def test_anchored_days_are_those_on_which_somebody_outside_gave_a_time(tmp_path: Path) -> None:
    def anchor(day: int, size: int, **seen: Any) -> dict[str, Any]:
        at = OCTOBER.since + day * DAY
        said = {"kind": "rfc3161", "verified": "openssl", "size": size, "time": str(at), **seen}
        return {"type": "anchor", "at": str(at), "ref": "", "seen": said}

    records = [
        *records_of([visit_at(24)], []), anchor(3, 1), anchor(3, 1), anchor(5, 0, verified=""),
        anchor(6, 0, kind="copy"), anchor(-1, 0),
    ]  # fmt: skip
    write_log(tmp_path / "evidence", iter(records))
    said: Any = as_json(report_of(*counted(tmp_path / "evidence")))
    assert (said["anchored_days"], said["is_anchored"]) == ([4], True)
    assert said["before"]["anchored_days"] == [30]


def test_people_are_counted_by_request_and_by_the_months_pseudonym(tmp_path: Path) -> None:
    records = records_of([visit_at(24 + n, crawler=None, action="limit", ends=[]) for n in range(4)], [])
    for record, mark in zip(records, ("aa", "aa", "bb", ""), strict=True):
        if mark:
            record["private"] = {"address": {"c": "00", "p": mark, "month": "2026-10"}}
    write_log(tmp_path / "evidence", iter(records))
    said: Any = as_json(report_of(*counted(tmp_path / "evidence")))
    assert (said["people_refused"], said["people_addresses"], said["people_without_address"]) == (4, 2, 1)
    assert said["operators"] == []


def test_search_engines_refused_leave_impostors_out(tmp_path: Path) -> None:
    google = CRAWLERS[3]
    visits = [visit_at(24, crawler=google, action="limit"), visit_at(25, crawler=google)]
    visits += [visit_at(26, crawler=google, action="block", standing="contradicted")]
    rolled = [
        {"hour": 24, "crawler": google, "standing": standing, "action": "block", "count": 2}
        for standing in ("verified", "contradicted")
    ]
    write_log(tmp_path / "evidence", iter(records_of(visits, rolled)))
    said: Any = as_json(report_of(*counted(tmp_path / "evidence")))
    assert (said["search_engines_refused"], said["search_engines_refused_rolled_up"]) == (1, 2)


def test_the_log_can_be_pinned(tmp_path: Path) -> None:
    write_log(tmp_path / "evidence", iter(records_of([visit_at(24), visit_at(25)], [])))
    found = [
        counted(tmp_path / "evidence", size=size)[0][OCTOBER].ai["attributed"].delivered for size in (0, 2, 4)
    ]
    assert found == [0, 1, 2]


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-10", "", "2026-10-01", "1969-01", "\u0662026-10"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2026-10"):
        Month.of(text)


def test_months_begin_and_end_where_they_do() -> None:
    assert (str(Month.of("2026-10")), str(Month(2026, 1).before)) == ("2026-10", "2025-12")
    assert Month(2024, 2).days == 29
    assert Month(2026, 10).before.until == OCTOBER.since
    assert Month.at(OCTOBER.since - 1) == OCTOBER.before


def test_the_first_moment_of_a_month_is_its_own_and_the_last_one_too(tmp_path: Path) -> None:
    records = records_of([visit_at(hour, works=(f"own:{hour}",)) for hour in (-1, 0, 31 * 24 - 1)], [])
    for record in records[:2]:
        record["at"] = str(OCTOBER.since - 1)
    for record in records[4:]:
        record["at"] = str(OCTOBER.until - 1)
    write_log(tmp_path / "evidence", iter(records))
    figures, _ = counted(tmp_path / "evidence")
    assert figures[OCTOBER].ai["attributed"].works == {"own:0", "own:743"}
    assert figures[OCTOBER.before].ai["attributed"].works == {"own:-1"}
    assert (figures[OCTOBER].aside.requests, figures[OCTOBER.before].aside.requests) == (2, 1)
    assert (figures[OCTOBER].days.delivered[0], figures[OCTOBER].days.delivered[30]) == (1, 1)


@pytest.mark.parametrize(("now", "expected"), [(-1, True), (0, False)])
def test_a_month_is_so_far_until_its_end(now: int, expected: bool, tmp_path: Path) -> None:
    write_log(tmp_path / "evidence", iter(()))
    figures, size = counted(tmp_path / "evidence")
    assert report_of(figures, size, now=OCTOBER.until + now).is_so_far is expected


def test_a_request_behind_the_last_anchor_is_not_covered(tmp_path: Path) -> None:
    said = {"kind": "rfc3161", "verified": "openssl", "size": 1, "time": str(OCTOBER.since)}
    anchor = {"type": "anchor", "at": str(OCTOBER.since), "ref": "", "seen": said}
    write_log(
        tmp_path / "evidence", iter([*records_of([visit_at(24, ends=[]), visit_at(25, ends=[])], []), anchor])
    )
    assert not counted(tmp_path / "evidence")[0][OCTOBER].covered


def test_an_operator_of_whom_only_rollups_tell_is_named(tmp_path: Path) -> None:
    rolled = [{"hour": 24, "crawler": CRAWLERS[0], "standing": "verified", "action": "block", "count": 3}]
    write_log(tmp_path / "evidence", iter(records_of([], rolled)))
    said: Any = as_json(report_of(*counted(tmp_path / "evidence")))
    (operator,) = said["operators"]
    assert operator["operator"] == "OpenAI"
    assert operator["all"]["attributed"]["rolled_up"] == {"requested": 3, "refused": 3, "bytes": 11}
    assert operator["all"]["attributed"]["requested"] == 0


@pytest.mark.parametrize(("hour", "missing"), [(-40 * 24, 0), (1, 256)])
def test_a_log_whose_beginning_was_pruned_is_counted_from_there_and_says_so(
    hour: int, missing: int, tmp_path: Path
) -> None:
    visits = [visit_at(-50 * 24, ends=[])] * 256 + [visit_at(hour, ends=[]), visit_at(2, ends=[])]
    write_log(tmp_path / "evidence", iter(records_of(visits, [])))
    bundle = tmp_path / "evidence" / "log" / "tile" / "entries" / "000"
    bundle.unlink()
    tally = MonthsTally(
        OCTOBER, tokens={}, is_reserved=lambda host, section: True, first_notice=lambda operator: None
    )
    assert count_months(tmp_path / "evidence", tally) == 258
    assert (tally.pruned, tally.missing) == (256, missing)
    assert figures_of(tally)[OCTOBER].ai["attributed"].requested == (1 if hour < 0 else 2)


@pytest.mark.parametrize(("hour", "elsewhere"), [(-40 * 24, 0), (1, 1_000)])
def test_a_log_that_follows_another_says_how_much_is_not_counted(
    hour: int, elsewhere: int, tmp_path: Path
) -> None:
    began = {
        "type": "key-rotation", "ref": "", "at": str(OCTOBER.since + hour * 3_600 * 10**9),
        "seen": {"why": "rotation", "from": {"size": "1000"}},
    }  # fmt: skip
    write_log(tmp_path / "evidence", iter([began, *records_of([visit_at(2, ends=[])], [])]))
    tally = MonthsTally(
        OCTOBER, tokens={}, is_reserved=lambda host, section: True, first_notice=lambda operator: None
    )
    count_months(tmp_path / "evidence", tally)
    assert (tally.before_this_log, tally.elsewhere) == (1_000, elsewhere)
