"""The mark in a trap link: to whom it was given, for those who hold the secret, and until when it counts.

A mark is 22 bytes as base64url (30 characters): day, pseudonym of the client, page, and a MAC over them. The
pseudonym is HMAC-SHA-256 of secret, day and address prefix, cut to 64 bits: no address can be read in it, but
two of one day are compared, and whoever holds the secret can check an address against it. So a link that was
given to one address and is used from another ties the two.
Pure: the secret and the time are arguments. The same client gets the same mark on the same page all day.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from typing import Final

from vorbehalt.patterns.clients import prefix_of

LASTS: Final = 7
"""Days for which a mark counts, that of its making included: pages lie in caches and in open tabs."""

_DAY: Final = 86_400_000_000_000
_CLIENT: Final = 8
_PAGE: Final = 4
_MAC: Final = 8
_SIZE: Final = 2 + _CLIENT + _PAGE + _MAC
_LENGTH: Final = 30


@dataclass(frozen=True, slots=True)
class TrapMark:
    """A mark that was made with our secret and still counts. `client` is the pseudonym, in hex."""

    day: int
    """Days since 1970-01-01."""
    client: str
    page: str

    def was_given_to(self, secret: bytes, address: str) -> bool:
        """True if the client at this address (canonical text) was given the link."""
        return hmac.compare_digest(self.client, pseudonym(secret, self.day, address))


def pseudonym(secret: bytes, day: int, address: str) -> str:
    """What stands for a client (address, IPv6: /64) in the marks of one day: 16 hexadecimal digits."""
    return _tag(secret, b"client", day, prefix_of(address).encode("utf-8", "replace"), _CLIENT).hex()


def make_mark(secret: bytes, address: str, page: str, now: int) -> str:
    """Make the mark of a link that is given to a client on a page. `now` is in nanoseconds UTC."""
    day = now // _DAY
    client = bytes.fromhex(pseudonym(secret, day, address))
    body = (
        (day & 0xFFFF).to_bytes(2, "big")
        + client
        + _tag(secret, b"page", day, page.encode("utf-8", "surrogatepass"), _PAGE)
    )
    return urlsafe_b64encode(body + _tag(secret, b"mark", day, body, _MAC)).decode("ascii").rstrip("=")


def read_mark(secret: bytes, text: str, now: int) -> TrapMark | None:
    """Read a mark; None unless it was made with this secret, and not too long ago. Never raises.

    Whoever guesses an address below the trap, or reads it in robots.txt, has no mark.
    """
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        data = urlsafe_b64decode(text + "==")
    except (Error, ValueError):
        return None
    # One text per mark: the last character has bits to spare, and other alphabets are passed over in reading.
    if len(data) != _SIZE or urlsafe_b64encode(data).decode("ascii").rstrip("=") != text:
        return None
    today = now // _DAY
    day = today - ((today - int.from_bytes(data[:2], "big")) & 0xFFFF)
    body, mac = data[:-_MAC], data[-_MAC:]
    if today - day >= LASTS or not hmac.compare_digest(mac, _tag(secret, b"mark", day, body, _MAC)):
        return None
    return TrapMark(day, body[2 : 2 + _CLIENT].hex(), body[2 + _CLIENT :].hex())


def _tag(secret: bytes, use: bytes, day: int, data: bytes, size: int) -> bytes:
    text = b"vorbehalt-trap-v1\0" + use + b"\0" + str(day).encode() + b"\0" + data
    return hmac.digest(secret, text, "sha256")[:size]
