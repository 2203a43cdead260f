"""Conduct on the short way: is this one more request of a known client that gave no reason to look twice?"""

from __future__ import annotations

from collections.abc import Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.engine import Conduct
from vorbehalt.patterns.clients import client_key, prefix_of
from vorbehalt.patterns.fingerprint import fingerprint_of

if TYPE_CHECKING:
    from vorbehalt.edge.live import Reader

_USABLE = ("direct", "proxy-asserted")
"""As `ClientAddress.is_usable` has it, which is too slow to ask here."""
_KEYS = 16_384
_LONGEST = 1_024


class Glance:
    """Counts the ordinary requests of known clients; everything else has to be looked at.

    Whoever has no usable address is no client whose conduct could be told: nothing is counted, and it passes.
    A client that was looked at without finding anything is looked at again only after a few pages.
    """

    __slots__ = ("_keys", "_resolve", "_watch")

    def __init__(self, conduct: Conduct, addresses: AddressResolver) -> None:
        self._watch = conduct.watch
        self._resolve = addresses.resolve
        self._keys: dict[tuple[str, bytes, bytes], int] = {}

    def passes(
        self,
        client: Any,
        headers: Mapping[bytes, bytes],
        known: Reader,
        method: str,
        query: bytes,
        host: bytes,
    ) -> bool:
        """True if the request needs no further look, and then it is counted.

        `client` is what the scope says; no header may have come twice. Method, query and host are those of
        the request that is judged, which a proxy may have told us of.
        """
        found = self._resolve(client, headers)
        address = found.text
        if address is None or not found.is_global or found.source not in _USABLE:
            return True
        spot = known.spot
        if spot is None or method == "HEAD" or b"sec-purpose" in headers:
            return False
        kind = known.kind
        mode = headers.get(b"sec-fetch-mode")
        if mode is not None and mode != b"navigate" and kind == "page":
            if headers.get(b"sec-fetch-site") != b"same-origin":
                return False
            # A script of one of the pages: it belongs to the page as a picture does.
            kind = "asset"
        who = (address, headers.get(b"user-agent", b""), headers.get(b"accept-language", b""))
        key = self._keys.get(who)
        if key is None:
            key = client_key(prefix_of(address), fingerprint_of(who[1], who[2]))
            if len(who[1]) + len(who[2]) <= _LONGEST:
                if len(self._keys) >= _KEYS:
                    self._keys.clear()
                self._keys[who] = key
        if method != "GET":
            # A form that is sent, a call of a script: no page view, so that nothing of it is counted.
            return self._watch.is_calm(key)
        return self._watch.fast(key, spot, kind, headers, host, query, time_ns()) is not None
