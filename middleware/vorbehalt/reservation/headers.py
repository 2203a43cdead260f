"""The response headers that carry the reservation with every byte of content."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING

from vorbehalt.facts import Headers
from vorbehalt.reservation import aipref, rsl
from vorbehalt.reservation.digests import digest_of
from vorbehalt.reservation.terms import Terms, Uses

if TYPE_CHECKING:
    from vorbehalt.reservation.bundle import SectionHeaders

APPENDED = frozenset({b"x-robots-tag", b"link"})
"""Names that join the app's own header lines."""

REPLACED = frozenset({b"tdm-reservation", b"tdm-policy", b"content-usage"})
"""Names that are ours alone: a second value could contradict the terms."""

_REPLACED_SPELLINGS = REPLACED | {
    b"TDM-Reservation",
    b"Tdm-Reservation",
    b"TDM-Policy",
    b"Tdm-Policy",
    b"Content-Usage",
}
_are_foreign = _REPLACED_SPELLINGS.isdisjoint
_name = itemgetter(0)


def reservation_headers(terms: Terms, uses: Uses) -> Headers:
    """The ordered headers of one part of the site, at most 260 bytes and twice the origin."""
    headers: list[tuple[bytes, bytes]] = [(b"tdm-reservation", b"1" if uses.reserves_mining else b"0")]
    if uses.reserves_mining:
        headers.append((b"tdm-policy", _value(terms.tdm_policy_uri)))
    headers.append((b"content-usage", _value(aipref.value(uses, terms.vocabulary.aipref))))
    if uses.training == "reserve":
        headers.append((b"x-robots-tag", _value(terms.vocabulary.robots_tag_value)))
    headers.append((b"link", _value(f'<{terms.rsl_uri}>; rel="license"; type="{rsl.MEDIA_TYPE}"')))
    return tuple(headers)


def apply(
    response_headers: Iterable[tuple[bytes, bytes]], section: SectionHeaders
) -> list[tuple[bytes, bytes]]:
    """Gives a new list: the response's own headers without those that are ours alone, then ours.

    Where what is reserved depends on the media type, that of the response decides.
    """
    headers = [*response_headers]
    if section.other is not None:
        section = section.for_answer(headers)
    if not _are_foreign(map(_name, headers)):
        headers = [header for header in headers if header[0] not in _REPLACED_SPELLINGS]
    headers += section.headers
    return headers


def size(headers: Headers) -> int:
    """Bytes on an HTTP/1.1 connection: name, `: `, value, line end."""
    return sum(len(name) + len(value) + 4 for name, value in headers)


def headers_digest(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """SHA-256 hex over an exact ordered list of headers."""
    return digest_of(part for header in headers for part in header)


def _value(text: str) -> bytes:
    return text.encode("ascii", "backslashreplace").replace(b"\r", b"").replace(b"\n", b"")
