"""The table of the 25 checks names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "evidence-checks.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \| (.*) \|$", TEXT, re.M))
NAMED = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", TEXT)


def functions(path: Path) -> dict[str, str]:
    """Return the tests of a file with their decorators as text."""
    return {
        node.name: " ".join(ast.unparse(item) for item in node.decorator_list)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_check_has_a_test_or_a_reason() -> None:
    assert list(ROWS) == [str(number) for number in range(1, 26)]
    for number, row in ROWS.items():
        assert "::test_" in row or "Not yet: " in row or "Cannot run here: " in row, number


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_named_test_exists(file: str, name: str) -> None:
    assert name in functions(ROOT / file)


def test_what_is_called_a_drill_is_one_and_nothing_else_is() -> None:
    drills = set(re.findall(r"drill `(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", TEXT))
    assert drills == {pair for pair in NAMED if "mark.drill" in functions(ROOT / pair[0])[pair[1]]}


def test_every_name_is_written_so_that_it_is_looked_up() -> None:
    assert TEXT.count("::test_") == len(NAMED)
