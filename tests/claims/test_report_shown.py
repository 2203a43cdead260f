"""The report in every form and language: alarms first, strangers' texts harmless."""

from __future__ import annotations

import csv
import email
import email.policy
import re
from dataclasses import fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from months_support import DAY, Made, two_months, write_log
from report_support import CRAWLERS, OCTOBER, counted, letter, records_of, report_of, visit_at
from vorbehalt.claims.register import STEPS
from vorbehalt.claims.report.html import as_html
from vorbehalt.claims.report.languages import WORDS
from vorbehalt.claims.report.mail import as_mail
from vorbehalt.claims.report.report import Proof, Report
from vorbehalt.claims.report.sheet import Sheet, sheet_of
from vorbehalt.claims.report.strangers import shown
from vorbehalt.claims.report.table import as_csv
from vorbehalt.claims.report.text import as_text
from vorbehalt.claims.report.words import Words

HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>{{7*7}}#panic()\x1b[31m\u202e\r\nBcc: a@b.example'
LANGUAGES = pytest.mark.parametrize("words", [pytest.param(words, id=code) for code, words in WORDS.items()])


@pytest.fixture
def made(tmp_path: Path) -> Report:
    write_log(tmp_path / "evidence", two_months(OCTOBER, Made(300, 20)))
    return report_of(*counted(tmp_path / "evidence"))


@pytest.fixture
def hostile(tmp_path: Path) -> Report:
    """An operator, a work, its title and a letter that bear the worst names."""
    crawler = (HOSTILE, HOSTILE, "training", True)
    visits = [visit_at(24, crawler=crawler, works=(HOSTILE,)), visit_at(25, crawler=CRAWLERS[0])]
    write_log(tmp_path / "evidence", iter(records_of(visits, [])))
    figures, size = counted(tmp_path / "evidence")
    letters = (letter("2026-10-05", id=HOSTILE, operator=HOSTILE, kind=HOSTILE),)
    visitors = {HOSTILE: 1}
    proof = Proof("self-attested", (HOSTILE,))
    return report_of(
        figures, size, letters=letters, visitors=visitors, proof=proof, title=lambda work: HOSTILE
    )


def row_of(sheet: Sheet, title: str) -> tuple[str, ...]:
    (row,) = [row for table in sheet.tables for row in table.rows if row[0] == title]
    return row[1:]


def texts_of(words: Words) -> dict[str, list[str]]:
    """All texts of a language by field."""

    def inside(value: Any) -> list[str]:
        return [value] if isinstance(value, str) else [text for item in value for text in inside(item)]

    return {
        one.name: inside(getattr(words, one.name))
        for one in fields(words)
        if one.name not in ("code", "written")
    }


@LANGUAGES
def test_every_language_says_the_same_things_with_the_same_places_for_figures(words: Words) -> None:
    def shape(of: Words) -> dict[str, list[int]]:
        return {name: [text.count("{}") for text in texts] for name, texts in texts_of(of).items()}

    assert shape(words) == shape(WORDS["en"])
    assert all(
        text == text.strip() and "  " not in text for texts in texts_of(words).values() for text in texts
    )
    keys = [[key for key, _ in getattr(words, name)] for name in ("kinds", "states", "assurances")]
    assert keys == [
        [key for key, _ in getattr(WORDS["en"], name)] for name in ("kinds", "states", "assurances")
    ]


def test_letters_of_every_kind_and_state_have_a_name() -> None:
    assert {key for key, _ in WORDS["de"].states} == set(STEPS)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("en", ["1,234,567", "52.4%", "1.23 GB", "1 October 2026", "October 2026", "0 requests"]),
        ("de", ["1.234.567", "52,4 %", "1,23 GB", "1. Oktober 2026", "Oktober 2026", "0 Anfragen"]),
        ("fr", ["1\u202f234\u202f567", "52,4 %", "1,23 GB", "1er octobre 2026", "octobre 2026", "0 requête"]),
    ],
)  # fmt: skip
def test_numbers_and_dates_are_written_as_in_the_language(code: str, expected: list[str]) -> None:
    words, written = WORDS[code], WORDS[code].written
    found = [
        written.number(1_234_567), written.share(5249, 10_000), written.size(1_239_999_999),
        written.day_named("2026-10-01"), written.month(OCTOBER), written.counted(0, words.request_forms),
    ]  # fmt: skip
    assert [text.replace("\u00a0", " ") for text in found] == expected
    assert written.ratio(10, 4) == f"2{written.point}5"


