"""The signal documents as static files, with the headers that every way of serving them gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from vorbehalt.reservation import page
from vorbehalt.reservation.bundle import Bundle, Document
from vorbehalt.reservation.terms import Terms

_CACHE_CONTROL = "public, max-age=3600"


@dataclass(frozen=True, slots=True)
class StaticDocument:
    """One file: `path` is where it is served and, below a folder, where it lies."""

    path: str
    media_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def static_documents(terms: Terms, bundle: Bundle) -> tuple[StaticDocument, ...]:
    """All files. A page in several languages has a file for each, because no query chooses among files.

    A page without an extension is there as .html, too: hosts of static files go by the extension, take a
    name without one for a download, and serve `ai-policy.html` for /ai-policy.
    """
    found: dict[str, StaticDocument] = {}
    for document in bundle.documents.values():
        for one in _files(terms, document):
            found[one.path] = one
            if document.for_people and "." not in one.path.rpartition("/")[2]:
                copy = replace(one, path=f"{one.path}.html")
                found.setdefault(copy.path, copy)
    return tuple(found.values())


def _files(terms: Terms, document: Document) -> Iterator[StaticDocument]:
    if not document.variants:
        yield _file(document, document.path, document.body)
        return
    yield _file(document, document.path, page.render(terms, document.language, is_static=True))
    for variant in document.variants:
        body = page.render(terms, variant.language, is_static=True)
        yield _file(variant, page.static_address(terms, variant.language), body)


def _file(document: Document, path: str, body: bytes) -> StaticDocument:
    headers = [("Cache-Control", _CACHE_CONTROL), ("X-Content-Type-Options", "nosniff")]
    if document.language:
        headers.append(("Content-Language", document.language))
    if document.content_security_policy:
        headers.append(("Content-Security-Policy", document.content_security_policy))
    return StaticDocument(path, document.media_type, body, tuple(headers))
