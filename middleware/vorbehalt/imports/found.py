"""What a source from before us holds, as values, and which served path a file stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from vorbehalt.errors import VorbehaltError
from vorbehalt.reservation.terms import Terms

MAX_BODY = 2 << 20
"""Bytes of one document. A crawler reads half a MiB of robots.txt (RFC 9309 section 2.5)."""

HEADERS = ""
"""The document of header sets."""

_WELL_KNOWN = (
    "/robots.txt", "/ai.txt", "/llms.txt", "/license.xml", "/.well-known/tdmrep.json",
    "/.well-known/tdm-policy.json",
)  # fmt: skip
_MEDIA_TYPES = {
    "txt": "text/plain",
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
}

Note = Callable[[str], None]


class SourceError(VorbehaltError):
    """A source cannot be read at all, or is not what it was said to be."""


@dataclass(frozen=True, slots=True)
class Found:
    """One document in one version. Times are nanoseconds UTC; `valid_until` None: nothing says that it ended.

    `document` is the served path, or HEADERS for header sets of captured pages. `detail` says where in the
    source it stands, in values that fit a record.
    """

    document: str
    body: bytes
    media_type: str
    valid_from: int
    valid_until: int | None
    detail: Mapping[str, object] = field(default_factory=dict)


def documents_of(terms: Terms) -> frozenset[str]:
    """Return the served paths that are signal documents: those of the configuration, and the usual ones."""
    return frozenset(
        {
            *_WELL_KNOWN,
            *(getattr(terms, name) for name in Terms.__dataclass_fields__ if name.endswith("_path")),
        }
    )


def served_path(name: str, terms: Terms) -> str | None:
    """Guess the served path of a file by its name; None if it is the name of no signal document."""
    last = name.replace("\\", "/").rpartition("/")[2].lower()
    found = sorted(path for path in documents_of(terms) if path.rpartition("/")[2].lower() == last)
    return found[0] if found else None


def media_type_of(path: str) -> str:
    """Guess the media type by the ending; nobody knows what the server said then."""
    return _MEDIA_TYPES.get(path.rpartition(".")[2].lower(), "application/octet-stream")


def clipped(found: list[Found], since: int | None, until: int | None) -> list[Found]:
    """Keep what holds between two times: what began before begins there, what ends later ends there."""
    kept = []
    for item in found:
        start = item.valid_from if since is None else max(item.valid_from, since)
        ends = [time for time in (item.valid_until, until) if time is not None]
        end = min(ends, default=None)
        if end is None or start < end:
            kept.append(replace(item, valid_from=start, valid_until=end))
    return kept


def iso(seconds: int) -> str:
    """Return whole seconds since 1970 as RFC 3339 text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
