"""A ledger as JSON, as CSV that no spreadsheet takes for formulas, and as lines for people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from io import StringIO

from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED, Ledger
from vorbehalt.claims.ledger_rows import Line, told
from vorbehalt.claims.register import Letter, after_text
from vorbehalt.evidence.bundle.spreadsheet import harmless
from vorbehalt.evidence.reading.pruned import pruned_sentence
from vorbehalt.facts import Standing

SHOWN = ("requested", "refused", "delivered", "whole", "part", "bytes", "not_modified", "head", "broken",
         "other", "unknown", "joined")  # fmt: skip
CSV_COLUMNS = ("row", "work", "title", "day", "standing", *SHOWN, "first", "last", "after_notice")
_ROLLED_UP = ("requested", "refused", "bytes")
_START = date(1970, 1, 1)
_DAY_NS = 86_400 * 10**9
Title = Callable[[str], str]


def as_json(
    ledger: Ledger, catalogue: int | None = None, title: Title = lambda _: "", notice: Letter | None = None
) -> dict[str, object]:
    """Return the public form. `catalogue` is the number of works in the catalogue, None without one.

    `notice` is the letter that gave the operator notice first. `attributed` are the requests of standing
    signed and verified, `described` those that only described themselves as the operator's, `impostors` those
    that were contradicted. Nothing adds them up.
    """
    query = ledger.query
    return {
        "operator": query.operator,
        "from": None if query.since is None else moment(query.since),
        "to": None if query.until is None else moment(query.until),
        "size": ledger.size,
        "after_notice": None
        if notice is None or (since := notice.sent_at()) is None
        else {"letter": notice.id, "day": notice.notice_day, "since": moment(since)},
        "pruned": ledger.pruned,
        "attributed": _group(ledger, catalogue, *ATTRIBUTED),
        "described": _group(ledger, catalogue, *DESCRIBED),
        "impostors": _shown(ledger.total(Standing.CONTRADICTED)),
        "standings": {standing.value: _shown(ledger.total(standing)) for standing in Standing},
        "days": [_line(line) for line in ledger.days.lines()],
        "works": [
            {"work": line.work or None, "title": title(line.work) or None, **_line(line)}
            for line in ledger.works.lines()
        ],
        "rollups": [
            {**_place(line), **{name: line.counts[name] for name in _ROLLED_UP}}
            for line in ledger.rollups.lines()
        ],
        "catalogue": catalogue,
        "unmatched_completions": ledger.unmatched,
        "rollups_of_nobody": ledger.unnamed,
        "cut_records": ledger.cut,
        "gaps": ledger.gaps,
    }


def as_csv(ledger: Ledger, title: Title = lambda _: "", notice: Letter | None = None) -> Iterator[str]:
    """Yield lines of CSV (RFC 4180): rows of days, of works, and of rollups, which have no outcome.

    `after_notice` is `yes` on later days, and the moment from which on it is, on the day itself.
    """
    yield _csv(CSV_COLUMNS)
    for name, rows in (("day", ledger.days), ("work", ledger.works), ("rollup", ledger.rollups)):
        known = _ROLLED_UP if name == "rollup" else SHOWN
        for line in rows.lines():
            counts = told(line.counts)
            yield _csv((
                name, harmless(line.work), harmless(title(line.work)), day(line.day), line.standing.value,
                *(str(counts[column]) if column in known else "" for column in SHOWN),
                *(moment(counts[column]) if counts[column] else "" for column in ("first", "last")),
                _after(line, notice),
            ))  # fmt: skip


def sentences(ledger: Ledger, catalogue: int | None = None, notice: Letter | None = None) -> Iterator[str]:
    """Yield the sums as lines for people; the standings are never added up."""
    operator = ledger.query.operator
    if notice is not None and (since := notice.sent_at()) is not None:
        yield f"{after_text(notice)}: what came since {moment(since)}"
    if ledger.pruned:
        yield f"nothing is counted of what was pruned: {pruned_sentence(ledger.pruned)}"
    for words, standings in (
        (f"from {operator} (signed or verified)", ATTRIBUTED),
        (f"described itself as {operator} (not established)", DESCRIBED),
        (f"posed as {operator} (contradicted): not counted against {operator}", (Standing.CONTRADICTED,)),
    ):
        counts = told(ledger.total(*standings))
        yield f"{words}: {counts['requested']} requested, {counts['refused']} refused," + (
            f" {counts['delivered']} delivered ({counts['whole']} whole, {counts['part']} in part),"
            f" {counts['bytes']} bytes"
        )
        if not counts["requested"]:
            continue
        rest = ", ".join(
            f"{counts[name]} {word}"
            for name, word in (("not_modified", "not modified"), ("head", "HEAD"), ("broken", "broken off"),
                               ("other", "other answers"), ("unknown", "of unknown outcome"),
                               ("joined", "known from an access log only"))
            if counts[name]
        )  # fmt: skip
        yield f"  first {moment(counts['first'])}, last {moment(counts['last'])}" + (
            f"; {rest}" if rest else ""
        )
        group = ledger.works_of(*standings, delivered=True)
        share = f" of {catalogue} in the catalogue, {percent(len(group), catalogue)} %" if catalogue else ""
        yield f"  {len(group)} distinct works delivered{share}"
    for line in ledger.rollups.lines():
        counts = dict(line.counts)
        yield (
            f"counted without records on {day(line.day)} ({line.standing.value}): {counts['requested']}"
            f" requested, {counts['refused']} refused, {counts['bytes']} bytes"
        )
    for number, words in (
        (ledger.unmatched, "completions belong to no request of this log"),
        (ledger.unnamed, "visits were counted under no name"),
        (ledger.cut, "records were too long to say who asked"),
        (ledger.gaps, "gaps: the log itself says that records were lost there"),
    ):
        if number:
            yield f"{number} {words}"


def day(number: int) -> str:
    """Return ISO 8601 of a day counted from 1970-01-01."""
    return (_START + timedelta(days=number)).isoformat()


def moment(at: int) -> str:
    """Return nanoseconds UTC as RFC 3339 in whole seconds."""
    return datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def percent(part: int, whole: int) -> str:
    """Return a share in percent with two digits, cut and not rounded up."""
    return f"{part * 10_000 // whole // 100}.{part * 10_000 // whole % 100:02d}" if whole else "0.00"


def _group(ledger: Ledger, catalogue: int | None, *standings: Standing) -> dict[str, object]:
    delivered = len(ledger.works_of(*standings, delivered=True))
    return {
        **_shown(ledger.total(*standings)),
        "works_requested": len(ledger.works_of(*standings, delivered=False)),
        "works_delivered": delivered,
        "share_of_catalogue_percent": percent(delivered, catalogue) if catalogue else None,
    }


def _shown(counts: Mapping[str, int]) -> dict[str, object]:
    whole = told(counts)
    ends: dict[str, object] = {
        name: moment(at) if (at := whole[name]) else None for name in ("first", "last")
    }
    return {**{name: whole[name] for name in SHOWN}, **ends}


def _place(line: Line) -> dict[str, object]:
    return {"day": day(line.day), "standing": line.standing.value}


def _line(line: Line) -> dict[str, object]:
    return {**_place(line), **_shown(line.counts)}


def _after(line: Line, notice: Letter | None) -> str:
    if notice is None or (since := notice.sent_at()) is None or line.standing is Standing.CONTRADICTED:
        return ""
    begin = line.day * _DAY_NS
    if since <= begin:
        return "yes"
    return f"from {moment(since)}" if since < begin + _DAY_NS else ""


def _csv(cells: tuple[str, ...]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
