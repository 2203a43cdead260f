"""Questions of a proxy that need no thought: an ordinary visitor on a path that was asked about before.

The answer is built once per path, as the middleware itself remembers what ordinary visitors get. Anything
out of the ordinary (a crawler, a signature, the headers of another form, a peer that needs the secret) is
looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vorbehalt.edge.forward_auth import AUTH_PATH, AUTH_PREFIX, allowed_status
from vorbehalt.edge.live import Live, Reader, make_room
from vorbehalt.facts import Visit

_ASKED = 8192
_LONGEST = 1024
_PEERS = 64
_UNKNOWN: Any = object()
_OTHER_FORM = (b"x-original-uri", b"x-original-url", b"x-original-method", b"signature-input")

Key = tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """What is counted, and the message that begins the answer; its headers are copied for each."""

    reader: Reader
    status: int
    headers: list[tuple[bytes, bytes]]


def _key_of(scope: Any, headers: Mapping[bytes, bytes]) -> Key | None:
    """Under what a question is kept: all that its host and path depend on; None if in ways not compared."""
    path = scope["path"]
    if path == AUTH_PATH:
        if any(name in headers for name in _OTHER_FORM):
            return None
        target = headers.get(b"x-forwarded-uri", b"")
        host = headers.get(b"x-forwarded-host", b"")
    elif path.startswith(AUTH_PREFIX) and len(path) > len(AUTH_PREFIX) and b"signature-input" not in headers:
        target, host = scope.get("raw_path") or b"", b""
    else:
        return None
    return (host, headers.get(b"host", b""), target.partition(b"?")[0]) if target else None


def _peer_of(scope: Any) -> str | None:
    """The socket peer, empty for a unix socket; None where a server may have put another in its place."""
    client = scope.get("client")
    if not client:
        return ""
    return client[0] if len(client) > 1 and client[1] else None


def again(live: Live, scope: Any) -> ReadyAnswer | None:
    """Count a question that was answered before and return the answer; None if it must be looked at."""
    peer = _peer_of(scope)
    if peer is None or peer not in live.asking_peers:
        return None
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]):
        return None
    if live.known.get(headers.get(b"user-agent"), _UNKNOWN) is not None:  # type: ignore[arg-type]
        return None
    key = _key_of(scope, headers)
    ready = None if key is None else live.asked.get(key)
    if ready is None:
        return None
    if b"referer" in headers:
        live.count_referral(headers[b"referer"])
    cells = live.counters.cells
    for cell in ready.reader.cells:
        cells[cell] += 1
    return ready


def remember(live: Live, scope: Any, asked: Visit, visit: Visit) -> None:
    """Keep what an ordinary visitor gets on the path that was asked about."""
    headers = dict(asked.headers)
    peer, key = _peer_of(scope), _key_of(scope, headers)
    if peer is None or key is None or len(headers) != len(asked.headers) or sum(map(len, key)) > _LONGEST:
        return
    if not live.addresses.trusts(asked.client.peer) or asked.client.source == "untrusted":
        return
    cache = live.caches[id(live.engine.plan(visit.host))]
    reader = live.learn_reader(cache, visit.path, visit.path)
    if reader is None:
        return
    status = allowed_status(asked)
    told = [*reader.section.headers, (b"cache-control", b"no-store")]
    if status == 200:
        told.append((b"content-length", b"0"))
    make_room(live.asked, _ASKED)
    live.asked[key] = ReadyAnswer(reader, status, told)
    if len(live.asking_peers) < _PEERS:
        live.asking_peers.add(peer)
