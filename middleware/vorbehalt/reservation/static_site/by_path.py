"""For servers that choose headers by path alone: the most restrictive reading where the terms know more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vorbehalt.reservation.headers import reservation_headers
from vorbehalt.reservation.path_pattern import PathPattern, document_form
from vorbehalt.reservation.scopes import by_path, uses_under
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses
from vorbehalt.reservation.wording import clean


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds on the paths of one pattern (as in documents). `title` is for comments."""

    pattern: PathPattern
    uses: Uses
    title: str
    note: str = ""
    """Where more is reserved than the terms say: why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules with the least specific first: the last that fits counts. `rest` holds where none fits."""

    rest: Uses
    rules: tuple[Rule, ...]
    remarks: tuple[str, ...]


def rules_of(terms: Terms, expressible: Callable[[PathPattern], bool] | None = None) -> Rules:
    """The rules of a host. Patterns that are not `expressible` give way to the longest prefix that is one,
    with the most restrictive of all that holds there; nothing that is reserved is ever told as open.
    """
    told = by_path(terms)
    remarks = []
    if told is not terms:
        narrowed = ", ".join(repr(section.name) for section in terms.sections if section.media)
        remarks.append(
            f"it knows no media types: the most restrictive is said on all paths of section {narrowed}"
        )
    rest = told.uses
    rules: list[Rule] = []
    for pattern, section in reversed(SectionIndex(told).entries):
        document = PathPattern.of(document_form(pattern.text))
        found = Rule(document, section.uses, clean(f"section {section.name}"))
        if expressible is None or expressible(document):
            rules.append(found)
            continue
        wider = PathPattern.of(_prefix(document, expressible))
        remarks.append(
            f"{document.text} (section {section.name!r}) cannot be written there: the most restrictive is"
            f" said on {wider.text} instead"
        )
        # What is less specific than this pattern may win over the prefix in its stead.
        rules = [
            Rule(
                rule.pattern,
                rule.uses.restricted_by(section.uses),
                rule.title,
                rule.note or f"with {found.title}, whose {document.text} cannot be written here",
            )
            if rule.pattern.overlaps(document)
            else rule
            for rule in rules
        ]
        uses = uses_under(told, wider.text).restricted_by(section.uses)
        if wider.text == "/":
            rest = rest.restricted_by(uses)
        else:
            note = f"in place of {document.text}, which cannot be written here"
            rules.append(Rule(wider, uses, found.title, note))
    rules.sort(key=lambda rule: rule.pattern.priority)
    return Rules(rest, tuple(rules), tuple(remarks))


def headers_of(terms: Terms, uses: Uses) -> tuple[tuple[str, str], ...]:
    """The headers as text."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in reservation_headers(terms, uses)
    )


def _prefix(pattern: PathPattern, expressible: Callable[[PathPattern], bool]) -> str:
    text = pattern.literals[0]
    while text != "/" and not expressible(PathPattern.of(text)):
        text = text[:-1]
        # Half of an escape is none.
        if "%" in text[-2:]:
            text = text[: text.rindex("%")]
    return text or "/"
