"""Content Signals: lines of a robots.txt group, spelled as the rules say."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Stance
from vorbehalt.reservation.vocabulary import Labels


def robots_lines(terms: Terms) -> tuple[str, ...]:
    """The lines of a robots.txt group.

    Readers that know no paths would take a section's yes for the whole site, so a key that is reserved in
    some section is left out of the line for the rest, and lines with a path only ever say no.
    """
    labels = terms.vocabulary.content_signals
    rest = labels.pairs(terms.uses)
    reserved_somewhere = {
        key for uses in terms.all_uses for key, stance in labels.pairs(uses) if stance == "reserve"
    }
    said = [(key, stance) for key, stance in rest if stance == "reserve" or key not in reserved_somewhere]
    lines = [f"{labels.field}: {_statement(said, labels)}"] if said else []
    open_keys = {key for key, stance in rest if stance == "allow"}
    for section in terms.sections:
        refused = [
            (key, stance)
            for key, stance in labels.pairs(section.uses)
            if stance == "reserve" and key in open_keys
        ]
        if refused:
            paths = dict.fromkeys(document_form(path) for path in section.paths)
            lines.extend(f"{labels.field}: {path} {_statement(refused, labels)}" for path in paths)
    return tuple(lines)


def _statement(said: Iterable[tuple[str, Stance]], labels: Labels) -> str:
    return ", ".join(f"{key}={labels.answer(stance)}" for key, stance in said)
