"""The internal estimate: the owner's prices times the figures of the report, on a sheet of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from months_support import write_log
from report_support import OCTOBER, counted, records_of, report_of, visit_at
from vorbehalt.claims.report.estimate import estimate_of, estimate_sheet, rate_for
from vorbehalt.claims.report.languages import WORDS
from vorbehalt.claims.report.report import Report
from vorbehalt.settings.value import Rate, ValueSettings
from vorbehalt.works.entry import Right, Work

LYRICS = Work(("own:1",), title="Lampen", kind="song", rights=(Right("lyrics"), Right("composition")))
IMAGE = Work(("own:2",), kind="image", rights=(Right("image"),))
WORKS = {"own:1": LYRICS, "own:2": IMAGE}


@pytest.fixture
def made(tmp_path: Path) -> Report:
    """Three deliveries of one work and one of another, 20 kB; a refusal and an impostor."""
    visits = [visit_at(24 + hour, works=("own:1",)) for hour in range(3)]
    visits += [visit_at(30, works=("own:2",)), visit_at(31, works=("own:1",), action="block")]
    visits += [visit_at(32, works=("own:1",), standing="contradicted")]
    write_log(tmp_path / "evidence", iter(records_of(visits, [])))
    return report_of(*counted(tmp_path / "evidence"))


def amounts(made: Report, value: ValueSettings, group: str = "attributed") -> list[str]:
    return [str(item.amount) for item in estimate_of(made.this, group, value, WORKS.get).items]


def test_traffic_and_pages_are_priced_by_what_was_delivered(made: Report) -> None:
    value = ValueSettings("EUR", egress_per_gb=50_000.0, cost_per_1000_pages=2.5)
    assert amounts(made, value) == ["1.0", "0.01"]
    assert amounts(made, value, "described") == ["0.0", "0.0"]
    # Where no work has a price, none is missing.
    assert estimate_of(made.this, "attributed", value, WORKS.get).unpriced == 0


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Rate(2.5, "lyrics"), ("2.5", 1)),
        (Rate(2.5, "lyrics", per="delivery"), ("7.5", 1)),
        (Rate(2.5, "composition", "song"), ("2.5", 1)),
        (Rate(2.5, kind="Image"), ("2.5", 1)),
        (Rate(2.5, "image", "song"), ("0.0", 2)),
    ],
)
def test_a_rate_counts_each_work_once_or_each_delivery(
    rate: Rate, expected: tuple[str, int], made: Report
) -> None:
    value = ValueSettings("EUR", rates=(rate,))
    found = estimate_of(made.this, "attributed", value, WORKS.get)
    assert ([str(item.amount) for item in found.items], found.unpriced) == ([expected[0]], expected[1])


def test_the_first_rate_that_fits_is_the_only_one() -> None:
    first, second = Rate(1, "composition"), Rate(2, "lyrics")
    assert rate_for(ValueSettings("EUR", rates=(first, second)), LYRICS) is first
    assert rate_for(ValueSettings("EUR", rates=(first, second)), IMAGE) is None
    assert rate_for(ValueSettings("EUR", rates=(first, second)), None) is None


def test_works_that_nothing_reserves_are_not_priced(tmp_path: Path) -> None:
    write_log(tmp_path / "evidence", iter(records_of([visit_at(24, works=("own:1",))], [])))
    figures, _ = counted(tmp_path / "evidence", is_reserved=lambda host, section: False)
    found = estimate_of(
        figures[OCTOBER], "attributed", ValueSettings("EUR", rates=(Rate(1, "lyrics"),)), WORKS.get
    )
    assert (str(found.total), found.unpriced) == ("0", 0)


@pytest.mark.parametrize("code", WORDS)
def test_the_sheet_is_marked_internal_and_adds_no_identities_up(code: str, made: Report) -> None:
    words = WORDS[code]
    value = ValueSettings("EUR", 0.085, 1.2, (Rate(1234.5, "lyrics"),))
    sheet = estimate_sheet(made, words, value, WORKS.get)
    assert (sheet.mark, sheet.lead, sheet.annex) == (words.value_mark, (words.value_lead,), ())
    one, two = sheet.tables
    assert [row[-1].replace("\u00a0", " ") for row in (one.rows[-1], two.rows[-1])] == [
        f"{words.written.number(1234)}{words.written.point}50 EUR", f"0{words.written.point}00 EUR",
    ]  # fmt: skip
    assert one.rows[0][2].replace("\u00a0", " ") == f"0{words.written.point}085 EUR / GB"
    assert len(sheet.notes) == 2
