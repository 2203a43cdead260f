"""Every finding has its page, and the page says what the definition says."""

from __future__ import annotations

from finding_pages import COLUMNS, FOLDER, matrix, pages
from pattern_support import book


def test_the_pages_are_those_of_the_definitions() -> None:
    written = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    assert written == pages(book()), "run: .venv/bin/python tests/finding_pages.py"


def test_every_definition_says_all_that_people_must_know() -> None:
    for id, definition in book().definitions.items():
        text = definition.text
        assert (id, bool(text.innocent), bool(definition.sources)) == (id, True, True)
        assert (id, text.expected[-1] != ".", text.means[-1]) == (id, True, ".")


def test_the_table_of_clients_in_the_documentation_is_what_the_tests_find_zeros_included() -> None:
    document = (FOLDER.parent / "detection.md").read_text("utf-8")
    assert matrix(COLUMNS, ("disguised", "headless-undisguised")) in document
    assert sum(line.endswith("| 0 | 0 | 0 | none |") for line in document.splitlines()) == 3
