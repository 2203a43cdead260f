"""AIPREF usage preferences: the `Content-Usage` header and robots.txt line, spelled as the rules say."""

from __future__ import annotations

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses
from vorbehalt.reservation.vocabulary import Labels


def value(uses: Uses, labels: Labels) -> str:
    """The preferences as a structured-field dictionary of tokens (RFC 9651), lower case."""
    return ", ".join(f"{label}={labels.answer(stance)}" for label, stance in labels.pairs(uses))


def robots_lines(terms: Terms) -> tuple[str, ...]:
    """The lines of a robots.txt group: the rest of the site, then each section, longest pattern first."""
    labels = terms.vocabulary.aipref
    lines = [f"{labels.field}: {value(terms.uses, labels)}"]
    sections = [(document_form(path), section.uses) for section in terms.sections for path in section.paths]
    sections.sort(key=lambda entry: (-len(entry[0]), entry[0], -entry[1].reserved_count))
    lines.extend(f"{labels.field}: {path} {value(uses, labels)}" for path, uses in sections)
    return tuple(lines)
