"""Marks inside documents of the site: in the head of an HTML page, in an RSS or Atom feed.

TDMRep (report of 2024-05-10) lets the meta element outvote the header, so both are made of the same headers.
RSL 1.0 section 4.7: `rsl:content` in an item of a feed, with prefixed names and a `url` on the feed's origin.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from xml.sax.saxutils import quoteattr

from vorbehalt.facts import Headers
from vorbehalt.reservation import rsl
from vorbehalt.reservation.terms import Section, Terms
from vorbehalt.reservation.wording import clean

_ATOM = "http://www.w3.org/2005/Atom"
_NAMED = {b"tdm-reservation": "tdm-reservation", b"tdm-policy": "tdm-policy", b"x-robots-tag": "robots"}


def meta(headers: Headers) -> str:
    """The elements for the head of an HTML page that say what these reservation headers say, one a line."""
    return "\n".join(_elements(headers))


def _elements(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        text = value.decode("latin-1")
        if name in _NAMED:
            yield f'<meta name="{_NAMED[name]}" content="{escape(text)}">'
        elif name == b"link":
            target = text.partition("<")[2].partition(">")[0]
            yield f'<link rel="license" type="{rsl.MEDIA_TYPE}" href="{escape(target)}">'


def feed_link(terms: Terms) -> str:
    """The element for the channel of an RSS feed, or for an Atom feed, that leads to the licence document."""
    target = quoteattr(clean(terms.rsl_uri))
    return f'<atom:link xmlns:atom="{_ATOM}" rel="license" type="{rsl.MEDIA_TYPE}" href={target}/>'


def feed_content(terms: Terms, url: str, section: Section) -> str:
    """The element for an item of a feed: what holds for the page or file at an address.

    It declares its namespace itself, so that the root of the feed need not.
    """
    about = f' xmlns:rsl="{rsl.NAMESPACE}"'
    return "\n".join(rsl.content(terms, clean(url), section, "rsl:", about))
