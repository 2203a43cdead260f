"""A sitemap as a catalogue: each page whose address has the form of a URL pattern is a work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from vorbehalt.works.entry import Entry, Notes, Place, Work
from vorbehalt.works.fields import MAX_TEXT, read_place
from vorbehalt.works.pattern import UrlPattern, work_by

_CHUNK = 64 * 1024
_TITLES = ("image:title", "video:title", "news:title")
_MAX_LOC = 4096


class _Refused(Exception):
    """The document is of a kind that is not read."""


def read_sitemap(stream: BinaryIO, patterns: tuple[UrlPattern, ...], notes: Notes) -> Iterator[Entry]:
    """Yield an entry for each `loc` that a pattern knows; the title of its image or video becomes its own.

    Pages that no pattern knows are counted in one remark. No entity is ever expanded; a sitemap index is
    refused with a sentence. Streams.
    """
    if not patterns:
        notes.flaw(
            0, 'a sitemap says which pages there are, not which works: set works.patterns, "/songs/{id}"'
        )
        return
    reader = _Reader(patterns, notes)
    try:
        while chunk := stream.read(_CHUNK):
            reader.parser.Parse(chunk, False)
            yield from reader.take()
        reader.parser.Parse(b"", True)
        yield from reader.take()
    except _Refused as error:
        notes.flaw(reader.parser.CurrentLineNumber, str(error))
    except expat.ExpatError as error:
        notes.flaw(error.lineno, f"the file is no XML from here on: {expat.ErrorString(error.code)}")
    if reader.others:
        notes.remark(0, f"{reader.others} pages of the sitemap have the form of no pattern")


class _Reader:
    def __init__(self, patterns: tuple[UrlPattern, ...], notes: Notes) -> None:
        self._patterns = patterns
        self._notes = notes
        self._found: list[Entry] = []
        self._inside: list[str] = []
        self._texts: dict[str, str] = {}
        self._line = 0
        self.others = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._doctype

    def take(self) -> list[Entry]:
        found, self._found = self._found, []
        return found

    def _doctype(self, *_: object) -> None:
        raise _Refused("a sitemap has no DOCTYPE")

    def _start(self, name: str, _: object) -> None:
        if not self._inside and name != "urlset":
            hint = "; name the sitemaps that it lists" if name == "sitemapindex" else ""
            raise _Refused(f"the document is a {name[:40]}, no urlset{hint}")
        if len(self._inside) > 16:
            raise _Refused("the document is nested too deeply")
        self._inside.append(name)
        if name == "url":
            self._texts = {}
            self._line = self.parser.CurrentLineNumber

    def _data(self, text: str) -> None:
        name = self._inside[-1] if self._inside else ""
        if name == "loc" or name in _TITLES:
            self._texts[name] = (self._texts.get(name, "") + text)[:_MAX_LOC]

    def _end(self, name: str) -> None:
        self._inside.pop()
        if name != "url":
            return
        loc = self._texts.get("loc", "").strip()
        try:
            place = read_place(loc)
        except ValueError as error:
            self._notes.flaw(self._line, f"loc {loc[:80]!a} {error}")
            return
        work = work_by(self._patterns, place.path)
        if work is None:
            self.others += 1
            return
        title = next((self._texts[name] for name in _TITLES if name in self._texts), "")
        title = " ".join(title.split())[:MAX_TEXT]
        self._found.append(Entry(self._line, Work((work,), title), (Place(place.path, place.host),)))
