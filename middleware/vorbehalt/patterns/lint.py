"""Checks the rule book of findings: R013 a document is wrong, R014 what is known of browsers is too old."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from vorbehalt.errors import Problem, RulesError
from vorbehalt.patterns.book import read_book
from vorbehalt.patterns.knowledge import DOCUMENT

OLDEST: Final = timedelta(days=400)
"""After that a version of three years may be missing from the releases."""


def lint(documents: Mapping[str, bytes], today: date) -> list[Problem]:
    """Return everything wrong with the documents of the findings, ordered by file."""
    try:
        book = read_book(documents)
    except RulesError as error:
        found = [line.partition(": ") for line in str(error).splitlines()]
        return sorted(
            (Problem(file, 0, "", "R013", message or file) for file, _, message in found),
            key=lambda problem: (problem.file, problem.message),
        )
    problems = []
    for name, majors in book.knowledge.releases.items():
        newest = max(majors.values(), default=date.min)
        if newest > today:
            message = f"releases.{name}: the newest is dated {newest}, after today"
            problems.append(Problem(DOCUMENT, 0, name, "R014", message))
        elif today - newest > OLDEST:
            message = f"releases.{name}: the newest is {(today - newest).days} days old"
            problems.append(Problem(DOCUMENT, 0, name, "R014", message))
    return problems
