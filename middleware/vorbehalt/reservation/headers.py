"""The response headers that carry the reservation with every byte of content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vorbehalt.facts import Headers
from vorbehalt.reservation import aipref, rsl
from vorbehalt.reservation.digests import digest_of
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses

APPENDED = frozenset({b"x-robots-tag", b"link"})
"""Names that join the app's own header lines."""

REPLACED = frozenset({b"tdm-reservation", b"tdm-policy", b"content-usage"})
"""Names that are ours alone: a second value could contradict the terms."""

REPLACED_SPELLINGS = REPLACED | {
    b"TDM-Reservation",
    b"Tdm-Reservation",
    b"TDM-Policy",
    b"Tdm-Policy",
    b"Content-Usage",
    b"content-signal",
    b"Content-Signal",
}
"""Headers of an answer that `apply` looks at; other spellings do not come."""

_CONTENT_TYPE = frozenset({b"content-type", b"Content-Type"})
NAMES_LOOKED_AT = REPLACED_SPELLINGS | _CONTENT_TYPE
"""Headers of an answer without which `apply` only adds ours, also where media types are told apart."""
_MOST_KNOWN = 64


@dataclass(frozen=True, slots=True)
class SectionHeaders:
    """The response headers of one part of the site. `appended` names (X-Robots-Tag, Link) join the app's own;
    `replaced` names are ours alone. `digest` is SHA-256 hex over the exact ordered list.

    Where parts of the site are told apart by media type, `by_media` holds them in order, `other` is for every
    other media type, and the headers here, for answers without one, are the most restrictive of all.
    """

    name: str
    uses: Uses
    headers: Headers
    digest: str
    refused_signals: frozenset[bytes] = frozenset()
    """Content-Signal keys that nobody may say yes to here."""
    by_media: MediaHeaders = ()
    other: SectionHeaders | None = None
    known: dict[bytes, SectionHeaders] = field(default_factory=dict, compare=False, repr=False)
    """Content-Type values seen, and what holds for them."""

    def for_answer(self, response_headers: Iterable[tuple[bytes, bytes]]) -> SectionHeaders:
        """The headers for an answer with these headers of its own."""
        if self.other is None:
            return self
        for name, value in response_headers:
            if name in _CONTENT_TYPE:
                found = self.known.get(bytes(value))
                return found if found is not None else self._for_media(value)
        return self

    def _for_media(self, value: bytes) -> SectionHeaders:
        """The headers for a Content-Type; few are ever sent, so they are remembered."""
        media = value.split(b";", 1)[0].strip().lower()
        found = self.other or self
        for types, section in self.by_media:
            if any(media == one or (one.endswith(b"/*") and media.startswith(one[:-1])) for one in types):
                found = section
                break
        if not media:
            found = self
        if len(self.known) < _MOST_KNOWN:
            self.known[bytes(value)] = found
        return found


MediaHeaders = tuple[tuple[tuple[bytes, ...], SectionHeaders], ...]
"""Media types in lower case, and what holds for answers of one of them."""


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
    response_headers: Iterable[tuple[bytes, bytes]],
    section: SectionHeaders,
    name_conflict: Callable[[bytes, bytes], None] | None = None,
) -> list[tuple[bytes, bytes]]:
    """Gives a new list: the response's own headers without those that are ours alone, then ours.

    `name_conflict` is told each header, name and value, that is left out because it says something else.

    Where what is reserved depends on the media type, that of the response decides.
    """
    headers = [*response_headers]
    if section.other is not None:
        section = section.for_answer(headers)
    # For the few headers of an answer faster than a set's `isdisjoint`.
    for header in headers:
        if header[0] in REPLACED_SPELLINGS:
            headers = _without_foreign(headers, section, name_conflict)
            break
    headers += section.headers
    return headers


def _without_foreign(
    headers: list[tuple[bytes, bytes]],
    section: SectionHeaders,
    name_conflict: Callable[[bytes, bytes], None] | None,
) -> list[tuple[bytes, bytes]]:
    ours = dict(section.headers)
    kept = []
    for header in headers:
        name, value = header[0].lower(), header[1].strip()
        if header[0] not in REPLACED_SPELLINGS or (
            name == b"content-signal" and section.refused_signals.isdisjoint(_said_yes(value))
        ):
            kept.append(header)
        elif name_conflict is not None and value != ours.get(name):
            name_conflict(name, value)
    return kept


def _said_yes(value: bytes) -> list[bytes]:
    """The keys that a Content-Signal value, which no draft defines as a header, says yes to."""
    pairs = (pair.lower().partition(b"=") for pair in value.split(b","))
    return [key.strip() for key, _, answer in pairs if answer.strip() in (b"yes", b"y")]


def size(headers: Headers) -> int:
    """Bytes on an HTTP/1.1 connection: name, `: `, value, line end."""
    return sum(len(name) + len(value) + 4 for name, value in headers)


def headers_digest(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """SHA-256 hex over an exact ordered list of headers."""
    return digest_of(part for header in headers for part in header)


def _value(text: str) -> bytes:
    return text.encode("ascii", "backslashreplace").replace(b"\r", b"").replace(b"\n", b"")