@LANGUAGES
def test_text_and_page_show_every_figure_of_the_sheet(words: Words, made: Report) -> None:
    sheet = sheet_of(made, words)
    cells = {cell for table in (*sheet.tables, *sheet.annex) for row in table.rows for cell in row}
    page, text = as_html(sheet), "\n".join(as_text(sheet))
    assert not [cell for cell in cells if cell not in text]
    assert not [cell for cell in cells if cell.replace("'", "&#39;") not in page]
    assert row_of(sheet, words.requests)[0] == words.written.number(made.this.ai["attributed"].requested)
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


@LANGUAGES
def test_what_is_alarming_is_said_first(words: Words, made: Report) -> None:
    broken = replace(
        made, proof=Proof("self-attested", ("a tile", "b", "c", "d")), now=OCTOBER.since + 3 * DAY
    )
    sheet = sheet_of(broken, words)
    assert sheet.alarms[0] == words.broken.format(words.written.counted(4, words.fault_forms))
    assert sheet.alarms[1:5] == ("a tile", "b", "c", words.more_faults)
    assert sheet.alarms[5] == words.so_far.format(words.written.day_of(OCTOBER.since + 3 * DAY))
    lines = list(as_text(sheet))
    assert lines[1] == sheet.alarms[0]
    page = as_html(sheet)
    assert page.index(sheet.alarms[0].split(":")[0]) < page.index(words.main)
    assert words.footer_unverified.format(words.written.number(made.size)) in sheet.notes


@LANGUAGES
def test_what_was_pruned_is_said(words: Words, made: Report) -> None:
    assert sheet_of(made, words).alarms == sheet_of(replace(made, pruned=256), words).alarms[1:]
    assert sheet_of(replace(made, pruned=256), words).alarms[0] == words.pruned.format("256")


@LANGUAGES
def test_a_log_before_this_one_is_said(words: Words, made: Report) -> None:
    said = sheet_of(replace(made, elsewhere=1_000), words).alarms
    assert said[1:] == sheet_of(made, words).alarms
    assert said[0] == words.elsewhere.format(words.written.number(1_000))


@LANGUAGES
def test_a_month_without_records_says_so_and_gives_no_figure_for_the_one_before(
    words: Words, tmp_path: Path
) -> None:
    write_log(tmp_path / "evidence", iter(()))
    sheet = sheet_of(report_of(*counted(tmp_path / "evidence")), words)
    assert sheet.alarms == (words.nothing,)
    assert (sheet.lead, sheet.chart, sheet.annex) == ((), None, ())
    assert row_of(sheet, words.requests) == ("0", "–", "0", "–")


def test_a_month_that_has_not_begun_says_so(made: Report) -> None:
    sheet = sheet_of(replace(made, now=OCTOBER.since - 1), WORDS["en"])
    assert sheet.alarms[0] == WORDS["en"].not_there_yet


def test_what_nobody_recorded_is_never_nought(made: Report) -> None:
    words = WORDS["en"]
    unknown = sheet_of(made, words)
    assert row_of(unknown, words.visitors) == ("not recorded", "not recorded")
    assert set(row_of(unknown, words.per_visitor)) == {"not recorded"}
    assert words.how_visitors in unknown.notes
    known = sheet_of(replace(made, visitors={"OpenAI": 4}, visitors_before={}), words)
    assert row_of(known, words.visitors) == ("4", "0")
    given = made.this.ai["attributed"].delivered
    assert row_of(known, words.per_visitor)[:2] == (words.written.ratio(given, 4), "–")
    assert words.visitors_partial not in known.notes
    partly = sheet_of(replace(made, visitors={"OpenAI": 4}, visitors_are_whole=False), words)
    assert words.visitors_partial in partly.notes
    assert row_of(sheet_of(replace(made, catalogue=None), words), words.share) == ("–",) * 4


