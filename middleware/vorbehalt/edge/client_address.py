"""The visitor's address behind proxies: the right-most one that is not a proxy of the site's own.

X-Forwarded-For is believed only where the socket peer is a trusted proxy. Forwarded (RFC 7239) is read only
in its absence: proxies that write X-Forwarded-For pass a visitor's own Forwarded header on.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vorbehalt.facts import ClientAddress
from vorbehalt.identify.networks import NetworkSet, canonical_address

UNIX = "unix"
"""Name in `trusted_proxies` for peers without an address, which is what a unix socket gives."""

_FOR = b"x-forwarded-for"
_FORWARDED = b"forwarded"
_REAL_IP = b"x-real-ip"
_MAX_HOPS = 64
_MAX_CHAIN = 4096
_MAX_CACHED_CHAIN = 256
_MAX_CACHED = 8192
_ELEMENTS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', re.S)
_FOR_PARAMETER = re.compile(r'(?:^|;)\s*for=(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.I | re.S)

_NOBODY = ClientAddress(text=None, source="none")


class AddressResolver:
    """Finds client addresses. `trusted` are networks in text, or the name `unix`.

    Raises ValueError for a text that is no network.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        names = tuple(trusted)
        self._trusts_unix = UNIX in names
        networks = [str(ipaddress.ip_network(name, strict=False)) for name in names if name != UNIX]
        self._networks = NetworkSet(networks, any_length=True)
        self._direct: dict[str, ClientAddress] = {}
        self._chained: dict[tuple[str | None, bytes, bytes], ClientAddress] = {}

    def trusts(self, peer: str | None) -> bool:
        """True if a socket peer (its text, None for a unix socket) is a proxy of the site's own."""
        if peer is None:
            return self._trusts_unix
        return self._networks.contains(peer)

    def resolve(
        self, peer: Any, headers: Mapping[bytes, bytes] | Sequence[tuple[bytes, bytes]]
    ) -> ClientAddress:
        """Return the client's address. `peer` is `scope["client"]`, whatever a server puts there.

        `headers` are lower-case pairs, or a mapping with repeated fields joined. Never raises; looks at no
        more than the last 64 hops and 4 KiB of a chain.
        """
        fields = headers if type(headers) is dict or isinstance(headers, Mapping) else dict(headers)
        try:
            host = peer[0] if peer else None
            if _FOR not in fields and _FORWARDED not in fields and _REAL_IP not in fields:
                return self._direct.get(host or "") or self._resolve_direct(host)
        except (TypeError, KeyError, IndexError):
            host = ""
        if isinstance(headers, Mapping):
            chain, forwarded = fields.get(_FOR, b""), fields.get(_FORWARDED, b"")
        else:
            chain, forwarded = _joined(headers, _FOR), _joined(headers, _FORWARDED)
        if not isinstance(host, str | None):
            host = ""
        if len(chain) + len(forwarded) > _MAX_CACHED_CHAIN:
            return self._resolve_chained(host, chain, forwarded)
        key = (host, chain, forwarded)
        found = self._chained.get(key)
        if found is None:
            found = self._resolve_chained(host, chain, forwarded)
            if len(self._chained) >= _MAX_CACHED:
                self._chained.clear()
            self._chained[key] = found
        return found

    def _resolve_direct(self, host: object) -> ClientAddress:
        if not isinstance(host, str):
            return _NOBODY
        address = canonical_address(host)
        if address is None:
            return ClientAddress(text=None, source="none", peer=host[:200])
        text, is_global = address
        # A public proxy that sends no chain hides its visitors: its own address is nobody's.
        hides = is_global and self._networks.contains(text)
        found = ClientAddress(
            text=None if hides else text,
            source="untrusted" if hides else "direct",
            is_global=is_global and not hides,
            peer=text,
        )
        if len(self._direct) >= _MAX_CACHED:
            self._direct.clear()
        self._direct[host] = found
        return found

    def _resolve_chained(self, host: str | None, chain: bytes, forwarded: bytes) -> ClientAddress:
        kept = _tail(chain or forwarded)
        address = None if host is None else canonical_address(host)
        if address is None and host is not None:
            return ClientAddress(text=None, source="none", peer=host[:200], chain=kept)
        peer = None if address is None else address[0]
        if not self.trusts(peer):
            if address is None:
                return ClientAddress(text=None, source="none", chain=kept)
            return ClientAddress(address[0], "untrusted", address[1], peer, kept)
        found = self._walk(_hops(kept) if chain else _forwarded_hops(kept))
        if found is None:
            return ClientAddress(text=None, source="untrusted", peer=peer, chain=kept)
        return ClientAddress(found[0], "proxy-asserted", found[1], peer, kept)

    def _walk(self, hops: list[str]) -> tuple[str, bool] | None:
        """Go from the nearest hop outwards; None where a hop says no address. All trusted: the outermost."""
        found: tuple[str, bool] | None = None
        for hop in hops[-_MAX_HOPS:][::-1]:
            found = canonical_address(hop)
            if found is None or not self._networks.contains(found[0]):
                return found
        return found if len(hops) <= _MAX_HOPS else None


def _joined(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    return b", ".join(value for key, value in headers if key == name)


def _tail(chain: bytes) -> bytes:
    """The last 4 KiB of a chain, cut between hops."""
    if len(chain) <= _MAX_CHAIN:
        return chain
    cut = chain[-_MAX_CHAIN:]
    return cut[cut.find(b",") + 1 :].strip() if b"," in cut else b""


def _hops(chain: bytes) -> list[str]:
    return [part.strip() for part in chain.decode("latin-1").split(",") if part.strip()]


def _forwarded_hops(chain: bytes) -> list[str]:
    """The `for` parameters in order (RFC 7239 section 4); an obfuscated one is kept, and is no address."""
    hops: list[str] = []
    for element in _ELEMENTS.findall(chain.decode("latin-1")):
        if element.strip():
            match = _FOR_PARAMETER.search(element.strip())
            hops.append("" if match is None else (match[1] if match[1] is not None else match[2]).strip())
    return hops
