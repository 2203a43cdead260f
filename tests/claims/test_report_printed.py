"""On paper: one page and an annex, from Chromium and from typst, with the worst names and the most alarms."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from months_support import DAY, Made, two_months, write_log
from report_support import CRAWLERS, OCTOBER, counted, letter, records_of, report_of, visit_at
from vorbehalt.claims.report.html import as_html
from vorbehalt.claims.report.languages import WORDS
from vorbehalt.claims.report.pdf import as_pdf
from vorbehalt.claims.report.report import Proof, Report
from vorbehalt.claims.report.sheet import sheet_of

LONG = "x" * 120 + " =1+1 #panic() $a$ @ref <b> \\u{202e}\u202e\x1b[31m"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A month with everything that can stand on its first page."""
    directory = tmp_path_factory.mktemp("month") / "evidence"
    write_log(directory, two_months(OCTOBER, Made(800, 40)))
    letters = tuple(letter("2026-10-05", id=f"2026-{number:04}") for number in range(3))
    return replace(
        report_of(*counted(directory), letters=letters, catalogue=None, now=OCTOBER.until - DAY),
        proof=Proof("self-attested", tuple(f"log/tile/0/000: {LONG} {number}" for number in range(9))),
        title=lambda work: LONG,
    )


def pages_of(pdf: Path) -> list[str]:
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode().rstrip("\f").split("\f")


@pytest.mark.real("chromium", "pdftotext")
@pytest.mark.parametrize("code", WORDS)
def test_the_page_prints_on_one_side_and_the_annex_begins_on_the_next(
    code: str, crowded: Report, tmp_path: Path
) -> None:
    words = WORDS[code]
    (tmp_path / "report.html").write_text(as_html(sheet_of(crowded, words)), "utf-8")
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}", tmp_path / "report.html"],
        capture_output=True, check=True, timeout=100,
    )  # fmt: skip
    one_page_and_an_annex(pages_of(tmp_path / "report.pdf"), code)


@pytest.mark.real("pdftotext")
@pytest.mark.parametrize("code", WORDS)
def test_the_pdf_is_one_page_and_an_annex(code: str, crowded: Report, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(as_pdf(sheet_of(crowded, WORDS[code])))
    one_page_and_an_annex(pages_of(tmp_path / "report.pdf"), code)


def one_page_and_an_annex(pages: list[str], code: str) -> None:
    words = WORDS[code]
    assert pages[0].split("\n")[0].strip().replace("\u00a0", " ") == words.title.format(
        words.written.month(OCTOBER)
    )
    assert words.chart_delivered in pages[0]
    assert words.annex not in pages[0].split()
    assert pages[1].strip().startswith(words.annex)
    assert len(pages) <= 4


@pytest.mark.real("pdftotext")
def test_texts_of_strangers_are_no_markup_for_typst(tmp_path: Path) -> None:
    crawler = (LONG, LONG, "training", True)
    visits = [visit_at(24, crawler=crawler, works=(LONG,)), visit_at(25, crawler=CRAWLERS[0])]
    write_log(tmp_path / "evidence", iter(records_of(visits, [])))
    made = report_of(*counted(tmp_path / "evidence"), title=lambda work: LONG)
    pdf = as_pdf(sheet_of(made, WORDS["en"]))
    assert pdf == as_pdf(sheet_of(made, WORDS["en"]))
    (tmp_path / "report.pdf").write_bytes(pdf)
    text = "".join("".join(pages_of(tmp_path / "report.pdf")).split())
    assert "=1+1#panic()$a$@ref<b>\\u{202e}\\u202e\\x1b[31m" in text
