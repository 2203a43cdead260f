"""Really Simple Licensing 1.0 (RSL-SPEC-1.0 of 2025-12-10, errata to 2026-08-07)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Section, Terms
from vorbehalt.reservation.uses import Use, Uses
from vorbehalt.reservation.wording import clean, name_of_rightsholder

MEDIA_TYPE = "application/rsl+xml"
NAMESPACE = "https://rslstandard.org/rsl"
MAX_AGE_DAYS = 1
"""The default would be 30: a change of the terms must not lag."""


def render(terms: Terms) -> bytes:
    """The document: one `content` for each pattern, most specific first, `/` last."""
    whole = Section("", ("/",), terms.uses)
    parts = {
        document_form(path): section
        for section in sorted(terms.sections, key=lambda section: section.uses.reserved_count)
        for path in section.paths
    }
    rest = parts.pop("/", whole)
    ordered = sorted(parts.items(), key=lambda item: (-len(item[0]), item[0]))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<rsl xmlns="{NAMESPACE}" max-age="{MAX_AGE_DAYS}">']
    for path, section in [*ordered, ("/", rest)]:
        lines.extend(f"  {line}" for line in content(terms, path, section))
    lines.append("</rsl>")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def usage(uses: Uses, labels: Mapping[Use, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The permitted and the reserved usage tokens. `permits` is a closed list: the rest is refused."""
    permitted = tuple(label for use, label in labels.items() if uses.of(use) == "allow")
    return permitted, tuple(label for use, label in labels.items() if uses.of(use) == "reserve")


def content(terms: Terms, url: str, section: Section, prefix: str = "", about: str = "") -> Iterator[str]:
    """What holds for one pattern or address, as XML. `prefix` (`rsl:`) goes before every name of an element,
    `about` are further attributes of the outermost one, ready XML.
    """
    words = terms.vocabulary
    permitted, reserved = usage(section.uses, words.rsl)
    p = prefix
    yield f"<{p}content{about} url={quoteattr(url)}>"
    offered = reserved if terms.may_license else ()
    if permitted or not offered:
        yield f"  <{p}license>"
        if permitted:
            yield f'    <{p}permits type="usage">{" ".join(permitted)}</{p}permits>'
        if reserved and not offered:
            refused = " ".join(reserved) if permitted else words.rsl_all
            yield f'    <{p}prohibits type="usage">{refused}</{p}prohibits>'
        if permitted:
            yield f'    <{p}payment type="free"/>'
        yield from _contact(terms.contact, p)
        yield f"  </{p}license>"
    payments = {words.rsl[use]: payment for use, payment in words.rsl_payments.items()}
    for token in offered:
        # A usage both offered and prohibited counts as prohibited, so an offer replaces the prohibition.
        yield f"  <{p}license>"
        yield f'    <{p}permits type="usage">{token}</{p}permits>'
        offer = f"<{p}custom>{_text(_offer_uri(terms))}</{p}custom>"
        yield f'    <{p}payment type="{payments[token]}">{offer}</{p}payment>'
        yield from _contact(terms.licence_contact or terms.contact, p)
        yield f"  </{p}license>"
    if section.rightsholder:
        yield f"  <{p}copyright>{_text(section.rightsholder)}</{p}copyright>"
    elif name := name_of_rightsholder(terms):
        yield f"  <{p}copyright{_copyright_contact(terms)}>{_text(name)}</{p}copyright>"
    yield f"  <{p}terms>{_text(terms.page_uri)}</{p}terms>"
    yield f"</{p}content>"


def _contact(contact: str, prefix: str) -> Iterator[str]:
    if contact:
        yield f'    <{prefix}legal type="contact">{_text(contact)}</{prefix}legal>'


def _copyright_contact(terms: Terms) -> str:
    """Our contact speaks for the rightsholder only where the operator is the rightsholder."""
    contact = terms.contact if terms.capacity == "owner" else ""
    if contact.lower().startswith("mailto:"):
        return f" contactEmail={quoteattr(clean(contact)[7:].split('?', 1)[0])}"
    return f" contactUrl={quoteattr(clean(contact))}" if contact else ""


def _offer_uri(terms: Terms) -> str:
    """Where a licence can be asked for: a URL is expected, so a mail address is found on the page."""
    contact = terms.licence_contact
    return terms.page_uri if not contact or contact.lower().startswith("mailto:") else contact


def _text(text: str) -> str:
    return escape(clean(text))
