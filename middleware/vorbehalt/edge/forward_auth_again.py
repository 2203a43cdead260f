"""Questions of a proxy that need no thought: an ordinary visitor on a path that was asked about before.

The answer is built once per path, as the middleware itself remembers what ordinary visitors get. Anything
out of the ordinary (a crawler, a signature, the headers of another form, a peer that needs the secret) is
looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vorbehalt.edge.forward_auth import AUTH_PATH, AUTH_PREFIX, allowed_status, original_method
from vorbehalt.edge.live import HostCache, Live, Reader, make_room
from vorbehalt.facts import Visit

_ASKED = 8192
_LONGEST = 1024
_PEERS = 64
_UNKNOWN: Any = object()
_AUTH_PATH, _AUTH_PREFIX = AUTH_PATH.encode(), AUTH_PREFIX.encode()
_ARE_OTHER_FORM = frozenset({b"x-original-uri", b"x-original-url", b"x-original-method", b"signature-input"})
_STATUS_LINES = {200: b"HTTP/1.1 200 OK\r\n", 204: b"HTTP/1.1 204 No Content\r\n"}

Key = tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """What is counted, and the answer: as a message, whose headers are copied for each, and as octets.

    `head` is status line and header lines, without the empty line that ends them.
    """

    cache: HostCache
    reader: Reader
    status: int
    headers: list[tuple[bytes, bytes]]
    head: bytes

    def start(self) -> dict[str, Any]:
        """The message that begins the answer."""
        return {"type": "http.response.start", "status": self.status, "headers": self.headers.copy()}


def _key_of(raw_path: bytes, headers: Mapping[bytes, bytes]) -> Key | None:
    """Under what a question is kept: all that its host and path depend on; None if in ways not compared."""
    if raw_path == _AUTH_PATH:
        if not _ARE_OTHER_FORM.isdisjoint(headers):
            return None
        target = headers.get(b"x-forwarded-uri", b"")
        host = headers.get(b"x-forwarded-host", b"")
    elif (
        raw_path.startswith(_AUTH_PREFIX)
        and len(raw_path) > len(_AUTH_PREFIX)
        and b"signature-input" not in headers
    ):
        target, host = raw_path, b""
    else:
        return None
    return (host, headers.get(b"host", b""), target.partition(b"?")[0]) if target else None


def peer_of(client: Any) -> str | None:
    """The socket peer, empty for a unix socket; None where a server may have put another in its place."""
    if not client:
        return ""
    return client[0] if len(client) > 1 and client[1] else None


def again(live: Live, scope: Any) -> ReadyAnswer | None:
    """Count a question that was answered before and return the answer; None if it must be looked at."""
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]):
        return None
    raw_path = scope.get("raw_path")
    if type(raw_path) is not bytes:
        return None
    client, peer = scope.get("client"), peer_of(scope.get("client"))
    if peer is None or peer not in live.asking_peers:
        return None
    if live.known.get(headers.get(b"user-agent"), _UNKNOWN) is not None:  # type: ignore[arg-type]
        return None
    return ordinary(live, client, scope["method"], raw_path, scope.get("query_string") or b"", headers)


def ordinary(
    live: Live, client: Any, method: str, raw_path: bytes, query: bytes, headers: dict[bytes, bytes]
) -> ReadyAnswer | None:
    """Count an ordinary visitor on a path that was asked about before; None if it must be looked at.

    Only for the question of a peer in `live.asking_peers` about a known User-Agent that claims nothing.
    """
    # `path_of` and `original_method` for nearly all questions, without the calls: what `_key_of` compares.
    host = headers.get(b"host", b"")
    if raw_path == _AUTH_PATH:
        if (
            b"x-original-uri" in headers
            or b"x-original-url" in headers
            or b"x-original-method" in headers
            or b"signature-input" in headers
        ):
            return None
        path, _, query = headers.get(b"x-forwarded-uri", b"").partition(b"?")
        told_host = headers.get(b"x-forwarded-host", b"")
        ready = live.asked.get((told_host, host, path))
        host = told_host or host
        told = headers.get(b"x-forwarded-method")
        method = "GET" if told == b"GET" else original_method(headers, method)
    else:
        ready = path_of(live, raw_path, headers)
    if ready is None:
        return None
    glance = live.glance
    if glance is not None and not glance.passes(client, headers, ready.reader, method, query, host):
        return None
    referer = headers.get(b"referer")
    # What comes from the site itself was sent by nobody else.
    if referer is not None and headers.get(b"sec-fetch-site") != b"same-origin":
        live.count_referral(referer)
    cells = live.counters.cells
    for cell in ready.reader.cells:
        cells[cell] += 1
    return ready


def path_of(live: Live, raw_path: bytes, headers: Mapping[bytes, bytes]) -> ReadyAnswer | None:
    """What is known of the path that is asked about."""
    key = _key_of(raw_path, headers)
    return None if key is None else live.asked.get(key)


def remember(live: Live, scope: Any, asked: Visit, visit: Visit) -> ReadyAnswer | None:
    """Keep what an ordinary visitor gets on the path that was asked about, and return it."""
    headers = dict(asked.headers)
    peer = peer_of(scope.get("client"))
    raw_path = scope.get("raw_path")
    key = _key_of(raw_path, headers) if type(raw_path) is bytes else None
    if peer is None or key is None or len(headers) != len(asked.headers) or sum(map(len, key)) > _LONGEST:
        return None
    if not live.addresses.trusts(asked.client.peer) or asked.client.source == "untrusted":
        return None
    cache = live.caches[id(live.engine.plan(visit.host))]
    reader = live.learn_reader(cache, visit.path, visit.path)
    if reader is None:
        return None
    status = allowed_status(asked)
    told = [*reader.section.headers, (b"cache-control", b"no-store")]
    if status == 200:
        told.append((b"content-length", b"0"))
    make_room(live.asked, _ASKED)
    head = _STATUS_LINES[status] + b"".join([b"%b: %b\r\n" % pair for pair in told])
    ready = live.asked[key] = ReadyAnswer(cache, reader, status, told, head)
    if len(live.asking_peers) < _PEERS:
        live.asking_peers.add(peer)
    return ready
