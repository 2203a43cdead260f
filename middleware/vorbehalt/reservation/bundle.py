"""All signals of one host, rendered once and reused as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vorbehalt.facts import Headers


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
