"""What kind of thing a request asks for, by its path and query alone: a page, a medium, a search, a feed."""

from __future__ import annotations

from typing import Literal

RequestClass = Literal["pages", "media", "search", "feeds"]

_PICTURES = frozenset(
    {"avif", "bmp", "gif", "heic", "ico", "jpeg", "jpg", "png", "svg", "tif", "tiff", "webp"}
)
_SOUNDS = frozenset(
    {"aac", "aif", "aiff", "flac", "m4a", "mid", "midi", "mp3", "oga", "ogg", "opus", "wav", "wma"}
)
_FILMS = frozenset({"m3u8", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "webm"})
_MEDIA = _PICTURES | _SOUNDS | _FILMS | {"pdf", "zip"}
_FEED_ENDS = frozenset({"rss", "atom", "rdf"})
_FEED_NAMES = frozenset({"feed", "feeds", "rss", "atom", "feed.xml", "rss.xml", "atom.xml", "feed.json"})
_SEARCH_NAMES = frozenset({"search", "suche", "recherche", "buscar", "zoeken", "cerca"})
_SEARCH_KEYS = (b"q=", b"query=", b"search=", b"search_query=")


def class_of(path: str, target: bytes) -> RequestClass:
    """Return the class of a normal path and its raw target with the query. What is nothing else is a page.

    A search is a path with such a name, or a query as search forms send it (`?q=`, WordPress `/?s=`).
    """
    names = path.rstrip("/").lower().rsplit("/", 2)
    last = names[-1]
    end = last.rpartition(".")[2] if "." in last else ""
    if end in _MEDIA:
        return "media"
    if end in _FEED_ENDS or last in _FEED_NAMES:
        return "feeds"
    if last in _SEARCH_NAMES or (len(names) > 1 and names[-2] in _SEARCH_NAMES):
        return "search"
    query = target.partition(b"?")[2]
    if query and any(
        pair.startswith(_SEARCH_KEYS) or (pair.startswith(b"s=") and path.endswith("/"))
        for pair in query.split(b"&")
    ):
        return "search"
    return "pages"
