"""From a log entry to a visit: what the log knows of a request, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from vorbehalt.facts import AddressSource, ClientAddress, Headers, Visit, normal_path
from vorbehalt.identify.networks import canonical_address
from vorbehalt.replay.entry import NS, Entry

Network = IPv4Network | IPv6Network
_ADDRESSES = 65_536
_PATHS = 8_192
_PATH_LENGTH = 512
_STEP_BACK = 600 * NS
_NOBODY = ClientAddress(None, "none")
_HIDDEN = ClientAddress(None, "untrusted")


class Client(NamedTuple):
    """A client and the number that stands for it in the tally (64 bits of a hash; never shown)."""

    address: ClientAddress
    key: int
    is_proxy: bool = False


class VisitMaker:
    """Makes visits; remembers addresses and paths, which repeat. Bounded."""

    def __init__(self, trusted_proxies: Sequence[Network] = ()) -> None:
        self._proxies = tuple(trusted_proxies)
        self._forwarded: dict[tuple[bytes, bytes], Client] = {}
        self._direct: dict[bytes, Client] = {}
        self._paths: dict[bytes, str] = {}
        self._now = 0

    def client(self, entry: Entry) -> Client:
        """Return who sent it. An address of a trusted proxy counts for what the proxy forwarded."""
        found = self._direct.get(entry.address)
        if found is None:
            found = self._client(entry.address, "direct")
            if len(self._direct) >= _ADDRESSES:
                self._direct.clear()
            self._direct[entry.address] = found
        if found.is_proxy and entry.forwarded:
            return self._behind_proxy(entry)
        return found

    def visit(self, entry: Entry, client: ClientAddress) -> Visit:
        """Return the visit. Headers a log does not hold are absent; nothing is made up."""
        headers: Headers
        if entry.referer:
            headers = ((b"user-agent", entry.user_agent), (b"referer", entry.referer))
        elif entry.user_agent:
            headers = ((b"user-agent", entry.user_agent),)
        else:
            headers = ()
        target = entry.target
        path = self._paths.get(target)
        if path is None:
            path = _path(target)
            if len(target) <= _PATH_LENGTH:
                if len(self._paths) >= _PATHS:
                    self._paths.clear()
                self._paths[target] = path
        return Visit(
            self._clock(entry.at),
            entry.method,
            "https",
            entry.host,
            path,
            target,
            entry.http_version,
            headers,
            client,
            False,
            "log",
        )

    def _client(self, raw: bytes, source: AddressSource) -> Client:
        key = int.from_bytes(blake2b(raw, digest_size=8).digest(), "big")
        found = canonical_address(raw.decode("latin-1"))
        if found is None:
            return Client(_NOBODY, key)
        text, is_global = found
        if self._proxies and any(ip_address(text) in network for network in self._proxies):
            # A public proxy that names nobody hides its visitors: its own address is nobody's.
            return Client(_HIDDEN if is_global else ClientAddress(text, source), key, is_proxy=True)
        return Client(ClientAddress(text, source, is_global), key)

    def _behind_proxy(self, entry: Entry) -> Client:
        pair = (entry.address, entry.forwarded)
        found = self._forwarded.get(pair)
        if found is None:
            found = self._direct[entry.address]
            # The right-most address that is no proxy of ours: everything left of it the client can invent.
            for part in reversed(entry.forwarded.split(b",")):
                candidate = self._client(part.strip(), "proxy-asserted")
                if candidate.address is _NOBODY:
                    break
                found = candidate
                if not candidate.is_proxy:
                    break
            if len(self._forwarded) >= _ADDRESSES:
                self._forwarded.clear()
            self._forwarded[pair] = found
        return found

    def _clock(self, at: int) -> int:
        """Return the time at which this line counts: log order is the order of arrival.

        Servers stamp a line with the start of a request and write it at the end, so times step back a little;
        a quota that saw time go back would refuse what it had room for.
        """
        now = self._now
        if now - _STEP_BACK <= at < now:
            return now
        self._now = at
        return at


def _path(target: bytes) -> str:
    if not target.startswith(b"/") and b"://" in target[:16]:
        # Absolute form (RFC 9112 section 3.2.2): the host in it never picks the host entry.
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    raw = target.partition(b"?")[0]
    return normal_path((unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8", "replace"))
