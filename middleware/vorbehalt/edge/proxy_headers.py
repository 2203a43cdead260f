"""Which headers a reverse proxy passes on (RFC 9110 section 7.6.1), in order, repeated ones kept."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.facts import Headers

Pairs = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NEVER_NAMED = frozenset(
    {
        b"content-length",
        b"forwarded",
        b"host",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)
"""What a client must not be able to take away by naming it in Connection."""


def request_headers(
    headers: Iterable[tuple[bytes, bytes]], *, peer: str | None, scheme: str, trusted: bool
) -> Pairs:
    """Return the headers for the upstream. Of X-Forwarded-Proto and -Host, only a trusted peer's stay."""
    received = list(headers)
    drop = _dropped(received) | {b"expect", b"x-forwarded-for"}
    if not trusted:
        drop |= {b"x-forwarded-proto", b"x-forwarded-host"}
    if any(name == b"transfer-encoding" for name, _ in received):
        drop |= {b"content-length"}
    kept = [(name, value) for name, value in received if name not in drop]
    names = {name for name, _ in kept}
    chain = [value for name, value in received if name == b"x-forwarded-for"]
    if peer is not None:
        chain.append(peer.encode("ascii", "replace"))
    if chain:
        kept.append((b"x-forwarded-for", b", ".join(chain)))
    if b"x-forwarded-proto" not in names:
        kept.append((b"x-forwarded-proto", scheme.encode("ascii", "replace")))
    if b"x-forwarded-host" not in names:
        kept += [(b"x-forwarded-host", value) for name, value in received if name == b"host"]
    return kept


def response_headers(headers: Headers, status: int) -> Pairs:
    """Return the headers for the client, names in lower case.

    Without Content-Length where the message has another framing or none: Transfer-Encoding, 1xx, 204, 304.
    """
    received = [(name.lower(), value) for name, value in headers]
    drop = _dropped(received)
    if status in (204, 304) or any(name == b"transfer-encoding" for name, _ in received):
        drop |= {b"content-length"}
    return [(name, value) for name, value in received if name not in drop]


def _dropped(headers: Pairs) -> frozenset[bytes]:
    named = {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }
    return _HOP_BY_HOP | (named - _NEVER_NAMED)
