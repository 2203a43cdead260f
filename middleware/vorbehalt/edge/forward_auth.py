"""Forward auth: a proxy asks about a request that it has received, and describes that request in headers.

| proxy | method | target | host, scheme |
| --- | --- | --- | --- |
| nginx (our snippet), Caddy, Traefik | X-Forwarded-Method | X-Forwarded-Uri | X-Forwarded-Host, -Proto |
| nginx (its usual recipe), ingress-nginx | X-Original-Method | X-Original-URI, X-Original-URL | as above |
| Envoy ext_authz with a path prefix | the method itself | what follows the prefix | Host, X-Forwarded-Proto |

nginx takes 2xx, 401 and 403 for an answer and turns everything else into 500, so a limit is answered 403 with
`X-Vorbehalt-Status: 429`. Proxies that pass a refusal on as it is ask at `/.vorbehalt/auth?limit=429`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote_to_bytes

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.facts import Visit, host_name, normal_path

AUTH_PATH = b"/.vorbehalt/auth"

_METHOD = re.compile(rb"[A-Za-z][A-Za-z-]{0,30}")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^#]*)", re.I)
_MAX_TARGET = 65536


@dataclass(frozen=True, slots=True)
class OriginalRequest:
    """The request that the proxy asks about. `host` is lower case without port, `target` the raw target."""

    method: str
    scheme: str
    host: str
    target: bytes


def original_visit_parts(headers: Mapping[bytes, bytes], asked: Visit, trusted: bool) -> OriginalRequest:
    """Return what the proxy's question is about.

    An untrusted peer is not believed: its question is about the method, host and root path of the question
    itself, so that a claim in its User-Agent is still judged. Never raises.
    """
    if not trusted:
        return OriginalRequest(asked.method, asked.scheme, asked.host, b"/")
    method = _last(headers, b"x-forwarded-method") or _last(headers, b"x-original-method")
    scheme = _last(headers, b"x-forwarded-proto").lower() or _last(headers, b"x-forwarded-scheme").lower()
    host = _last(headers, b"x-forwarded-host")
    target = (
        headers.get(b"x-forwarded-uri")
        or headers.get(b"x-original-uri")
        or headers.get(b"x-original-url")
        or _after_prefix(asked.target)
    )
    if absolute := _ABSOLUTE.fullmatch(target):
        scheme = scheme or absolute[1].lower()
        host = host or absolute[2]
        target = absolute[3] if absolute[3].startswith(b"/") else b"/" + absolute[3]
    return OriginalRequest(
        method=method.decode("ascii").upper() if _METHOD.fullmatch(method) else asked.method,
        scheme=scheme.decode("ascii") if scheme in (b"http", b"https", b"ws", b"wss") else asked.scheme,
        host=host_name(host) if host else asked.host,
        target=target[:_MAX_TARGET] if target.startswith(b"/") else b"/",
    )


def forwarded_visit(asked: Visit, addresses: AddressResolver) -> Visit:
    """Return the visit that a proxy asks about, from the visit that its question is. Never raises."""
    original = original_visit_parts(dict(asked.headers), asked, addresses.trusts(asked.client.peer))
    path = unquote_to_bytes(original.target.partition(b"?")[0]).decode("utf-8", "replace")
    return replace(
        asked,
        method=original.method,
        scheme=original.scheme,
        host=original.host,
        path=normal_path(path),
        target=original.target,
        vantage="forward-auth",
    )


def limit_status(asked: Visit) -> int:
    """Return the status for a limit that the asking proxy can handle: 403, or 429 where it said so."""
    query = asked.target.partition(b"?")[2][:1024].decode("latin-1")
    return 429 if parse_qs(query).get("limit") == ["429"] else 403


def _last(headers: Mapping[bytes, bytes], name: bytes) -> bytes:
    """The value that the nearest proxy wrote."""
    return headers.get(name, b"").rpartition(b",")[2].strip()


def _after_prefix(target: bytes) -> bytes:
    rest = target[len(AUTH_PATH) :] if target.startswith(AUTH_PATH) else b""
    return rest if rest.startswith(b"/") else b"/"
