"""Removes what must be forgettable from texts that a client may have put it into. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

MARK = "[address]"
_CANDIDATE = re.compile(r"[0-9a-fA-F:.]{3,45}")
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_UNESCAPED = re.compile(r"[ !#-\[\]-~]*")
"""What JSON writes as it is."""
_MAX_CHAIN_ADDRESSES = 16
_MIN_LITERAL = 8


@lru_cache(maxsize=2048)
def address_forms(address: str) -> tuple[str, ...]:
    """Return the forms in lower case under which an address may stand in a text.

    Dotted, dashed, zero-padded, reversed, percent-encoded, hexadecimal (both byte orders) and decimal for
    IPv4; compressed, exploded, dashed, hexadecimal, nibble-reversed and percent-encoded for IPv6. Empty for
    what is no address, and for loopback, which is nobody's.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return ()
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback or ip.is_unspecified:
        return ()
    return _forms4(ip) if isinstance(ip, IPv4Address) else _forms6(ip)


def _forms4(ip: IPv4Address) -> tuple[str, ...]:
    octets = str(ip).split(".")
    padded = [octet.zfill(3) for octet in octets]
    packed = ip.packed.hex()
    swapped = ip.packed[::-1].hex()
    forms = []
    for parts in (octets, octets[::-1], padded, padded[::-1]):
        forms += [".".join(parts), "-".join(parts), "_".join(parts), "%2e".join(parts)]
    forms += [
        "".join(padded),
        packed,
        swapped,
        f"{packed[:4].lstrip('0') or '0'}:{packed[4:].lstrip('0') or '0'}",
    ]
    forms += [f"{packed[:4]}:{packed[4:]}"]
    forms += [text for text in (str(int(ip)), str(int.from_bytes(ip.packed, "little"))) if len(text) > 7]
    return tuple(dict.fromkeys(forms))


def _forms6(ip: IPv6Address) -> tuple[str, ...]:
    packed = ip.packed.hex()
    short = ":".join(f"{int(group, 16):x}" for group in ip.exploded.split(":"))
    forms = [packed, ip.packed[::-1].hex(), ".".join(packed[::-1]), ".".join(packed), str(int(ip))]
    for text in (ip.compressed, ip.exploded, short):
        forms += [text, text.replace(":", "-"), text.replace(":", "%3a"), text.replace(":", "_")]
    return tuple(dict.fromkeys(forms))


def known_forms(private: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return every text (lower case) that may not stand in the leaf of a draft with these private values."""
    forms = _network_forms(
        private.get("address", b""), private.get("peer", b""), private.get("chain", b"")[:4096]
    )
    sender = private.get("from", b"")
    # Only what looks like a mail address: `From: GPTBot` must not wipe the User-Agent from the leaf.
    if len(sender) >= _MIN_LITERAL and b"@" in sender:
        forms += (sender.decode("latin-1").lower(),)
    query = private.get("query", b"")
    if len(query) >= _MIN_LITERAL:
        forms += (query.decode("latin-1").lower(),)
    return forms


@lru_cache(maxsize=512)
def _network_forms(address: bytes, peer: bytes, chain: bytes) -> tuple[str, ...]:
    texts = [address.decode("latin-1"), peer.decode("latin-1")]
    for text in _CANDIDATE.findall(chain.decode("latin-1"))[:_MAX_CHAIN_ADDRESSES]:
        texts += [text, _without_port(text)]
    return tuple(dict.fromkeys(form for text in texts for form in address_forms(text)))


def stands_in(forms: tuple[str, ...], encoded: str) -> bool:
    """True if a JSON text may hold one of the forms; certain only where it says no."""
    lowered = encoded.lower()
    for form in forms:  # noqa: SIM110 - a generator costs twice
        if form in lowered or not _UNESCAPED.fullmatch(form):
            return True
    return False


def _without_port(text: str) -> str:
    head, colon, port = text.rpartition(":")
    return head if colon and port.isdecimal() else text


def _bounded(form: str) -> str:
    """A pattern that does not match inside a longer number: 1.2.3.4 is not part of 11.2.3.4."""
    digits = "[0-9a-f]" if ":" in form or _HEXADECIMAL.fullmatch(form) else "[0-9]"
    before = f"(?<!{digits})" if re.match(digits, form) else ""
    after = f"(?!{digits})" if re.match(digits, form[-1]) else ""
    return before + re.escape(form) + after


class Scrubber:
    """Replaces known texts inside any string of a value made of dicts, lists and scalars."""

    def __init__(self, forms: tuple[str, ...]) -> None:
        # Longest first, so that an exploded form is not left half by a shorter one.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(_bounded(form) for form in ordered), re.IGNORECASE)

    def text(self, value: str) -> str:
        return self._pattern.sub(MARK, value)

    def value(self, value: object) -> object:
        """Return the value with every known text replaced, keys of dicts included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self.value(item) for item in value]
            if len(items) == 4 and items[1] != value[1]:
                # A cut header value: the digest of the whole would let a reader try all addresses.
                items[3] = MARK
            return items
        return value
