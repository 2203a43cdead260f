"""The figures of a report as CSV that no spreadsheet takes for formulas: one fact a row. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO

from vorbehalt.claims.ledger_text import SHOWN
from vorbehalt.claims.ledger_text import day as day_text
from vorbehalt.claims.report.figures import GROUPS, Figures, Group
from vorbehalt.claims.report.report import Report, Visitors, facts, group_json
from vorbehalt.evidence.bundle.spreadsheet import harmless

_GROUP = (
    *SHOWN, "works_requested", "works_delivered", "reserved_works_delivered", "share_of_catalogue_percent",
    "reserved_share_of_catalogue_percent",
    "against_fetched_robots", "against_fetched_robots_delivered", "closed_by_unfetched_robots",
    "after_notice", "after_notice_delivered", "licensed", "licensed_delivered",
)  # fmt: skip
_ROLLED = ("rolled_up_requested", "rolled_up_refused", "rolled_up_bytes")
CSV_COLUMNS = ("row", "month", "name", "title", "crawlers", "group", *_GROUP, *_ROLLED, "value")
"""`row` is total, operator, day, work, visitors, letter or fact; `name` says of whom or of what."""


def as_csv(report: Report) -> Iterator[str]:
    """Yield lines of CSV (RFC 4180). An empty cell is not known or does not apply; it is never 0."""
    yield _line(CSV_COLUMNS)
    for figures, visitors in ((report.this, report.visitors), (report.before, report.visitors_before)):
        yield from _month(report, figures, visitors)
    for letter in report.open_letters:
        yield _row(
            "letter", report.this, name=letter.id, title=letter.operator, group=letter.state,
            value=letter.days_overdue(report.today),
        )  # fmt: skip


def _month(report: Report, figures: Figures, visitors: Visitors | None) -> Iterator[str]:
    for name in GROUPS:
        yield _row("total", figures, crawlers="ai", group=name, **_cells(figures.ai[name], report.catalogue))
    for operator in figures.operators:
        for kind, groups in (("ai", operator.ai), ("other", operator.other)):
            for name in GROUPS:
                cells = _cells(groups[name], report.catalogue)
                if groups[name].requested or groups[name].rolled["requested"]:
                    yield _row(
                        "operator", figures, name=operator.name, crawlers=kind, group=name, **cells
                    )  # fmt: skip
    for number, requested in enumerate(figures.days.requested):
        yield _row(
            "day", figures, name=day_text(figures.month.first_day + number), crawlers="ai",
            requested=requested, refused=figures.days.refused[number],
            delivered=figures.days.delivered[number],
        )  # fmt: skip
    for work in sorted(figures.works):
        for group, count in figures.works[work].items():
            yield _row(
                "work", figures, name=work, title=report.title(work), crawlers="ai", group=group,
                delivered=count,
            )  # fmt: skip
    for name, count in sorted((visitors or {}).items()):
        yield _row("visitors", figures, name=name, value=count)
    for name, count in facts(figures).items():
        yield _row("fact", figures, name=name, value=count)


def _cells(group: Group, catalogue: int | None) -> Mapping[str, object]:
    said = group_json(group, catalogue)
    rolled = said.pop("rolled_up")
    assert isinstance(rolled, dict)
    return {**said, **{f"rolled_up_{name}": count for name, count in rolled.items()}}


def _row(row: str, figures: Figures, **cells: object) -> str:
    cells = {"row": row, "month": str(figures.month), **cells}
    return _line(tuple(_cell(cells.get(column)) for column in CSV_COLUMNS))


def _cell(value: object) -> str:
    return "" if value is None else harmless(value) if isinstance(value, str) else str(value)


def _line(cells: tuple[str, ...]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
