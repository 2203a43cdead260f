"""Which part of the site a path belongs to."""

from __future__ import annotations

from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.terms import Section, Terms


class SectionIndex:
    """Finds the section of a path: the longest matching pattern wins, of equals the more reserved one.

    Sections for some media types are no section of a path, because nobody knows before the answer what it
    will be; they are found as refinements.
    """

    __slots__ = ("_heads", "_ordered", "_refining", "_refining_heads")

    def __init__(self, terms: Terms) -> None:
        entries: list[tuple[PathPattern, Section]] = [
            (PathPattern.of_decoded(path), section) for section in terms.sections for path in section.paths
        ]
        # Of equally long patterns the one for some media types is the more specific.
        entries.sort(
            key=lambda entry: (-entry[0].priority, not entry[1].media, -entry[1].uses.reserved_count)
        )
        self._ordered = tuple((pattern, section.name) for pattern, section in entries if not section.media)
        self._heads = tuple({pattern.literals[0] for pattern, _ in self._ordered})
        self._refining = tuple((pattern, section) for pattern, section in entries)
        self._refining_heads = tuple(
            {pattern.literals[0] for pattern, section in self._refining if section.media}
        )

    @property
    def places(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Pattern, section and its media types in the order in which they are tried."""
        return tuple((pattern.text, section.name, section.media) for pattern, section in self._refining)

    @property
    def entries(self) -> tuple[tuple[PathPattern, Section], ...]:
        """All patterns with their sections, those for some media types included; the first that fits wins."""
        return self._refining

    def find(self, path: str) -> str:
        """Gives the section's name for a path as in `Visit.path` (decoded); "" is the rest of the site."""
        if not path.startswith(self._heads):
            return ""
        for pattern, name in self._ordered:
            if pattern.matches(path):
                return name
        return ""

    def refinements(self, path: str) -> tuple[str, ...]:
        """Gives the sections that win over that of `find` for answers of their media types, in order."""
        if not path.startswith(self._refining_heads):
            return ()
        found: dict[str, None] = {}
        for pattern, section in self._refining:
            if pattern.matches(path):
                if not section.media:
                    break
                found[section.name] = None
        return tuple(found)


def section_of(terms: Terms, path: str) -> str:
    """Gives the section of one path; use a `SectionIndex` for many."""
    return SectionIndex(terms).find(path)
