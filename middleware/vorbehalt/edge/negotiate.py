"""Form and language of our answers: Accept and Accept-Language (RFC 9110 sections 12.5.1 and 12.5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs

from vorbehalt.facts import Visit
from vorbehalt.reservation.bundle import Document

_MAX_HEADER = 2048
_MAX_PARTS = 40
_MAX_QUERY = 1024
"""How many bytes of a query are searched for a language."""


def prefers_html(accept: bytes) -> bool:
    """True if text/html is wanted more than problem details; no wish means a machine. Never raises."""
    html = _quality(accept, ("text/html", "text/*", "*/*"))
    problem = max(
        _quality(accept, (wanted, "application/*", "*/*"))
        for wanted in ("application/problem+json", "application/json")
    )
    return html > problem


def best_language(accept_language: bytes, offered: Sequence[str], default: str) -> str:
    """Return the offered language (two letters) that is wanted most, else the default. Never raises."""
    best, best_quality = default, 0.0
    for name, quality in _parts(accept_language):
        language = name.partition("-")[0]
        if language in offered and quality > best_quality:
            best, best_quality = language, quality
    return best


def chosen_variant(document: Document, visit: Visit) -> Document:
    """Return the variant in the language of `?lang=`, else the one that Accept-Language wants most."""
    if not document.variants:
        return document
    offered = [variant.language for variant in document.variants]
    query = visit.target.partition(b"?")[2][:_MAX_QUERY].decode("latin-1")
    asked = parse_qs(query).get("lang", [""])[0].lower().partition("-")[0]
    if asked not in offered:
        asked = best_language(visit.header(b"accept-language"), offered, document.language)
    return document.variant(asked)


def _quality(accept: bytes, ranges: tuple[str, ...]) -> float:
    """The quality of the first, most specific of these ranges that stands in the header."""
    found = dict(reversed(list(_parts(accept))))
    return next((found[name] for name in ranges if name in found), 0.0)


def _parts(header: bytes) -> Iterator[tuple[str, float]]:
    for part in header[:_MAX_HEADER].decode("latin-1").lower().split(",")[:_MAX_PARTS]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = min(max(float(parameter[2:]), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        if name:
            yield name, quality
