"""Identifiers of works and people: their forms, their check digits, and the one spelling we keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

SCHEMES = ("isrc", "iswc", "isbn", "issn", "doi", "iscc", "isni", "own")
"""`isrc` recordings, `iswc` compositions, `isbn` books, `issn` serials, `iscc` content, `isni` people."""

_OWN = re.compile(r"[!-~]{1,200}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_DOI = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/[!-~]{1,180}")
_DOI_HEAD = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.I)
_ISCC = re.compile(r"[A-Z2-7]{10,120}")
_BETWEEN = re.compile(r"[\s.\u2010-\u2015-]+")


class IdentifierError(ValueError):
    """The text is no identifier of its kind; the message says why, for people."""


def parse_identifier(scheme: str, text: str) -> str:
    """Return `scheme:value` in its one spelling. Raises IdentifierError.

    ISRC (ISO 3901) has no check digit; ISWC (ISO 15707), ISBN (ISO 2108, ten digits become thirteen), ISSN
    (ISO 3297) and ISNI (ISO 27729) have one, which must be right. DOI names are kept in lower case, as they
    are compared without regard to it (ISO 26324). ISCC (ISO 24138) is checked by its alphabet only.
    """
    reader = _READERS.get(scheme)
    if reader is None:
        raise IdentifierError(f"{_short(scheme)} is no kind of identifier; use {', '.join(SCHEMES)}")
    return f"{scheme}:{reader(text.strip())}"


def read_identifier(text: str) -> str:
    """Return the one spelling of `scheme:value`; a text without a scheme is an id of one's own."""
    scheme, colon, value = text.strip().partition(":")
    known = scheme.strip().lower()
    if colon and known in _READERS:
        return parse_identifier(known, value)
    return parse_identifier("own", text)


def _compact(text: str, kind: str) -> str:
    upper = _BETWEEN.sub("", text.upper())
    return upper.removeprefix(kind).removeprefix(":")


def _isrc(text: str) -> str:
    value = _compact(text, "ISRC")
    if not _ISRC.fullmatch(value):
        raise IdentifierError(f"{_short(text)} is no ISRC such as DE-UM7-26-00001")
    return value


def _iswc(text: str) -> str:
    value = _compact(text, "ISWC")
    if not re.fullmatch("T[0-9]{10}", value):
        raise IdentifierError(f"{_short(text)} is no ISWC such as T-034.524.680-1")
    total = 1 + sum(place * int(digit) for place, digit in enumerate(value[1:10], 1))
    _expect(text, "ISWC", value[10], str(-total % 10))
    return value


def _isbn(text: str) -> str:
    value = _compact(text, "ISBN")
    if re.fullmatch("[0-9]{9}[0-9X]", value):
        total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), value, strict=False))
        _expect(text, "ISBN", value[9], _mod11(-total % 11))
        value = "978" + value[:9]
        return value + _ean(value)
    if not re.fullmatch("97[89][0-9]{10}", value):
        raise IdentifierError(f"{_short(text)} is no ISBN of 10 or 13 digits")
    _expect(text, "ISBN", value[12], _ean(value[:12]))
    return value


def _issn(text: str) -> str:
    value = _compact(text, "ISSN")
    if not re.fullmatch("[0-9]{7}[0-9X]", value):
        raise IdentifierError(f"{_short(text)} is no ISSN such as 0378-5955")
    total = sum(weight * int(digit) for weight, digit in zip(range(8, 1, -1), value, strict=False))
    _expect(text, "ISSN", value[7], _mod11(-total % 11))
    return f"{value[:4]}-{value[4:]}"


def _isni(text: str) -> str:
    """ISO 7064 MOD 11-2."""
    value = _compact(text, "ISNI")
    if not re.fullmatch("[0-9]{15}[0-9X]", value):
        raise IdentifierError(f"{_short(text)} is no ISNI of 16 digits")
    total = 0
    for digit in value[:15]:
        total = (total + int(digit)) * 2
    _expect(text, "ISNI", value[15], _mod11((12 - total % 11) % 11))
    return value


def _doi(text: str) -> str:
    bare, links = _DOI_HEAD.subn("", text, count=1)
    value = (unquote(bare) if links and "%" in bare else bare).lower()
    if not _DOI.fullmatch(value):
        raise IdentifierError(f"{_short(text)} is no DOI such as 10.1000/182")
    return value


def _iscc(text: str) -> str:
    value = _compact(text, "ISCC")
    if not _ISCC.fullmatch(value):
        raise IdentifierError(f"{_short(text)} is no ISCC code (letters A to Z and digits 2 to 7)")
    return value


def _own(text: str) -> str:
    value = text if text.isascii() and " " not in text else quote(text, safe="!#$&'()*+,/:;=?@[]~|")
    if not _OWN.fullmatch(value):
        raise IdentifierError(f"{_short(text)} is no id: 1 to 200 characters without control characters")
    return value


_READERS: Mapping[str, Callable[[str], str]] = {
    "isrc": _isrc, "iswc": _iswc, "isbn": _isbn, "issn": _issn,
    "doi": _doi, "iscc": _iscc, "isni": _isni, "own": _own,
}  # fmt: skip


def _mod11(value: int) -> str:
    return "X" if value == 10 else str(value)


def _ean(digits: str) -> str:
    return str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10)


def _expect(text: str, kind: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise IdentifierError(
            f"the check digit of {kind} {_short(text)} is wrong: it would be {wanted}, not {found}"
        )


def _short(text: str) -> str:
    cut = text if len(text) <= 60 else f"{text[:57]}..."
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + '"'
