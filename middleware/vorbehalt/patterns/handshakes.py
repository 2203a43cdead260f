"""Which TLS handshakes belong to which browser: learnt from clients of this site that proved themselves."""

from __future__ import annotations

from typing import Final

from vorbehalt.facts import ClientAddress, Visit
from vorbehalt.patterns.browser import Browser
from vorbehalt.patterns.client import ClientRecord

_VERSIONS: Final = 512
_EACH: Final = 32
_PROVERS: Final = 64
Key = tuple[str, int, str]


class Handshakes:
    """JA4 fingerprints per product, major and platform, seen from clients that returned a cookie of ours.

    Never shipped, always learnt: what is in front of the site changes handshakes. At most 512
    versions with 32 fingerprints each are kept; what does not fit makes no accusation. Proofs are counted by
    network (/24, /48), as one machine could prove as much as it likes.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Key, tuple[dict[bytes, None], set[str]]] = {}

    @property
    def versions(self) -> int:
        """How many versions something is known of."""
        return len(self._known)

    def learn(self, browser: Browser, fingerprint: bytes, client: ClientAddress) -> None:
        """A client that returned our cookie claimed this browser and showed this fingerprint."""
        key = (browser.product, browser.major, browser.platform)
        entry = self._known.get(key)
        if entry is None:
            if len(self._known) >= _VERSIONS:
                self._known.pop(next(iter(self._known)))
            entry = self._known[key] = ({}, set())
        fingerprints, provers = entry
        if len(provers) < _PROVERS:
            provers.add(_network(client.text or ""))
        if len(fingerprints) < _EACH:
            fingerprints[fingerprint[:64]] = None

    def agrees(self, browser: Browser, fingerprint: bytes, proofs: int) -> bool:
        """False only if enough is known of this version and the fingerprint is none of the known ones."""
        entry = self._known.get((browser.product, browser.major, browser.platform))
        if entry is None or len(entry[1]) < proofs or len(entry[0]) >= _EACH:
            return True
        return fingerprint[:64] in entry[0]


def told_by_proxy(visit: Visit, header: bytes) -> bytes:
    """The fingerprint that a trusted proxy tells of this request; empty where nobody trusted tells one.

    A header that comes twice was set by the visitor, too: it says nothing.
    """
    if not header or visit.client.source != "proxy-asserted":
        return b""
    told = [value for name, value in visit.headers if name == header]
    return told[0] if len(told) == 1 else b""


def is_proven(record: ClientRecord) -> bool:
    """True for a client that came without a cookie and returned the one it was given.

    Whoever brings a cookie on the first page may have made it up.
    """
    return record.is_cold and record.cookies > 0


def _network(text: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 address, as text that is equal for equal networks."""
    return ":".join(text.split(":")[:3]) if ":" in text else text.rpartition(".")[0]