def test_the_table_leaves_empty_what_is_not_known_and_is_in_order(made: Report) -> None:
    works = dict(sorted(made.this.works.items(), reverse=True))
    report = replace(made, this=replace(made.this, works=works), visitors={"Z": 1, "A": 2}, catalogue=None)
    table = list(csv.DictReader(StringIO("".join(as_csv(report)))))
    total = next(row for row in table if row["row"] == "total")
    assert (total["name"], total["value"], total["share_of_catalogue_percent"]) == ("", "", "")
    assert "None" not in {cell for row in table for cell in row.values()}
    mine = [row for row in table if row["month"] == str(made.this.month)]
    assert [row["name"] for row in mine if row["row"] == "visitors"] == ["A", "Z"]
    names = [row["name"] for row in mine if row["row"] == "work"]
    assert len({*names}) > 1
    assert names == sorted(names)


def test_the_annex_lists_who_asked_and_who_was_sent(made: Report) -> None:
    words = WORDS["en"]
    sheet = sheet_of(replace(made, visitors={"Nobody yet": 3}), words)
    annex = {table.title: table for table in sheet.annex}
    sent = {row[0]: row[1:4] for row in annex[words.sent_by].rows}
    assert sent["Nobody yet"] == ("3", "0", words.written.ratio(0, 3))
    assert {row[0] for row in annex[words.sent_by].rows} >= {one.name for one in made.this.operators} - {""}
    asked = [
        (operator.name, words.written.number(groups[name].requested))
        for operator in made.this.operators
        for groups in (operator.ai, operator.other)
        for name in ("attributed", "described")
        if groups[name].requested
    ]
    assert sorted((row[0], row[3]) for row in annex[words.by_operator].rows) == sorted(asked)


def test_impostors_stand_in_no_row_of_an_operator(made: Report) -> None:
    words = WORDS["en"]
    annex = {table.title: table for table in sheet_of(made, words).annex}
    assert {row[2] for row in annex[words.by_operator].rows} == set(words.groups[:2])
    posed = sum(operator.whole("impostors").requested for operator in made.this.operators)
    assert sum(int(row[1]) for row in annex[words.posed].rows) == posed > 0


def test_texts_of_strangers_are_harmless_in_every_form(hostile: Report) -> None:
    for words in WORDS.values():
        sheet = sheet_of(hostile, words)
        page = as_html(sheet)
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}#panic()\\x1b[31m\\u202e\\r\\nBcc" in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        lines = [shown(line) for line in as_text(sheet)]
        assert all("\x1b" not in line and "\n" not in line and "\u202e" not in line for line in lines)
    rows = list(csv.reader(StringIO("".join(as_csv(hostile)))))
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@" and cell]
    assert [row for row in rows if row[2].startswith("'=HYPERLINK")]


def test_a_message_waits_unsent_with_the_page_and_the_figures(made: Report) -> None:
    body = as_mail(made, WORDS["fr"])
    message: Any = email.message_from_bytes(body, policy=email.policy.default)
    assert (message["X-Unsent"], message["To"], message["From"]) == ("1", None, None)
    assert message["Subject"] == "Robots d’IA : octobre 2026 · https://label.example"
    page = message.get_body(("html",)).get_content()
    assert page.splitlines() == as_html(sheet_of(made, WORDS["fr"])).splitlines()
    (annex,) = message.iter_attachments()
    assert annex.get_filename() == "vorbehalt-2026-10-chiffres.csv"
    assert annex.get_payload(decode=True).decode() == "".join(as_csv(made))
    assert as_mail(made, WORDS["fr"]) == body
    assert max(map(len, body.split(b"\r\n"))) <= 998


def test_no_text_of_strangers_makes_a_header(hostile: Report) -> None:
    message = email.message_from_bytes(as_mail(replace(hostile, site=HOSTILE), WORDS["en"]))
    assert set(message.keys()) == {"X-Unsent", "Subject", "MIME-Version", "Content-Type"}
