"""What an HTML page says of reservations, and which other addresses of the site it names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from vorbehalt.probe.exchange import Kind

_MOST_HTML = 256 * 1024
_MOST_LINKS = 400
_ENDINGS: dict[str, Kind] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg", ".ico"), "image"),
    **dict.fromkeys((".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a", ".mp4", ".webm", ".mov"), "media"),
    ".css": "style",
    ".js": "script",
    ".pdf": "pdf",
    ".rss": "feed",
    ".atom": "feed",
}  # fmt: skip
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_LOCATION = re.compile(rb"<loc>\s*([^<\s]{1,2000})\s*</loc>")
_ENCLOSURE = re.compile(rb"<enclosure\b[^>]{0,500}?\burl=[\"']([^\"'<>\s]{1,2000})[\"']")


@dataclass(slots=True)
class Page:
    """`links` are absolute URLs with their kind, each once; `meta` the content by name in lower case."""

    links: dict[str, Kind] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    licences: list[str] = field(default_factory=list)
    """Targets of `link rel="license" type="application/rsl+xml"`."""
    title: str = ""


def read_page(body: bytes, url: str) -> Page:
    """Read the first 256 KiB of a page; never raises."""
    reader = _Reader(url)
    reader.feed(body[:_MOST_HTML].decode("utf-8", "replace"))
    return reader.page


def sitemap_links(body: bytes) -> list[str]:
    """The addresses of a sitemap, in order."""
    found = (match[1].decode("latin-1") for match in _LOCATION.finditer(body))
    return [unescape(url) for _, url in zip(range(_MOST_LINKS), found, strict=False)]


def feed_enclosures(body: bytes) -> list[str]:
    """The media that an RSS feed encloses."""
    found = (match[1].decode("latin-1") for match in _ENCLOSURE.finditer(body))
    return [unescape(url) for _, url in zip(range(_MOST_LINKS), found, strict=False)]


def kind_by_ending(url: str) -> Kind:
    """What an address probably is, by the ending of its path; a page if nothing else is known."""
    last = urlsplit(url).path.rpartition("/")[2].lower()
    dot = last.rfind(".")
    return _ENDINGS.get(last[dot:], "page") if dot >= 0 else "page"


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._base = url
        self._in_title = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attributes)}
        self._in_title = tag == "title"
        if tag == "base" and given.get("href"):
            self._base = _joined(self._base, given["href"]) or self._base
        elif tag == "meta":
            self._meta(given)
        for link, kind in _named(tag, given):
            if tag == "link" and kind == "other":
                self.page.licences.append(_joined(self._base, link))
            elif len(self.page.links) < _MOST_LINKS and (whole := _joined(self._base, link)):
                self.page.links.setdefault(whole, kind)

    def handle_data(self, data: str) -> None:
        if self._in_title and not self.page.title:
            self.page.title = data.strip()[:200]

    def _meta(self, given: dict[str, str]) -> None:
        name = given.get("name", given.get("property", "")).strip().lower()
        if name and len(self.page.meta) < 100:
            self.page.meta[name] = given.get("content", "").strip()
        if name in ("og:image", "og:audio", "og:video") and given.get("content"):
            whole = _joined(self._base, given["content"])
            if whole:
                self.page.links.setdefault(whole, "image" if name == "og:image" else "media")


def _named(tag: str, given: dict[str, str]) -> Iterator[tuple[str, Kind]]:
    href, src = given.get("href", ""), given.get("src", "")
    if tag == "link" and href:
        relations = given.get("rel", "").lower().split()
        type_ = given.get("type", "").strip().lower()
        if "stylesheet" in relations:
            yield href, "style"
        elif "alternate" in relations and type_ in _FEEDS:
            yield href, "feed"
        elif "license" in relations and type_ == "application/rsl+xml":
            yield href, "other"
    elif tag == "a" and href:
        yield href, kind_by_ending(href)
    elif tag == "script" and src:
        yield src, "script"
    elif tag == "img" and src:
        yield src, "image"
    elif tag in ("audio", "video", "source") and src:
        yield src, "media"


def _joined(base: str, link: str) -> str:
    try:
        whole = urljoin(base, link.strip()).partition("#")[0]
        return whole if urlsplit(whole).scheme in ("http", "https") and urlsplit(whole).hostname else ""
    except ValueError:
        return ""
