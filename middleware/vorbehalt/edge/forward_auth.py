"""Forward auth: a proxy asks about a request that it has received, and describes that request in headers.

| proxy | method | target | host, scheme |
| --- | --- | --- | --- |
| nginx (our snippet), Caddy, Traefik | X-Forwarded-Method | X-Forwarded-Uri | X-Forwarded-Host, -Proto |
| nginx (its usual recipe), ingress-nginx | X-Original-Method | X-Original-URI, X-Original-URL | as above |
| Envoy ext_authz with a path prefix | the method itself | what follows the prefix | Host, X-Forwarded-Proto |

All name the request in X-Request-Id, if at all.

A proxy replaces the headers of its own form and passes on a visitor's of another. So where two forms name
different targets or methods, one of them is a visitor's: both are judged, and the stricter verdict holds.

nginx takes 2xx, 401 and 403 for an answer and turns everything else into 500, so a limit is answered 403 with
`X-Vorbehalt-Status: 429`. Proxies that pass a refusal on as it is ask at `/.vorbehalt/auth?limit=429`. Envoy,
whose query is the visitor's, always gets the 429; and 200 where others get 204, its only yes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote_to_bytes

from vorbehalt.edge.client_address import SECRET_HEADER, AddressResolver
from vorbehalt.facts import Visit, host_name, normal_path

AUTH_PATH = "/.vorbehalt/auth"
AUTH_PREFIX = f"{AUTH_PATH}/"

_AUTH = AUTH_PATH.encode()

_METHOD = re.compile(rb"[A-Za-z][A-Za-z-]{0,30}")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^#]*)", re.I)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MAX_TARGET = 65536


@dataclass(frozen=True, slots=True)
class OriginalRequest:
    """The request that the proxy asks about. `host` is lower case without port, `target` the raw target."""

    method: str
    scheme: str
    host: str
    target: bytes


def original_requests(
    headers: Mapping[bytes, bytes], asked: Visit, believed: bool
) -> tuple[OriginalRequest, ...]:
    """Return what the proxy's question is about: one request, or two where two forms contradict each other.

    A peer that is not believed asks about the method, host and root path of the question itself, so that a
    claim in its User-Agent is still judged. Never raises.
    """
    if not believed:
        return (OriginalRequest(asked.method, asked.scheme, asked.host, b"/"),)
    after = _after_prefix(asked.target) or b"/"
    if len(after) > 1:
        return (_request(headers, asked, b"", after, asked.host.encode("latin-1", "replace")),)
    host = _last(headers, b"x-forwarded-host")
    forms = [
        (_last(headers, b"x-forwarded-method"), headers.get(b"x-forwarded-uri", b"")),
        (
            _last(headers, b"x-original-method"),
            headers.get(b"x-original-uri") or headers.get(b"x-original-url", b""),
        ),
    ]
    (first_method, first_target), (other_method, other_target) = forms
    found = _request(
        headers, asked, first_method or other_method, first_target or other_target or after, host
    )
    if not ((first_method and other_method) or (first_target and other_target)):
        return (found,)
    other = _request(
        headers, asked, other_method or first_method, other_target or first_target or after, host
    )
    return (found,) if other == found else (found, other)


def original_method(headers: Mapping[bytes, bytes], asked: str) -> str:
    """Return the method of the request that a question of the first form is about."""
    method = _last(headers, b"x-forwarded-method")
    return method.decode("ascii").upper() if _METHOD.fullmatch(method) else asked


def _request(
    headers: Mapping[bytes, bytes], asked: Visit, method: bytes, target: bytes, host: bytes
) -> OriginalRequest:
    scheme = _last(headers, b"x-forwarded-proto").lower() or _last(headers, b"x-forwarded-scheme").lower()
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


def forwarded_visits(asked: Visit, addresses: AddressResolver) -> tuple[Visit, ...]:
    """Return the visit that a proxy asks about, from the visit that its question is. Never raises.

    Two where two forms contradict each other: then whoever is refused in one of them is refused.
    """
    headers = dict(asked.headers)
    believed = addresses.believes(asked.client.peer, headers)
    request_id = headers.get(b"x-request-id", b"") if believed else b""
    told = replace(
        asked,
        headers=tuple(pair for pair in asked.headers if pair[0] != SECRET_HEADER),
        vantage="forward-auth",
        request_id=request_id.decode("ascii") if _REQUEST_ID.fullmatch(request_id) else "",
    )
    return tuple(
        replace(
            told,
            method=original.method,
            scheme=original.scheme,
            host=original.host,
            path=_path_of(original.target),
            target=original.target,
        )
        for original in original_requests(headers, asked, believed)
    )


def limit_status(asked: Visit) -> int:
    """Return the status for a limit that the asking proxy can handle: 403, or 429 where it said so."""
    if _after_prefix(asked.target):
        return 429
    query = asked.target.partition(b"?")[2][:1024].decode("latin-1")
    return 429 if parse_qs(query).get("limit") == ["429"] else 403


def allowed_status(asked: Visit) -> int:
    """Return the status by which the asking proxy knows that a request may pass."""
    return 200 if _after_prefix(asked.target) else 204


def _path_of(target: bytes) -> str:
    return normal_path(unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace"))


def _last(headers: Mapping[bytes, bytes], name: bytes) -> bytes:
    """The value that the nearest proxy wrote."""
    return headers.get(name, b"").rpartition(b",")[2].strip()


def _after_prefix(target: bytes) -> bytes:
    """What Envoy puts behind its prefix, the visitor's target; empty where the path itself is asked for."""
    rest = target[len(_AUTH) :] if target.startswith(_AUTH) else b""
    return rest if rest.startswith(b"/") else b""
