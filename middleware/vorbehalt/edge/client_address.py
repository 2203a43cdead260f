"""The visitor's address behind proxies: the right-most one that is not a proxy of the site's own.

Forwarding headers are believed only where the socket peer is a trusted proxy. Without `header` that is
X-Forwarded-For, and Forwarded (RFC 7239) only in its absence: proxies that write X-Forwarded-For pass on what
a visitor says in Forwarded. With `header`, that one alone is read, whatever else comes.

A server that puts a forwarded address in the place of its socket peer leaves the headers in the scope, and
with the address a port that no connection has (0) or that stands in the chain: it is anybody's word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hmac import compare_digest
from typing import Any, Final

from vorbehalt.facts import ClientAddress
from vorbehalt.identify.networks import NetworkSet, canonical_address

SECRET_HEADER: Final = b"x-vorbehalt-secret"
"""Says `sidecar.secret`, by which a proxy at any address is known; nothing else may ever show its value."""

UNIX: Final = "unix"
"""Name in `trusted_proxies` for peers without an address, which is what a unix socket gives."""

NOTES: Final[Mapping[str, str]] = {
    "client-rewritten": (
        "the server puts a forwarded address in the place of its socket peer, so anybody could choose it:"
        " start uvicorn with --no-proxy-headers (under gunicorn set forwarded_allow_ips = '', in hypercorn"
        " leave ProxyFixMiddleware out, in granian wrap_asgi_with_proxy_headers) and name your proxies in"
        " network.trusted_proxies"
    ),
    "proxy-not-trusted": (
        "forwarding headers came from a peer that is not trusted: if it is a proxy of yours, name it in"
        " network.trusted_proxies"
    ),
    "unix-not-trusted": (
        'forwarding headers came over a unix socket: if a proxy of yours is behind it, add "unix" to'
        " network.trusted_proxies"
    ),
    "proxy-hides-visitors": (
        "a trusted proxy sent no forwarding header: let it send one, or name the header that it sends in"
        " network.client_header"
    ),
    "real-ip-alone": (
        "a trusted proxy sent X-Real-IP and no X-Forwarded-For: X-Real-IP is believed only if"
        ' network.client_header = "x-real-ip"'
    ),
    "header-missing": "a trusted proxy did not send the header that network.client_header names",
    "no-address": "a trusted proxy sent a forwarding header that holds no usable address of a visitor",
}
"""What can be wrong with how addresses reach us: stable code -> sentence for the health page."""

_FOR: Final = b"x-forwarded-for"
_FORWARDED: Final = b"forwarded"
_REAL_IP: Final = b"x-real-ip"
_MAX_HOPS: Final = 64
_MAX_CHAIN: Final = 4096
_MAX_CACHED_CHAIN: Final = 1024
_MAX_SINGLE: Final = 256
_MAX_CACHED: Final = 8192
_NO_ADDRESS: Final = "?"
_PAIR: Final = r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("[^",\\]*"|[^\s;",\\]*)\s*'
_PAIRS = re.compile(_PAIR)
_ELEMENT = re.compile(f"{_PAIR}(?:;{_PAIR})*;?\\s*")

_HIDDEN_PORT = re.compile(r":_[\w.-]+$", re.A)

_NOBODY: Final = ClientAddress(text=None, source="none")

Fields = Mapping[bytes, bytes]
_Key = tuple[str, bytes, bytes, bytes, bytes, bool]


class AddressResolver:
    """Finds client addresses. `trusted` are networks in text, or the name `unix`; `header`: read no other.

    `secret`: who says it in X-Vorbehalt-Secret is believed like a trusted proxy, wherever it comes from.
    `notes` are the codes of NOTES that were met so far, with their sentences; they hold nothing of a visitor.
    Raises ValueError for a text that is no network.
    """

    def __init__(self, trusted: Iterable[str] = (), header: str = "", secret: str | None = None) -> None:
        names = tuple(trusted)
        self._trusts_unix = UNIX in names
        networks = [str(ipaddress.ip_network(name, strict=False)) for name in names if name != UNIX]
        self._networks = NetworkSet(networks, any_length=True)
        self._secret = secret.encode() if secret else None
        self._header = header.lower().encode("ascii") or None
        self._named = self._header or _FOR
        self.names: frozenset[bytes] = frozenset({_FOR, _FORWARDED, _REAL_IP, self._named})
        """Header names on which an address depends: what is kept per client must be kept per these too."""
        self.notes: dict[str, str] = {}
        self._direct: dict[str, ClientAddress] = {}
        self._told: dict[_Key, tuple[ClientAddress, frozenset[str]]] = {}

    def trusts(self, peer: str | None) -> bool:
        """True if a socket peer (its text, None for a unix socket) is a proxy of the site's own."""
        if peer is None:
            return self._trusts_unix
        return self._networks.contains(peer)

    def believes(self, peer: str | None, fields: Fields) -> bool:
        """True if what a peer says of others is believed: a trusted one, or one that knows the secret."""
        return self.trusts(peer) or self._knows_secret(fields)

    @property
    def is_plain(self) -> bool:
        """True if X-Forwarded-For, where it comes, is the only header on which an address depends."""
        return self._secret is None and self._named == _FOR

    def _knows_secret(self, fields: Fields) -> bool:
        said = fields.get(SECRET_HEADER)
        return said is not None and self._secret is not None and compare_digest(said, self._secret)

    def resolve(self, peer: Any, headers: Fields | Sequence[tuple[bytes, bytes]]) -> ClientAddress:
        """Return the client's address. `peer` is `scope["client"]`, whatever a server puts there.

        `headers` are lower-case pairs, or a mapping with repeated fields joined. Never raises; looks at no
        more than the last 64 hops and 4 KiB of a chain.
        """
        fields = headers if type(headers) is dict or isinstance(headers, Mapping) else dict(headers)
        try:
            host = peer[0] if peer else None
            if (
                _FOR not in fields
                and _FORWARDED not in fields
                and _REAL_IP not in fields
                and self._named not in fields
                and (self._secret is None or SECRET_HEADER not in fields)
            ):
                return self._direct.get(host or "") or self._resolve_direct(host)
            port = peer[1] if peer and len(peer) > 1 else None
        except (TypeError, KeyError, IndexError):
            host = port = _NO_ADDRESS
        if host is not None and not isinstance(host, str):
            host = _NO_ADDRESS
        if fields is not headers and len(fields) != len(headers):
            fields = {**fields, **{name: _joined(headers, name) for name in self.names if name in fields}}
        return self._resolve_told(host or "", port, fields)

    def _resolve_direct(self, host: object) -> ClientAddress:
        if not host or not isinstance(host, str):
            return _NOBODY
        address = canonical_address(host)
        if address is None:
            return ClientAddress(text=None, source="none", peer=host[:200])
        text, is_global = address
        # A public proxy that sends no chain hides its visitors: its own address is nobody's.
        hides = is_global and self._networks.contains(text)
        if hides:
            self._note("proxy-hides-visitors")
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

    def _resolve_told(self, host: str, port: object, fields: Fields) -> ClientAddress:
        """The address where any forwarding header came; an empty host is a unix socket."""
        chain, forwarded = fields.get(_FOR, b""), fields.get(_FORWARDED, b"")
        if self._header is not None:
            form, told = self._header, fields.get(self._header, b"")
        else:
            form, told = (_FOR, chain) if _FOR in fields else (_FORWARDED, forwarded)
        kept = told or chain or forwarded
        if port in (0, "0") and self._is_told(host, fields):
            return self._rewritten(host, kept)
        knows_secret = self._knows_secret(fields)
        key = (host, form, told, chain, kept, knows_secret)
        known = self._told.get(key)
        if known is None:
            own = _own_ports(host, chain)
            if str(port) in own:
                return self._rewritten(host, kept)
            known = self._judge(host, form, told, kept, fields, knows_secret), own
            if len(told) + len(chain) + len(kept) <= _MAX_CACHED_CHAIN:
                if len(self._told) >= _MAX_CACHED:
                    self._told.clear()
                self._told[key] = known
        return self._rewritten(host, kept) if str(port) in known[1] else known[0]

    def _is_told(self, host: str, fields: Fields) -> bool:
        """True if a peer without a port stands in one of the headers, as those who rewrite it leave it."""
        text = host.encode("utf-8", "replace")
        return text != b"" and any(text in fields.get(name, b"") for name in self.names)

    def _rewritten(self, host: str, kept: bytes) -> ClientAddress:
        self._note("client-rewritten")
        address = canonical_address(host)
        # Who the peer was is lost; the empty text is trusted by nobody.
        if address is None:
            return ClientAddress(text=None, source="untrusted", peer="", chain=_tail(kept))
        return ClientAddress(address[0], "untrusted", address[1], "", _tail(kept))

    def _judge(
        self, host: str, form: bytes, told: bytes, kept: bytes, fields: Fields, knows_secret: bool
    ) -> ClientAddress:
        kept = _tail(kept)
        address = canonical_address(host) if host else None
        if host and address is None:
            return ClientAddress(text=None, source="none", peer=host[:200], chain=kept)
        peer = None if address is None else address[0]
        if not knows_secret and not self.trusts(peer):
            self._note("unix-not-trusted" if address is None else "proxy-not-trusted")
            if address is None:
                return ClientAddress(text=None, source="none", chain=kept)
            return ClientAddress(address[0], "untrusted", address[1], peer, kept)
        found = self._read(form, told)
        if found is None:
            self._note(self._why_nothing(form, fields))
            return ClientAddress(text=None, source="untrusted", peer=peer, chain=kept)
        return ClientAddress(found[0], "proxy-asserted", found[1], peer, kept)

    def _why_nothing(self, form: bytes, fields: Fields) -> str:
        if form in fields:
            return "no-address"
        if self._header is not None:
            return "header-missing"
        return "real-ip-alone" if _REAL_IP in fields else "proxy-hides-visitors"

    def _read(self, form: bytes, told: bytes) -> tuple[str, bool] | None:
        if form == _FOR:
            return self._walk(_hops(_tail(told)))
        if form == _FORWARDED:
            return self._walk(_forwarded_hops(_tail(told)))
        # A second value, which the proxy has not replaced, leaves no address.
        found = canonical_address(told.decode("latin-1")) if len(told) <= _MAX_SINGLE else None
        if found is not None and found[1] and self._networks.contains(found[0]):
            return None
        return found

    def _walk(self, hops: list[str]) -> tuple[str, bool] | None:
        """Go from the nearest hop outwards; None where a hop says no address. All trusted: the outermost."""
        found: tuple[str, bool] | None = None
        for hop in hops[-_MAX_HOPS:][::-1]:
            found = canonical_address(hop)
            if found is None or not self._networks.contains(found[0]):
                return found
        return found if len(hops) <= _MAX_HOPS else None

    def _note(self, code: str) -> None:
        self.notes[code] = NOTES[code]


