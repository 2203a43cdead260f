"""What files can say of terms that are told apart by more than the path."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from vorbehalt.reservation.path_pattern import PathPattern, document_form
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Section, Terms
from vorbehalt.reservation.uses import Uses


def by_path(terms: Terms) -> Terms:
    """The terms as robots.txt, tdmrep.json and license.xml can tell them: by path alone.

    A section for some media types becomes one for all of its paths, with the most restrictive of its own uses
    and of those that hold there for other media. The headers of each answer stay exact.
    """
    if not any(section.media for section in terms.sections):
        return terms
    sections = []
    rest = terms.uses
    for section in terms.sections:
        if not section.media:
            sections.append(section)
            continue
        somewhere = tuple(path for path in section.paths if not is_everywhere(path))
        if somewhere != section.paths:
            rest = rest.restricted_by(section.uses)
        if somewhere:
            uses = reduce(Uses.restricted_by, _beside(terms, section), section.uses)
            sections.append(replace(section, paths=somewhere, uses=uses, media=()))
    return replace(terms, uses=rest, sections=tuple(sections))


def uses_under(terms: Terms, pattern: str) -> Uses:
    """The most restrictive of what holds on the paths that a pattern matches; "" is the rest of the site.

    The terms are told by path alone (`by_path`).
    """
    if not pattern:
        return terms.uses
    wanted = PathPattern.of(document_form(pattern))
    found = SectionIndex(terms).find(pattern)
    uses = next((section.uses for section in terms.sections if section.name == found), terms.uses)
    met = (
        section.uses
        for section in terms.sections
        if any(wanted.overlaps(PathPattern.of(document_form(path))) for path in section.paths)
    )
    return reduce(Uses.restricted_by, met, uses)


def is_everywhere(path: str) -> bool:
    """True for the patterns that every path matches."""
    return path.rstrip("*") in ("/", "")


def _beside(terms: Terms, section: Section) -> list[Uses]:
    """The uses that may hold on the paths of a section for media that are not its own."""
    own = [PathPattern.of(document_form(path)) for path in section.paths]
    return [terms.uses] + [
        other.uses
        for other in terms.sections
        if other is not section
        and any(
            pattern.overlaps(PathPattern.of(document_form(path))) for path in other.paths for pattern in own
        )
    ]
