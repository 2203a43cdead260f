"""Works that a page describes itself: JSON-LD of schema.org in `<script type="application/ld+json">`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, BinaryIO

from vorbehalt.works.entry import Entry, Notes
from vorbehalt.works.fields import read_entry
from vorbehalt.works.identifiers import IdentifierError, parse_identifier

MAX_BYTES = 4 * 1024 * 1024
_KINDS = {
    "MusicRecording": ("song", "recording"),
    "MusicComposition": ("composition", "composition"),
    "Book": ("book", "text"),
    "Article": ("article", "text"),
    "NewsArticle": ("article", "text"),
    "ScholarlyArticle": ("article", "text"),
    "Periodical": ("periodical", "text"),
    "ImageObject": ("image", "image"),
    "Photograph": ("photograph", "image"),
    "VisualArtwork": ("artwork", "artwork"),
    "Dataset": ("dataset", "database"),
    "MusicAlbum": ("album", ""),
    "VideoObject": ("video", ""),
    "CreativeWork": ("", ""),
}
_IDS = {"isrcCode": "isrc", "iswcCode": "iswc", "isbn": "isbn", "issn": "issn"}
_PEOPLE = ("byArtist", "composer", "lyricist", "author", "creator", "contributor")
_MOST = 10_000


def read_html(stream: BinaryIO, address: str, notes: Notes) -> Iterator[Entry]:
    """Yield the works that one HTML page describes and gives an identifier.

    `address` is the page's path or URL; a `link rel="canonical"` of its own wins, and a work's own `url` over
    both. What is described without an identifier is remarked.
    """
    body = stream.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        notes.flaw(0, f"the page is larger than {MAX_BYTES // 1024 // 1024} MiB")
        return
    page = _Page()
    page.feed(body.decode("utf-8", "replace"))
    page.close()
    for line, text in page.scripts:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            notes.flaw(line, "the JSON-LD of the page is no JSON")
            continue
        for thing in _things(document):
            yield from _entry(line, thing, page.canonical or address, notes)


def _entry(line: int, thing: dict[str, Any], address: str, notes: Notes) -> Iterator[Entry]:
    kinds = [kind for kind in _texts(thing.get("@type")) if kind in _KINDS]
    if not kinds:
        return
    ids = [f"{scheme}:{text}" for key, scheme in _IDS.items() for text in _texts(thing.get(key))]
    for key in ("identifier", "sameAs", "@id"):
        ids += _dois(thing.get(key))
    name = next(iter(_texts(thing.get("name")) or _texts(thing.get("headline"))), "")
    if not ids:
        notes.remark(
            line, f"a {kinds[0]} has no ISRC, ISWC, ISBN, ISSN or DOI and is left out: {name[:80]!a}"
        )
        return
    kind, right = _KINDS[kinds[0]]
    url = next(iter(_texts(thing.get("url"))), "") or address
    people = dict.fromkeys(person for key in _PEOPLE for person in _names(thing.get(key)))
    row: dict[str, str | list[str]] = {
        "path": url.partition("#")[0].partition("?")[0],
        "id": ids,
        "title": " ".join(name.split())[:500],
        "contributors": list(people),
        "kind": kind,
        "right": right,
    }
    entry = read_entry(line, row, (row,), notes)
    if entry is not None:
        yield entry


def _things(document: object) -> Iterator[dict[str, Any]]:
    """Yield all objects of a document, each before what lies in it."""
    waiting: list[object] = [document]
    for _ in range(_MOST):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += reversed(list(value.values()))
        elif isinstance(value, list):
            waiting += reversed(value)


def _texts(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [text.strip() for text in found if isinstance(text, str) and text.strip()]


def _dois(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        text = item
        if isinstance(item, dict):
            text = item.get("value")
            if str(item.get("propertyID", "")).lower().rpartition("/")[2] not in ("doi", ""):
                continue
        if isinstance(text, str) and ("doi.org/" in text or text.lower().startswith(("doi:", "10."))):
            try:
                yield parse_identifier("doi", text)
            except IdentifierError:
                continue


def _names(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        name = item.get("name") if isinstance(item, dict) else item
        if isinstance(name, str) and name.strip():
            yield " ".join(name.split())[:500].replace(";", ",")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[tuple[int, str]] = []
        self.canonical = ""
        self._line = 0
        self._parts: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "script" and said.get("type", "").strip().lower() == "application/ld+json":
            self._line, self._parts = self.getpos()[0], []
        elif tag == "link" and "canonical" in said.get("rel", "").lower().split() and not self.canonical:
            self.canonical = said.get("href", "").strip()

    def handle_data(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._parts is not None:
            self.scripts.append((self._line, "".join(self._parts)))
            self._parts = None
