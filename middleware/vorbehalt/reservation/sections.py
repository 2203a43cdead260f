"""Which part of the site a path belongs to."""

from __future__ import annotations

from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.terms import Section, Terms


class SectionIndex:
    """Finds the section of a path: the longest matching pattern wins, of equals the more reserved one."""

    __slots__ = ("_heads", "_ordered")

    def __init__(self, terms: Terms) -> None:
        entries: list[tuple[PathPattern, Section]] = [
            (PathPattern.of_decoded(path), section) for section in terms.sections for path in section.paths
        ]
        entries.sort(key=lambda entry: (-entry[0].priority, -entry[1].uses.reserved_count))
        self._ordered = tuple((pattern, section.name) for pattern, section in entries)
        self._heads = tuple({pattern.literals[0] for pattern, _ in self._ordered})

    def find(self, path: str) -> str:
        """Gives the section's name for a path as in `Visit.path` (decoded); "" is the rest of the site."""
        if not path.startswith(self._heads):
            return ""
        for pattern, name in self._ordered:
            if pattern.matches(path):
                return name
        return ""


def section_of(terms: Terms, path: str) -> str:
    """Gives the section of one path; use a `SectionIndex` for many."""
    return SectionIndex(terms).find(path)
