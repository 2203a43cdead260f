"""Values that every room shares: what was seen of one request. Pure; times are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Headers = tuple[tuple[bytes, bytes], ...]
"""Header pairs as received, in order, names in lower case."""


class Purpose(StrEnum):
    """What a crawler fetches for."""

    TRAINING = "training"
    DATASET = "dataset"
    SEARCH = "search"
    """Index of an AI answer engine; people read "AI search index"."""
    USER_FETCH = "user-fetch"
    AGENT = "agent"
    SEARCH_ENGINE = "search-engine"
    PREVIEW = "preview"
    ARCHIVER = "archiver"
    MONITOR = "monitor"
    FEED = "feed"
    SEO = "seo"
    TOOL = "tool"
    HEADLESS = "headless"
    UNDOCUMENTED = "undocumented"


AI_PURPOSES = frozenset(
    {
        Purpose.TRAINING,
        Purpose.DATASET,
        Purpose.SEARCH,
        Purpose.USER_FETCH,
        Purpose.AGENT,
        Purpose.UNDOCUMENTED,
    }
)
"""No byte of an answer to these leaves before its record is durable."""


class Standing(StrEnum):
    """What could be established about a claim (evidence levels V3, V2, V1, V0, VX, VU)."""

    SIGNED = "signed"
    VERIFIED = "verified"
    CONSISTENT = "consistent"
    CLAIMED = "claimed"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What is done with a request. `allow` means it was answered; it grants no permission."""

    ALLOW = "allow"
    LIMIT = "limit"
    CHALLENGE = "challenge"
    BLOCK = "block"


AddressSource = Literal["direct", "proxy-asserted", "untrusted", "none"]
Vantage = Literal["app", "reverse-proxy", "forward-auth", "log"]


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """The client's network address as far as it can be known.

    `text` is the canonical form without port or zone, IPv4-mapped IPv6 unmapped; None when unknown.
    `peer` is the socket peer's text; `chain` the raw forwarded header values joined by `, `.
    `is_global`: globally routable. Only a global and trusted address may contradict a claim or key a limit.
    """

    text: str | None
    source: AddressSource
    is_global: bool = False
    peer: str | None = None
    chain: bytes = b""

    @property
    def is_usable(self) -> bool:
        """True if this address may verify or contradict a claim, or be the key of a limit."""
        return self.is_global and self.source in ("direct", "proxy-asserted")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request as seen, before any judgement.

    `received_at` is wall-clock nanoseconds UTC. `path` is for matching only: root_path stripped, decoded
    once, `//` and dot segments collapsed. `target` is the raw request target with its query.
    """

    received_at: int
    method: str
    scheme: str
    host: str
    path: str
    target: bytes
    http_version: str
    headers: Headers
    client: ClientAddress
    is_websocket: bool = False
    vantage: Vantage = "app"
    request_id: str = ""
    """The name that a proxy of the site's own gave the request, by which its access log is joined."""

    def header(self, name: bytes) -> bytes:
        """All values of a header joined by `, ` (RFC 9110 section 5.2); empty if absent."""
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else b", ".join(found)


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one detector: what was seen, and what a client of the claimed kind sends."""

    id: str
    weight: int
    observed: str
    expected: str
    family: str = ""


def normal_path(path: str, root_path: str = "") -> str:
    """Normalise a decoded path for matching only: strip the mount, collapse `//` and dot segments.

    The result starts with `/`. A trailing slash is kept. Backslashes are not path separators (RFC 3986).
    """
    if root_path and (path == root_path or path.startswith(root_path.rstrip("/") + "/")):
        path = path[len(root_path.rstrip("/")) :]
    if not path.startswith("/"):
        path = "/" + path
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            if kept:
                kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    tail = "/" if parts[-1] in ("", ".", "..") and kept else ""
    return "/" + "/".join(kept) + tail


def host_name(authority: bytes) -> str:
    """Return the host of a Host header value: lower case, without port; never raises."""
    text = authority.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[: text.find("]") + 1] or text
    host, colon, port = text.rpartition(":")
    return (host if colon and (not port or port.isdigit()) else text).rstrip(".")
