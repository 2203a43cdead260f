"""All signals of one host, rendered once and reused as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from vorbehalt.facts import Headers
from vorbehalt.reservation import page, robots_merge, rsl, tdmrep
from vorbehalt.reservation.digests import digest_of
from vorbehalt.reservation.headers import headers_digest, reservation_headers
from vorbehalt.reservation.terms import Terms


@dataclass(frozen=True, slots=True)
class Document:
    """One signal document as it goes over the wire. `etag` is quoted, `digest` is SHA-256 hex of `body`.

    `for_people` marks pages that yield to the app's own 200.
    """

    path: str
    media_type: str
    body: bytes
    etag: bytes
    digest: str
    for_people: bool = False


@dataclass(frozen=True, slots=True)
class SectionHeaders:
    """The response headers of one part of the site. `appended` names (X-Robots-Tag, Link) join the app's own;
    `replaced` names are ours alone. `digest` is SHA-256 hex over the exact ordered list."""

    name: str
    headers: Headers
    digest: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """Documents by path, headers by section, and one digest (SHA-256 hex) over the whole set."""

    documents: Mapping[str, Document]
    sections: Mapping[str, SectionHeaders]
    """Key "" is the rest of the site."""
    digest: str
    conflicts: tuple[str, ...] = ()
    """What in the site's own robots.txt contradicts the terms or could not be used, in sentences."""


def render(
    terms: Terms,
    site_robots: bytes | None,
    refused_tokens: Sequence[str],
    search_tokens: Sequence[str] = (),
    asof: str = "",
) -> Bundle:
    """Renders every channel from one set of terms; the same arguments give the same bytes.

    `site_robots` is the site's own robots.txt, None if it has none. `refused_tokens` are the product tokens
    that robots.txt turns away, `search_tokens` those of search engines, which no group of ours may reach
    while search is allowed. `asof` is text for a comment, such as a date. The policy document exists only
    where mining is reserved.
    """
    robots = robots_merge.merge(terms, site_robots, refused_tokens, search_tokens, asof)
    documents = [
        _document(terms.robots_path, robots_merge.MEDIA_TYPE, robots.body),
        _document(terms.tdmrep_path, tdmrep.FILE_MEDIA_TYPE, tdmrep.render_file(terms)),
        _document(terms.rsl_path, rsl.MEDIA_TYPE, rsl.render(terms)),
        _document(terms.page_path, page.MEDIA_TYPE, page.render(terms), for_people=True),
    ]
    if terms.reserves_mining:
        documents.append(
            _document(terms.tdm_policy_path, tdmrep.POLICY_MEDIA_TYPE, tdmrep.render_policy(terms))
        )
    parts = [("", terms.uses), *((section.name, section.uses) for section in terms.sections)]
    sections = {}
    for name, uses in parts:
        headers = reservation_headers(terms, uses)
        sections[name] = SectionHeaders(name, headers, headers_digest(headers))
    return Bundle(
        {document.path: document for document in documents},
        sections,
        bundle_digest(documents, sections.values()),
        robots.conflicts,
    )


def bundle_digest(documents: Iterable[Document], sections: Iterable[SectionHeaders]) -> str:
    """SHA-256 hex over path, media type and body of all documents by path, then the headers by section."""
    parts: list[bytes] = []
    for document in sorted(documents, key=lambda document: document.path):
        parts += (document.path.encode(), document.media_type.encode(), document.body)
    for section in sorted(sections, key=lambda section: section.name):
        parts += (section.name.encode("utf-8", "replace"), section.digest.encode())
    return digest_of(parts)


def _document(path: str, media_type: str, body: bytes, *, for_people: bool = False) -> Document:
    digest = sha256(body).hexdigest()
    return Document(path, media_type, body, f'"{digest[:32]}"'.encode(), digest, for_people)
