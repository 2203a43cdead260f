"""Conduct on the short way: is this one more request of a known client that gave no reason to look twice?"""

from __future__ import annotations

from collections.abc import Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from vorbehalt.edge.client_address import AddressResolver, names_no_port_of
from vorbehalt.engine import Conduct
from vorbehalt.facts import ClientAddress, host_name
from vorbehalt.patterns.clients import client_key, prefix_of
from vorbehalt.patterns.fingerprint import fingerprint_of
from vorbehalt.patterns.seen import DOCUMENT_DESTS, is_secure

if TYPE_CHECKING:
    from vorbehalt.edge.live import Reader

_USABLE = ("direct", "proxy-asserted")
"""As `ClientAddress.is_usable` has it, which is too slow to ask here."""
_KEYS = 16_384
_LONGEST = 1_024
_NOBODY: Final = -1
"""In the place of a key: no usable address, so that there is no client whose conduct could be told."""

_NO_PORTS: Final = (0, "0")


class Glance:
    """Counts the ordinary requests of known clients; everything else has to be looked at.

    Whoever has no usable address is no client whose conduct could be told: nothing is counted, and it passes.
    A client that was looked at without finding anything is looked at again only after a few pages.

    Keys are remembered by all that they depend on: socket peer, X-Forwarded-For, User-Agent, Accept-Language.
    Where an address may depend on more (another header that tells one, a secret, a port that no connection
    has) it is worked out each time. At most 16,384 keys of at most 1 KiB are kept.
    """

    __slots__ = ("_fast", "_is_calm", "_is_plain", "_keys", "_resolve", "conduct")

    def __init__(self, conduct: Conduct, addresses: AddressResolver) -> None:
        self.conduct = conduct
        self._fast = conduct.watch.short.fast
        self._is_calm = conduct.watch.short.is_calm
        self._resolve = addresses.resolve
        self._is_plain = addresses.is_plain
        self._keys: dict[tuple[str | None, bytes | None, bytes | None, bytes | None], int] = {}

    def passes(
        self,
        client: Any,
        headers: Mapping[bytes, bytes],
        known: Reader,
        method: str,
        query: bytes | None,
        host: bytes | None = None,
    ) -> bool:
        """True if the request needs no further look, and then it is counted.

        `client` is what the scope says; no header may have come twice. Method, query and host (None: that of
        the headers) are those of the request that is judged, which a proxy may have told us of.
        """
        chain = headers.get(b"x-forwarded-for")
        try:
            if chain is None:
                is_settled = b"forwarded" not in headers and b"x-real-ip" not in headers
            else:
                is_settled = not client or client[1] not in _NO_PORTS
            if not (is_settled and self._is_plain):
                key = self._key_of(client, headers)
            else:
                key = self._keys[
                    client[0] if client else None,
                    chain,
                    headers.get(b"user-agent"),
                    headers.get(b"accept-language"),
                ]
        except KeyError:
            key = self._learn(client, chain, headers)
        except (TypeError, IndexError):  # the scope of a server that says something else there
            key = self._key_of(client, headers)
        if key < 0:
            return True
        spot = known.spot
        if spot is None or b"sec-purpose" in headers:
            return False
        kind = known.kind
        if kind == "page":
            mode = headers.get(b"sec-fetch-mode")
            if mode is not None and mode != b"navigate":
                if headers.get(b"sec-fetch-site") != b"same-origin":
                    return False
                # A script of one of the pages: it belongs to the page as a picture does.
                kind = "asset"
        if method != "GET":
            # A form that is sent, a call of a script: no page view, so that nothing of it is counted.
            return method != "HEAD" and self._is_calm(key)
        return self._fast(key, spot, kind, headers, host, query, time_ns()) is not None

    def reads_on(self, scope: Any, headers: Mapping[bytes, bytes], known: Reader) -> bool:
        """True if this is a page of a client that reads on, with nothing to be found; then it is counted.

        It is asked after `passes`, because a look is due; `headers` in the order received.
        """
        spot = known.spot
        if spot is None or known.kind != "page" or scope["method"] != "GET":
            return False
        if headers.get(b"sec-fetch-dest", b"") not in DOCUMENT_DESTS:
            return False
        found = self._resolve(scope.get("client"), headers)
        key = _key_of(found, headers)
        if key < 0:
            return False
        secure = is_secure(
            self.conduct.watch.inputs,
            str(scope.get("scheme") or "http"),
            found,
            headers.get(b"x-forwarded-proto", b""),
            host_name(headers.get(b"host", b"")),
        )
        version = str(scope.get("http_version") or "")
        query = scope.get("query_string")
        return self.conduct.watch.short.again(key, spot, headers, version, secure, query, time_ns())

    def _key_of(self, client: Any, headers: Mapping[bytes, bytes]) -> int:
        return _key_of(self._resolve(client, headers), headers)

    def _learn(self, client: Any, chain: bytes | None, headers: Mapping[bytes, bytes]) -> int:
        key = self._key_of(client, headers)
        peer = client[0] if type(client) in (tuple, list) and client else None
        if not (client is None or type(peer) is str):
            return key
        agent, language = headers.get(b"user-agent"), headers.get(b"accept-language")
        size = sum(len(part) for part in (peer, chain, agent, language) if part is not None)
        if size <= _LONGEST and (chain is None or names_no_port_of(peer or "", chain)):
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            self._keys[peer, chain, agent, language] = key
        return key


def _key_of(found: ClientAddress, headers: Mapping[bytes, bytes]) -> int:
    address = found.text
    if address is None or not found.is_global or found.source not in _USABLE:
        return _NOBODY
    fingerprint = fingerprint_of(headers.get(b"user-agent", b""), headers.get(b"accept-language", b""))
    return client_key(prefix_of(address), fingerprint)
