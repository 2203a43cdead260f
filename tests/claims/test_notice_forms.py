"""Text, HTML, PDF and e-mail of a letter: drafts are marked, and nothing of strangers works in any."""

from __future__ import annotations

import csv
import email
import email.policy
import subprocess
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import html5lib
import pytest

from letter_support import (
    EVERY_LETTER,
    party,
    text_of,
    writing,
)
from notice_support import HOSTILE_TITLE
from vorbehalt.claims.notice.kinds import Kind
from vorbehalt.claims.notice.letter import Workshop, Writing
from vorbehalt.works.entry import Work

EVIL = 'Evil #read("/etc/passwd") $x$ *b* <script>alert(1)</script>\u202e\r\nBcc: x@y.example {{7*7}}'


def test_titles_are_quoted_and_may_hold_any_word(workshop: Workshop) -> None:
    assert "stolen" in HOSTILE_TITLE
    text = text_of(writing(workshop, Kind.FACTUAL))
    assert '“=cmd|stolen #read("/etc/passwd") <b>\\u202eX”' in text


@pytest.mark.parametrize(("kind", "language"), EVERY_LETTER)
def test_nothing_of_strangers_works_in_any_form(
    workshop: Workshop, kind: Kind, language: str, tmp_path: Path
) -> None:
    to = replace(party(), legal_name=one_harmless(EVIL), address=(one_harmless(EVIL),))
    one = writing(workshop, kind, language, to=to, find_work=lambda id: Work((id,), EVIL))
    blocks, _ = one._blocks("2026-0042")
    assert not [block for block in blocks if "\n" in block.text or "\u202e" in block.text]
    # What it would say is refused for its placeholder; what is printed is looked at all the same.
    files = forced(one).files
    html = files["letter.html"].decode()
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    assert not list(tree.iter("script"))
    assert not list(tree.iter("b"))
    assert "\u202e" not in html
    message = email.message_from_bytes(files["letter.eml"], policy=email.policy.default)
    assert message["Bcc"] is None
    assert message["X-Unsent"] == "1"
    assert message["To"].addresses[0].addr_spec == "copyright@ai.example"
    (tmp_path / "letter.pdf").write_bytes(files["letter.pdf"])
    printed = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "letter.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "root:" not in printed
    assert '#read("/etc/passwd")' in " ".join(printed.split())
    for name, data in files.items():
        if name.endswith(".csv"):
            cells = [cell for line in csv.reader(StringIO(data.decode())) for cell in line]
            assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]


def one_harmless(text: str) -> str:
    from vorbehalt.claims.notice.wording import one_line

    return one_line(text).replace("{{", "{").replace("}}", "}")


def forced(one: Writing) -> Any:
    return one.render("2026-0042")


def test_a_draft_says_so_in_every_form(workshop: Workshop, tmp_path: Path) -> None:
    for language, mark in {"en": "DRAFT", "de": "ENTWURF", "fr": "PROJET"}.items():
        rendered = writing(workshop, Kind.DECLARATION, language, is_draft=True).render("")
        assert rendered.text.decode().startswith(f"*** {mark} ***")
        assert f'<p class="draft">{mark}</p>' in rendered.files["letter.html"].decode()
        message = email.message_from_bytes(rendered.files["letter.eml"], policy=email.policy.default)
        assert message["Subject"].strip().startswith(f"[{mark}] ")
        (tmp_path / "letter.pdf").write_bytes(rendered.files["letter.pdf"])
        printed = subprocess.run(
            ["pdftotext", tmp_path / "letter.pdf", "-"], capture_output=True, text=True, check=True
        )
        assert mark in printed.stdout
    assert "DRAFT" not in writing(workshop, Kind.DECLARATION).render("2026-0042").text.decode()


def test_the_mail_is_an_unsent_draft_with_pdf_and_annexes(workshop: Workshop) -> None:
    rendered = writing(workshop, Kind.FACTUAL).render("2026-0042")
    message = email.message_from_bytes(rendered.files["letter.eml"], policy=email.policy.default)
    assert (message["From"], message["Date"], message["X-Unsent"]) == (None, None, "1")
    attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert set(attached) == {"letter.pdf", "annex-requests.csv", "annex-works.csv"}
    assert attached["letter.pdf"] == rendered.files["letter.pdf"]
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == rendered.text.decode().split()
    by_post = writing(workshop, Kind.FACTUAL, to=party(email="none")).render("2026-0042")
    assert email.message_from_bytes(by_post.files["letter.eml"])["To"] is None


def test_the_same_letter_gives_the_same_text_html_and_pdf(workshop: Workshop) -> None:
    first, second = (writing(workshop, Kind.FACTUAL, "de").render("2026-0042").files for _ in range(2))
    for name in ("letter.txt", "letter.html", "letter.pdf", "annex-works.csv", "annex-requests.csv"):
        assert first[name] == second[name]
