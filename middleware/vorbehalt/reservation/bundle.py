"""All signals of one host, rendered once and reused as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import sha256

from vorbehalt.reservation import page, rsl, tdmrep
from vorbehalt.reservation.digests import digest_of
from vorbehalt.reservation.headers import SectionHeaders, headers_digest, reservation_headers
from vorbehalt.reservation.robots import merge as robots_merge
from vorbehalt.reservation.scopes import by_path
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses
from vorbehalt.reservation.wording import default_language


@dataclass(frozen=True, slots=True)
class Document:
    """One signal document as it goes over the wire. `etag` is quoted, `digest` is SHA-256 hex of `body`.

    `for_people` marks pages that yield to the app's own 200. A page has a `language`, a
    `content_security_policy`, and `variants`: all its languages, itself among them, the default first.
    """

    path: str
    media_type: str
    body: bytes
    etag: bytes
    digest: str
    for_people: bool = False
    language: str = ""
    content_security_policy: str = ""
    variants: tuple[Document, ...] = ()

    def variant(self, language: str) -> Document:
        """Return the variant in a language; the document itself if there is none."""
        return next((one for one in self.variants if one.language == language), self)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Documents by path, headers by section, and one digest (SHA-256 hex) over the whole set."""

    documents: Mapping[str, Document]
    sections: Mapping[str, SectionHeaders]
    """Key "" is the rest of the site. Keys that begin with `~` are for answers that show no media type."""
    digest: str
    media: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    """The media types of the sections that are narrowed to some."""
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
    told = by_path(terms)
    robots = robots_merge.merge(told, site_robots, refused_tokens, search_tokens, asof)
    documents = [
        _document(terms.robots_path, robots_merge.MEDIA_TYPE, robots.body),
        _document(terms.tdmrep_path, tdmrep.FILE_MEDIA_TYPE, tdmrep.render_file(told)),
        _document(terms.rsl_path, rsl.MEDIA_TYPE, rsl.render(told)),
        _page(terms),
    ]
    if terms.reserves_mining:
        documents.append(
            _document(terms.tdm_policy_path, tdmrep.POLICY_MEDIA_TYPE, tdmrep.render_policy(terms))
        )
    media = {
        section.name: tuple(one.encode("ascii", "replace") for one in section.media)
        for section in terms.sections
        if section.media
    }
    parts = {"": terms.uses, **{section.name: section.uses for section in terms.sections}}
    if media:
        parts |= {_unseen(uses): uses for uses in sorted(_combined(terms.all_uses), key=_unseen)}
    sections = {}
    for name, uses in parts.items():
        headers = reservation_headers(terms, uses)
        signals = terms.vocabulary.content_signals.pairs(uses)
        refused = frozenset(key.encode("ascii") for key, stance in signals if stance == "reserve")
        sections[name] = SectionHeaders(name, uses, headers, headers_digest(headers), refused)
    return Bundle(
        {document.path: document for document in documents},
        sections,
        bundle_digest(documents, sections.values()),
        media,
        robots.conflicts,
    )


def bundle_digest(documents: Iterable[Document], sections: Iterable[SectionHeaders]) -> str:
    """SHA-256 hex over path, media type and body of all documents by path, then the headers by section.

    Of a document in several languages, language and body of each follow, the default first.
    """
    parts: list[bytes] = []
    for document in sorted(documents, key=lambda document: document.path):
        parts += (document.path.encode(), document.media_type.encode(), document.body)
        for variant in document.variants:
            parts += (variant.language.encode(), variant.body)
    for section in sorted(sections, key=lambda section: section.name):
        parts += (section.name.encode("utf-8", "replace"), section.digest.encode())
    return digest_of(parts)


def place(bundle: Bundle, section: str, refinements: tuple[str, ...]) -> SectionHeaders:
    """The headers of a place: those of its section, told apart by media where refinements are named.

    `refinements` are the names of the sections that win over `section` for answers of their media types,
    in order (`SectionIndex.refinements`). Unknown names count as the rest of the site.
    """
    plain = bundle.sections.get(section, bundle.sections[""])
    if not refinements:
        return plain
    narrowed = tuple((bundle.media[name], bundle.sections[name]) for name in refinements)
    uses = reduce(Uses.restricted_by, (found.uses for _, found in narrowed), plain.uses)
    unseen = bundle.sections[_unseen(uses)]
    return replace(unseen, name="~".join((section, *refinements)), by_media=narrowed, other=plain, known={})


def _unseen(uses: Uses) -> str:
    """The name of the headers for answers that show no media type."""
    return "~" + "+".join(uses.reserved)


def _combined(found: Iterable[Uses]) -> set[Uses]:
    """All uses that some of these make together when the most restrictive reading is taken."""
    closed: set[Uses] = set()
    for uses in found:
        closed |= {uses.restricted_by(other) for other in closed} | {uses}
    return closed


def _page(terms: Terms) -> Document:
    default = default_language(terms)
    others = (language for language in page.LANGUAGES if language != default)
    variants = tuple(
        replace(
            _document(terms.page_path, page.MEDIA_TYPE, page.render(terms, language)),
            for_people=True,
            language=language,
            content_security_policy=page.content_security_policy(terms, language),
        )
        for language in (default, *others)
    )
    return replace(variants[0], variants=variants)


def _document(path: str, media_type: str, body: bytes) -> Document:
    digest = sha256(body).hexdigest()
    return Document(path, media_type, body, f'"{digest[:32]}"'.encode(), digest)
