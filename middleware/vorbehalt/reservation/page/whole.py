"""The page for people: what is reserved and whom to ask, in plain words, one page for each language."""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha256
from html import escape

from vorbehalt.reservation.page import parts
from vorbehalt.reservation.page import template as page_template
from vorbehalt.reservation.page.languages import PAGE_WORDS
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.wording import WORDINGS, clean

MEDIA_TYPE = "text/html; charset=utf-8"
LANGUAGES = tuple(PAGE_WORDS)
"""The languages that the page is written in."""

_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'"
_OWN_FRAME = (
    "default-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'none'; object-src 'none';"
    " base-uri 'none'; form-action 'none'"
)


def render(terms: Terms, language: str, *, is_static: bool = False) -> bytes:
    """The page in one of `LANGUAGES`.

    Its other languages are at `?lang=`; written as static files (`is_static`), they are files beside it.
    """
    template = dict(terms.page_templates).get(language, page_template.DEFAULT)
    words = PAGE_WORDS[language]
    operator = clean(terms.operator)
    address = static_address if is_static else _served_address
    values = {
        "title": escape(words.title),
        "page_title": escape(words.title + (f" – {operator}" if operator else "")),
        "language": language,
        "operator": escape(operator or WORDINGS[language].unnamed_operator),
        "origin": escape(clean(terms.origin)),
        "style": page_template.STYLE,
        "alternates": _alternates(terms, address),
        "declaration": parts.declaration(terms, language),
        "parts": parts.parts(terms, language),
        "allow": parts.allow(language),
        "contacts": parts.contacts(terms, language),
        "readers": parts.readers(language),
        "legal_basis": parts.legal_basis(terms, language),
        "machines": parts.machines(terms, language),
        "languages": _languages(terms, language, address),
        "about": parts.about(terms, language),
    }
    return page_template.fill(template, values).encode("utf-8", "replace")


def content_security_policy(terms: Terms, language: str) -> str:
    """What the page may load: its one style; a frame of the site's own also files of the site. No scripts."""
    if language in dict(terms.page_templates):
        return _OWN_FRAME
    style = base64.b64encode(sha256(page_template.STYLE.encode()).digest()).decode()
    return f"{_NOTHING_ELSE}; style-src 'sha256-{style}'"


def static_address(terms: Terms, language: str) -> str:
    """Where one language stands as a static file: `/ai-policy.de.html`."""
    return f"{terms.page_path.rstrip('/').removesuffix('.html')}.{language}.html"


def _served_address(terms: Terms, language: str) -> str:
    return f"{terms.page_path}?lang={language}"


def _alternates(terms: Terms, address: Callable[[Terms, str], str]) -> str:
    targets = {other: escape(clean(terms.origin + address(terms, other))) for other in LANGUAGES}
    return "\n".join(
        f'<link rel="alternate" hreflang="{other}" href="{target}">' for other, target in targets.items()
    )


def _languages(terms: Terms, language: str, address: Callable[[Terms, str], str]) -> str:
    items = []
    for other, words in PAGE_WORDS.items():
        shown = escape(words.language)
        if other == language:
            items.append(f'<li><span aria-current="true">{shown}</span></li>\n')
        else:
            # Relative, so that it works below a mount point, on a test machine and in a folder.
            target = escape(clean(address(terms, other).rpartition("/")[2]))
            items.append(f'<li><a href="{target}" hreflang="{other}" lang="{other}">{shown}</a></li>\n')
    return f'<nav aria-label="{escape(PAGE_WORDS[language].languages)}">\n<ul>\n{"".join(items)}</ul>\n</nav>'
