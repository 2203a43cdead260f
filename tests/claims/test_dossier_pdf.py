"""report.pdf and the printed report.html, as real readers show them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from dossier_page_support import SAMPLES, full
from vorbehalt.claims.dossier.page import LANGUAGES, pages
from vorbehalt.claims.dossier.page.say import Say

EVERY = [(name, language) for name in SAMPLES for language in LANGUAGES]


@cache
def made(name: str, language: str) -> dict[str, bytes]:
    return pages(SAMPLES[name](language))


def text_on(path: Path, first: int = 1, last: int = 0) -> str:
    pages_wanted = ["-f", str(first), *(["-l", str(last)] if last else [])]
    command = ["pdftotext", "-layout", *pages_wanted, str(path), "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return " ".join(done.stdout.decode().replace("\u200b", "").replace("\u00a0", " ").split())


def written(folder: Path, name: str, language: str) -> Path:
    path = folder / "report.pdf"
    path.write_bytes(made(name, language)["report.pdf"])
    return path


def the_first_page_is_the_summary(path: Path, language: str) -> None:
    say = Say(language)
    first, second = text_on(path, 1, 1), text_on(path, 2, 2)
    assert say("summary.not_attributed").replace("“", '"').split()[0] in first
    assert say("summary.pinned").split()[0] in first
    assert say("section.parties") not in first
    assert say("section.parties") in second
    assert say("summary.not_attributed")[:40] not in second


@pytest.mark.real("pdftotext")
@pytest.mark.parametrize(("name", "language"), EVERY)
def test_the_summary_fits_one_page_whatever_is_in_it(name: str, language: str, tmp_path: Path) -> None:
    the_first_page_is_the_summary(written(tmp_path, name, language), language)


@pytest.mark.real("pdftotext")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_says_what_the_page_says(language: str, tmp_path: Path) -> None:
    text = text_on(written(tmp_path, "full", language))
    say, contents = Say(language), full(language)

    titles = "summary parties reservation schedule traffic attribution robots conduct notice disclosures"
    for title in [*titles.split(), "exculpatory", "limitations", "system", "drafts", "verify", "annex"]:
        assert say(f"section.{title}") in text
    assert contents.pin.root in text
    assert contents.parties.configuration in text
    for value in (48_211, 31_007, 16_910, 31_100, 9_114, 2_118, 431):
        assert re.search(say.number(value).replace("\u202f", r"\s?"), text), value


@pytest.mark.real("pdftotext")
def test_data_is_never_markup(tmp_path: Path) -> None:
    text = text_on(written(tmp_path, "hostile", "en"))

    assert '#read("/etc/passwd")' in text
    assert "root:" not in text
    assert "$x$ *b* _i_" in text
    assert "<script>alert(1)</script>" in text
    assert "\\u202eevil" in text
    assert "\u202e" not in text


def test_two_renderings_give_the_same_bytes_and_the_date_of_the_log() -> None:
    one, two = (pages(full())["report.pdf"] for _ in range(2))

    assert one == two
    assert b"D:20261102090000" in one
    later = replace(full(), pin=replace(full().pin, last_record="2026-11-03T09:00:00Z"))
    assert b"D:20261103090000" in pages(later)["report.pdf"]


def test_no_font_of_the_machine_is_used() -> None:
    fonts = set(re.findall(rb"/FontName ?/[A-Z]{6}\+([A-Za-z0-9-]+)", made("hostile", "en")["report.pdf"]))

    assert fonts
    assert {font.split(b"-")[0] for font in fonts} <= {
        b"LibertinusSerif",
        b"DejaVuSansMono",
        b"NewCM10",
        b"NewCMMath",
    }


def browse(folder: Path, *arguments: str) -> bytes:
    """Open report.html in Chromium that finds no host and no proxy."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               f"--user-data-dir={folder / 'browser'}", "--host-resolver-rules=MAP * ~NOTFOUND",
               "--proxy-server=127.0.0.1:9", *arguments, f"file://{folder / 'report.html'}"]  # fmt: skip
    return subprocess.run(command, capture_output=True, timeout=90, check=True).stdout


@pytest.mark.real("chromium", "pdftotext")
@pytest.mark.parametrize(
    ("name", "language"), [("full", "de"), ("failed", "en"), ("hostile", "en"), ("empty", "en")]
)
def test_a_browser_without_network_prints_the_page(name: str, language: str, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_bytes(made(name, language)["report.html"])
    printed = tmp_path / "printed.pdf"

    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}")

    the_first_page_is_the_summary(printed, language)
    say, text = Say(language), text_on(printed)
    assert say("section.annex") in text
    assert text.count(say("word.draft_line")) >= 4, "the footer of every page"
    if name == "full":
        assert text.count(say("column.day")) >= 2, "the head of a long table stands on each of its pages"


@pytest.mark.real("chromium")
@pytest.mark.parametrize("name", ["full", "hostile"])
@pytest.mark.parametrize("width", [500, 1280])
def test_nothing_is_wider_than_the_screen(name: str, width: int, tmp_path: Path) -> None:
    """The page runs no script; for this look its policy is taken out and a ruler put in."""
    page = made(name, "de")["report.html"].decode()
    ruler = "<script>document.title=document.documentElement.scrollWidth+' '+innerWidth</script>"
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace(
        "</body>", ruler + "</body>"
    )
    (tmp_path / "report.html").write_text(page, "utf-8")

    shown = browse(tmp_path, f"--window-size={width},900", "--dump-dom").decode()

    found = re.search(r"<title>(\d+) (\d+)</title>", shown)
    assert found, shown[:500]
    assert int(found[1]) <= int(found[2])
