"""One question to a site and the answer as it came over the wire. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from vorbehalt.facts import Headers

Kind = Literal[
    "robots", "tdmrep", "policy", "rsl", "terms", "page", "image", "media", "style", "script", "feed", "pdf",
    "sitemap", "path", "missing", "llms", "other"
]  # fmt: skip
"""What was asked for. `path` was named by the person who asks, `missing` is an address that leads nowhere."""

DOCUMENTS: tuple[Kind, ...] = ("robots", "tdmrep", "policy", "rsl", "terms")

Variant = Literal[
    "plain", "head", "conditional", "fresh", "again", "compressed", "part", "options", "browser", "markdown"
]
"""How it was asked for. `fresh` goes past a cache by a query of its own, `again` repeats `plain`."""

Truncated = Literal["", "length", "time", "disconnect"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer, or no whole one: a stable code and a sentence."""

    code: str
    """dns, refused, tls, time-out, reset, not-http, malformed, cut-off."""
    message: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """`request` and `received` are the bytes of the connection; `head` is how many of the latter are headers.

    `status` is 0 where nothing could be read. `headers` are the lines as they came, names in lower case.
    `body` is without transfer coding and gzip, at most as long as the reader's limit; `entity` still has its
    content coding. `started_at` is nanoseconds UTC, `address` the server's.
    """

    kind: Kind
    variant: Variant
    method: str
    url: str
    started_at: int
    request: bytes
    received: bytes = b""
    head: int = 0
    status: int = 0
    headers: Headers = ()
    entity: bytes = field(default=b"", repr=False)
    body: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    truncated: Truncated = ""
    address: str = ""
    asked_path: str = ""
    """The path without what was added to go past a cache; with the site's own query."""

    @property
    def path(self) -> str:
        """The path on the site, with its query."""
        if self.asked_path:
            return self.asked_path
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def origin(self) -> str:
        """Scheme and authority that were asked."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """All lines of a header, in order."""
        return tuple(value for key, value in self.headers if key == name)

    def text(self, name: bytes) -> str:
        """A header's lines joined as RFC 9110 section 5.3 does; empty if there is none."""
        return ", ".join(value.decode("latin-1") for value in self.values(name))

    @property
    def media_type(self) -> str:
        """The media type in lower case without parameters."""
        return self.text(b"content-type").partition(";")[0].strip().lower()

    @property
    def is_redirect(self) -> bool:
        return self.status in (301, 302, 303, 307, 308) and bool(self.values(b"location"))

    @property
    def was_answered(self) -> bool:
        """True if status and headers could be read, whatever became of the body."""
        return self.status > 0