def names_no_port_of(host: str, chain: bytes) -> bool:
    """True if a chain names the peer with no port, so that the port of a connection decides nothing."""
    return not _own_ports(host, chain)


def _own_ports(host: str, chain: bytes) -> frozenset[str]:
    """The ports with which a chain names the peer itself: no connection comes from one of them.

    uvicorn reads a port with `int`, which takes signs, blanks and underscores.
    """
    if b":" not in chain or not host:
        return frozenset()
    peer = canonical_address(host)
    ports: set[str] = set()
    # A server that trusts everybody takes the left-most entry, others one near the right-most.
    for hop in {*_hops(chain[:_MAX_CHAIN]), *_hops(_tail(chain))}:
        name, _, port = hop.rpartition(":")
        if canonical_address(name) == peer:
            with suppress(ValueError):
                ports.add(str(int(port)))
    return frozenset(ports)


def _joined(headers: Any, name: bytes) -> bytes:
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
    """The `for` parameters in order (RFC 7239 section 4); what is malformed or obfuscated is no address.

    Cut at every comma: no node has one, and so an open quote of a visitor cannot swallow what a proxy adds.
    """
    hops: list[str] = []
    for element in chain.decode("latin-1").split(","):
        if element.strip():
            pairs = _PAIRS.findall(element) if _ELEMENT.fullmatch(element) else []
            nodes = [value.strip('"') for name, value in pairs if name.lower() == "for"]
            nodes = [_HIDDEN_PORT.sub("", node) for node in nodes]
            hops.append(nodes[0] if len(nodes) == 1 else "")
    return hops
