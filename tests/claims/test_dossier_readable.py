"""What somebody who reads a dossier would stumble over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dossier_page_support import full
from vorbehalt.claims.dossier.contents_told import Fault
from vorbehalt.claims.dossier.page import LANGUAGES, pages
from vorbehalt.claims.dossier.page.blocks import Cell, Table
from vorbehalt.claims.dossier.page.conduct import after_notice
from vorbehalt.claims.dossier.page.harmless import broken
from vorbehalt.claims.dossier.page.middle import traffic
from vorbehalt.claims.dossier.page.render_pdf import as_data
from vorbehalt.claims.dossier.page.reserved import reservation
from vorbehalt.claims.dossier.page.say import Say
from vorbehalt.claims.dossier.page.tables import gaps
from vorbehalt.claims.dossier.page.values import Values


def values(language: str = "en", **changed: object) -> Values:
    return Values(replace(full(language), **changed), Say(language), {})  # type: ignore[arg-type]


def test_times_that_a_record_tells_in_nanoseconds_are_shown_as_times() -> None:
    says = (("lost", "3"), ("first_at", "1792620000000000000"), ("note", "1792620000000000000"))
    limits = replace(full().limitations, gaps=(Fault(1, "2026-10-21T22:00:00Z", "gap", says),))

    table = gaps(values(limitations=limits))

    assert isinstance(table, Table)
    assert table.rows[0][-1].text == (
        "lost: 3, first_at: 2026-10-21 22:00:00\u00a0UTC, note: 1792620000000000000"
    )


def test_a_long_product_token_may_break_in_print_so_that_columns_keep_apart() -> None:
    name = "ExampleSearchBot"
    table = Table("", (), ((Cell(name, is_exact=True), Cell(name)),))

    ((exact, plain),) = as_data(table)["rows"]

    assert exact["text"] == "Exampl\u200beSearc\u200bhBot"
    assert plain["text"] == name
    assert broken("0123456789", "|", is_exact=True) == "0123456789"


def test_works_after_notice_are_named_by_title() -> None:
    contents = full()
    work = contents.works.scheduled[0]
    notice = replace(contents.notice, works=(work.id, "own:nowhere"))

    tables = [block for block in after_notice(values(notice=notice)).blocks if isinstance(block, Table)]

    shown = [row[0].text for row in tables[-1].rows]
    assert work.title in shown[0]
    assert work.id in shown[0]
    assert shown[1] == "own:nowhere"


@pytest.mark.parametrize("language", LANGUAGES)
def test_works_with_one_title_are_told_apart_by_their_right_in_the_chart(language: str) -> None:
    contents = full(language)
    first, second = (
        replace(work, title="The Till Keeps Quiet For Long", attributed=contents.summary.attributed)
        for work in contents.works.scheduled[:2]
    )
    works = replace(contents.works, scheduled=(first, second))
    right = Say(language).term("right", first.rights[0].right)

    (chart,) = [
        block.svg  # type: ignore[union-attr]
        for block in traffic(values(language, works=works)).blocks
        if type(block).__name__ == "Chart" and "refused-work" in block.svg  # type: ignore[union-attr]
    ]

    assert f" ({right})</text>" in chart
    assert "textLength" not in chart


def test_the_host_without_a_name_is_called_something() -> None:
    contents = full()
    versions = tuple(replace(version, host="") for version in contents.reservation.versions)
    told = replace(contents.reservation, versions=versions)

    tables = [block for block in reservation(values(reservation=told)).blocks if isinstance(block, Table)]

    assert {row[0].text for row in tables[0].rows} == {"main host"}


def test_the_kinds_of_letters_read_well() -> None:
    assert b"foreign use" not in pages(full())["report.html"]
