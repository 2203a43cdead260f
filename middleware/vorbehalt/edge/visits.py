"""From an ASGI scope to a Visit. Nothing in a scope is trusted to be well formed."""

from __future__ import annotations

from time import time_ns
from typing import Any
from urllib.parse import quote

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.facts import Headers, Vantage, Visit, host_name, normal_path


def visit_of(
    scope: Any, addresses: AddressResolver, vantage: Vantage = "app", *, received_at: int | None = None
) -> Visit:
    """Build the Visit of an http or websocket scope, received now or at a time given (nanoseconds UTC)."""
    headers: Headers = tuple(
        [
            (key, value)
            if type(key) is bytes is type(value) and key.islower()
            else (bytes(key).lower(), bytes(value))
            for key, value in scope.get("headers") or ()
        ]
    )
    is_websocket = scope["type"] == "websocket"
    path = path_of(scope)
    raw = _octets(scope.get("raw_path")) or quote(path, safe="/%", errors="surrogatepass").encode("ascii")
    query = _octets(scope.get("query_string"))
    host = next((value for key, value in headers if key == b"host"), b"")
    return Visit(
        received_at=time_ns() if received_at is None else received_at,
        method="GET" if is_websocket else str(scope.get("method") or "GET"),
        scheme=str(scope.get("scheme") or ("ws" if is_websocket else "http")),
        host=host_name(host),
        path=normal_path(without_authority(path), str(scope.get("root_path") or "")),
        target=raw + b"?" + query if query else raw,
        http_version=str(scope.get("http_version") or ""),
        headers=headers,
        client=addresses.resolve(scope.get("client"), headers),
        is_websocket=is_websocket,
        vantage=vantage,
    )


def path_of(scope: Any) -> str:
    """Return the decoded path of a scope as it stands there, `/` where there is none."""
    return str(scope.get("path") or "/")


def _octets(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return bytes(value) if value else b""


def without_authority(path: str) -> str:
    """Reduce an absolute-form target (RFC 9112 section 3.2.2) to its path; the Host header picks the host."""
    if path.startswith("/"):
        return path
    for prefix in ("http://", "https://"):
        if path[:8].lower().startswith(prefix):
            rest = path[len(prefix) :]
            slash = rest.find("/")
            return rest[slash:] if slash >= 0 else "/"
    return path
