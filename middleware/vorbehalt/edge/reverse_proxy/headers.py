"""Which headers a reverse proxy passes on (RFC 9110 section 7.6.1), in order, repeated ones kept."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.edge.client_address import SECRET_HEADER

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
_OURS = frozenset({b"expect", SECRET_HEADER})
"""What is said to us and to nobody behind us."""
_IN_DISGUISE = frozenset(
    name.replace(b"-", b"_")
    for name in (_HOP_BY_HOP | _NEVER_NAMED | {b"x-real-ip", b"content-type"})
    if b"-" in name
)
"""CGI and WSGI know no difference between `-` and `_`: with these a client could set what a proxy sets."""


def request_headers(
    headers: Iterable[tuple[bytes, bytes]], *, peer: str | None, scheme: str, trusted: bool
) -> Pairs:
    """Return the headers for the upstream. Of X-Forwarded-Proto and -Host, only a trusted peer's stay."""
    received = list(headers)
    dropped = _dropped(received)
    kept: Pairs = []
    chain: list[bytes] = []
    has_proto = has_host = False
    host: list[bytes] = []
    is_chunked = any(name == b"transfer-encoding" for name, _ in received)
    for pair in received:
        name = pair[0]
        if name == b"x-forwarded-for":
            chain.append(pair[1])
        elif name == b"x-forwarded-proto":
            if trusted:
                has_proto = True
                kept.append(pair)
        elif name == b"x-forwarded-host":
            if trusted:
                has_host = True
                kept.append(pair)
        elif (
            name in dropped
            or name in _OURS
            or (is_chunked and name == b"content-length")
            or (b"_" in name and name in _IN_DISGUISE)
        ):
            continue
        else:
            if name == b"host":
                host.append(pair[1])
            kept.append(pair)
    if is_chunked:
        kept.append((b"transfer-encoding", b"chunked"))
    if peer is not None:
        chain.append(peer.encode("ascii", "replace"))
    if chain:
        kept.append((b"x-forwarded-for", b", ".join(chain)))
    if not has_proto:
        kept.append((b"x-forwarded-proto", scheme.encode("ascii", "replace")))
    if not has_host:
        kept += [(b"x-forwarded-host", value) for value in host]
    return kept


def response_headers(headers: Iterable[tuple[bytes, bytes]], status: int) -> Pairs:
    """Return the headers for the client, names in lower case.

    Without Content-Length where the message has another framing or none: Transfer-Encoding, 1xx, 204, 304.
    """
    received = [(name.lower(), value) for name, value in headers]
    dropped = _dropped(received)
    if status in (204, 304) or any(name == b"transfer-encoding" for name, _ in received):
        dropped |= {b"content-length"}
    return [pair for pair in received if pair[0] not in dropped]


def _dropped(headers: Pairs) -> frozenset[bytes]:
    named = [value for name, value in headers if name == b"connection"]
    if not named or named == [b"keep-alive"]:
        return _HOP_BY_HOP
    tokens = {token.strip().lower() for value in named for token in value.split(b",")}
    return _HOP_BY_HOP | (tokens - _NEVER_NAMED)
