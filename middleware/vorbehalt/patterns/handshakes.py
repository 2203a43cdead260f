"""Which TLS handshakes belong to which browser: learnt from clients of this site that proved themselves."""

from __future__ import annotations

from typing import Final

from vorbehalt.patterns.browser import Browser

_VERSIONS: Final = 512
_EACH: Final = 32
Key = tuple[str, int, str]


class Handshakes:
    """JA4 fingerprints per product, major and platform, seen from clients that returned a cookie of ours.

    Never shipped, always learnt: what is in front of the site changes handshakes. At most 512
    versions with 32 fingerprints each are kept; what does not fit makes no accusation.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Key, tuple[dict[bytes, None], list[int]]] = {}

    @property
    def versions(self) -> int:
        """How many versions something is known of."""
        return len(self._known)

    def learn(self, browser: Browser, fingerprint: bytes) -> None:
        """A client that returned our cookie claimed this browser and showed this fingerprint."""
        key = (browser.product, browser.major, browser.platform)
        entry = self._known.get(key)
        if entry is None:
            if len(self._known) >= _VERSIONS:
                self._known.pop(next(iter(self._known)))
            entry = self._known[key] = ({}, [0])
        fingerprints, proofs = entry
        proofs[0] += 1
        if len(fingerprints) < _EACH:
            fingerprints[fingerprint[:64]] = None

    def agrees(self, browser: Browser, fingerprint: bytes, proofs: int) -> bool:
        """False only if enough is known of this version and the fingerprint is none of the known ones."""
        entry = self._known.get((browser.product, browser.major, browser.platform))
        if entry is None or entry[1][0] < proofs or len(entry[0]) >= _EACH:
            return True
        return fingerprint[:64] in entry[0]
