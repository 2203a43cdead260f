"""What others say about a claim, as values: reverse DNS and signatures. Looked up elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """Forward-confirmed reverse DNS of one address (RFC 1912 section 2.1: PTR and A/AAAA match).

    closed: a name of the address leads back to it; `names` are those that do, lower case without final dot.
    open: there are names, none leads back. absent: there is no name (NXDOMAIN, no PTR). failed: no answer in
    time, or a server failure: says nothing. `asked_at` is nanoseconds UTC, `ttl_seconds` the smallest seen.
    """

    outcome: Literal["closed", "open", "absent", "failed"]
    names: tuple[str, ...]
    asked_at: int
    ttl_seconds: int
    authenticated: bool = False
    """The resolver vouched for DNSSEC (AD bit) in every answer used."""

    def closes_under(self, suffixes: tuple[str, ...]) -> str:
        """Return the first confirmed name that ends in one of the suffixes (with a leading dot), or ""."""
        if self.outcome != "closed":
            return ""
        return next((name for name in self.names if any(("." + name).endswith(s) for s in suffixes)), "")


@dataclass(frozen=True, slots=True)
class SignatureAnswer:
    """Outcome of a Web Bot Auth signature (RFC 9421, draft-ietf-webbotauth-httpsig-protocol).

    verified: a key of `agent` (the https origin of the directory) made it for this request. invalid: it does
    not hold. unverified: it could not be checked (key not fetched yet, unknown form); says nothing.
    `base` and `jwk` allow anybody to check it again years later.
    """

    outcome: Literal["verified", "invalid", "unverified"]
    agent: str
    thumbprint: str
    how: str
    base: bytes = b""
    jwk: str = ""
    directory_digest: str = ""
    """SHA-256 hex of the directory as fetched; an object of that name is kept."""
    signature: bytes = b""
    """The signature itself, over `base`."""


@dataclass(frozen=True, slots=True)
class Answers:
    """All that others say about one request. `awaited` holds `rdns` while its answer is on its way."""

    dns: DnsAnswer | None = None
    signature: SignatureAnswer | None = None
    awaited: frozenset[str] = frozenset()


NO_ANSWERS = Answers()
