"""Every finding has its page, and the page says what the definition says."""

from __future__ import annotations

from finding_pages import FOLDER, pages
from pattern_support import book


def test_the_pages_are_those_of_the_definitions() -> None:
    written = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    assert written == pages(book()), "run: .venv/bin/python tests/finding_pages.py"


def test_every_definition_says_all_that_people_must_know() -> None:
    for id, definition in book().definitions.items():
        text = definition.text
        assert (id, bool(text.innocent), bool(definition.sources)) == (id, True, True)
        assert (id, text.expected[-1] != ".", text.means[-1]) == (id, True, ".")
