"""The samples in docs/samples are what the program makes today, invented throughout, and small."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "docs" / "samples"
AGAIN = "run make samples"
MOST_BYTES = 3_000_000
FORMS = {".html", ".txt", ".md"}
KINDS = {"declaration", "inquiry", "factual", "gpai-complaint", "preservation", "reminder", "impostor-report"}
# What differs from machine to machine and from rules to rules: digests, roots, keys, versions.
_CHANGES = re.compile(
    r"[A-Za-z0-9+/\u200b]{43}=|label\.example/evidence\+[0-9a-f]{8}\+\S+|\b[0-9a-f]{8,64}\b"
    r"|\b20\d\d\\?\.\d+\\?\.\d+\b|vorbehalt \d+\.\d+\.\d+"
)


def masked(path: Path) -> str:
    return mask(path.read_text("utf-8"))


def mask(text: str) -> str:
    """A text without what may differ, however it was wrapped into lines."""
    plain = re.sub(r"<wbr>|\u200b", "", text)
    return " ".join(_CHANGES.sub("#", plain).split())


def make_again(out: Path) -> None:
    """Make the samples in a process of their own: it sets the clock and fixes chance."""
    done = subprocess.run(
        [sys.executable, "-m", "samples.make", out],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def printed(path: Path) -> str:
    """What a PDF says, without its spaces and hyphens: a digest is broken wherever its line ends."""
    done = subprocess.run(["pdftotext", path, "-"], capture_output=True, timeout=60, check=True)
    plain = re.sub(r"[\s\u200b\u00ad]+", "", done.stdout.decode())
    return re.sub(r"[A-Za-z0-9+/]{43}=|[0-9a-f]{6,}|20\d\d\.\d+\.\d+|vorbehalt\d+\.\d+\.\d+", "#", plain)


def changed(made: Path, stale: list[str]) -> str:
    """The lines of the first text that are not what they were."""
    for name in stale:
        if Path(name).suffix in FORMS:
            before, after = ((folder / name).read_text("utf-8").splitlines() for folder in (SAMPLES, made))
            lines = unified_diff(before, after, lineterm="", n=0)
            return "\n".join((name, *(line[:300] for line in lines))[:40])
    return ""


def names(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != SAMPLES / "README.md"
    }


@pytest.mark.real("pdftotext")
def test_the_samples_are_not_stale(tmp_path: Path) -> None:
    make_again(tmp_path)

    assert names(tmp_path) == names(SAMPLES), AGAIN
    shown = {name: masked if Path(name).suffix in FORMS else printed for name in sorted(names(tmp_path))}
    stale = [name for name, look in shown.items() if look(tmp_path / name) != look(SAMPLES / name)]
    assert stale == [], f"{AGAIN}: {changed(tmp_path, stale)}"


@pytest.mark.parametrize(
    "change", ["We ask for your answer by 24 November", "requests: 13", "5 Sample Street<br>"]
)
def test_a_changed_word_or_number_or_mark_would_be_noticed(change: str) -> None:
    known = {
        "We ask for your answer by 23 November": "letters/factual-en.txt",
        "requests: 12": "letters/factual-en.txt",
        "5 Sample Street": "letters/factual-en.html",
    }
    old, file = next((old, file) for old, file in known.items() if old[:9] == change[:9])
    text = (SAMPLES / file).read_text("utf-8")

    assert old in text
    assert mask(text.replace(old, change)) != mask(text)


def test_what_is_random_is_not_compared() -> None:
    one, other = (
        f"root {letter * 43}= SHA-256 {digit * 64}, rules 2026.{digit}.26"
        for letter, digit in (("A", "3"), ("C", "1"))
    )

    assert mask(one) == mask(other)


def test_there_is_one_of_each() -> None:
    letters = {re.sub(r"-(de|en|fr)$", "", path.stem) for path in (SAMPLES / "letters").iterdir()}
    assert letters == KINDS
    languages = {path.stem[-2:] for path in (SAMPLES / "letters").iterdir()}
    assert languages == {"de", "en", "fr"}
    assert {f"report-{language}.{form}" for language in ("de", "en") for form in ("html", "pdf")} | {
        f"dossier-{language}/report.{form}" for language in ("de", "en") for form in ("html", "pdf")
    } <= names(SAMPLES)


def test_all_of_them_are_named_for_the_reader() -> None:
    text = (SAMPLES / "README.md").read_text("utf-8")
    linked = set(re.findall(r"\]\(([^)]+)\)", text))
    # The drafts of the German dossier are those of the English one, but for the languages of their tables.
    expected = {
        name for name in names(SAMPLES) if not name.startswith("dossier-de/") or not name.endswith(".md")
    }
    assert expected - linked == {"dossier-en/zeugenerklaerung.md"}


def test_they_name_no_real_operator_and_fit_a_download() -> None:
    real = re.compile(r"OpenAI|Anthropic|Google|Meta\b|Perplexity|ByteDance|Amazon|Microsoft|GPTBot|Apple")
    texts = [path for path in SAMPLES.rglob("*") if path.suffix in FORMS]
    assert [path.name for path in texts if real.search(path.read_text("utf-8"))] == []
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < MOST_BYTES
