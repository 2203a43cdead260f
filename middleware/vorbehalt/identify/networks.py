"""Network addresses in text: their canonical form, the key of a limit, and membership in published lists."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, cast, get_args

from vorbehalt.errors import RulesError

ListBasis = Literal["operator", "third-party"]

_KNOWN_ADDRESSES: Final = 4096
_SHORTEST: Final = {4: 8, 6: 16}
_BITS: Final = {4: 32, 6: 128}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAPPED: Final = 0xFFFF << 32


def _number4(text: str) -> int:
    """The number of a dotted quad, -1 if it is none. Leading zeros are refused: they are octal to some."""
    parts = text.split(".")
    if len(parts) != 4 or not text.isascii():
        return -1
    number = 0
    for part in parts:
        if not part.isdigit() or len(part) > 3 or (part[0] == "0" and part != "0"):
            return -1
        value = int(part)
        if value > 255:
            return -1
        number = number << 8 | value
    return number


def _number6(text: str) -> int:
    """The number of an IPv6 address without zone, -1 if it is none."""
    try:
        return int(ipaddress.IPv6Address(text)) if "%" not in text else -1
    except ValueError:
        return -1


class NetworkSet:
    """Membership of an address among thousands of prefixes, IPv4 and IPv6.

    One set of networks per prefix length; answers are kept for the last 4,096 addresses.
    Raises ValueError for a malformed prefix, for host bits, and for a prefix so short (IPv4 below /8, IPv6
    below /16) that it would vouch for much of the network.
    """

    __slots__ = ("_four", "_known", "_six", "size")

    def __init__(self, prefixes: Iterable[str], *, any_length: bool = False) -> None:
        lengths: dict[tuple[int, int], set[int]] = {}
        self.size = 0
        for prefix in prefixes:
            version, number, length = _read_prefix(prefix, any_length)
            lengths.setdefault((version, _BITS[version] - length), set()).add(number)
            self.size += 1
        self._four = tuple((s, frozenset(lengths[v, s])) for v, s in sorted(lengths) if v == 4)
        self._six = tuple((s, frozenset(lengths[v, s])) for v, s in sorted(lengths) if v == 6)
        self._known: dict[str, bool] = {}

    def contains(self, address: str) -> bool:
        """True if the address (text, without port or zone) lies in one of the prefixes; never raises."""
        known = self._known.get(address)
        if known is not None:
            return known
        found = self.holds6(_number6(address)) if ":" in address else self.holds4(_number4(address))
        if len(self._known) >= _KNOWN_ADDRESSES:
            self._known.clear()
        self._known[address] = found
        return found

    def holds4(self, number: int) -> bool:
        """True if the IPv4 address of this number lies in one of the prefixes; -1 lies in none."""
        if number >= 0:
            for shift, networks in self._four:
                if number >> shift in networks:
                    return True
        return False

    def holds6(self, number: int) -> bool:
        """True if the IPv6 address of this number lies in one of the prefixes; -1 lies in none."""
        if number >= 0:
            for shift, networks in self._six:
                if number >> shift in networks:
                    return True
        return False


def _read_prefix(prefix: str, any_length: bool) -> tuple[int, int, int]:
    """Version, network number shifted to the right, and length of a prefix. Raises ValueError."""
    address, slash, length_text = prefix.partition("/")
    version = 6 if ":" in address else 4
    number = _number6(address) if version == 6 else _number4(address)
    bits = _BITS[version]
    length = bits if not slash else int(length_text) if _is_number(length_text) else -1
    if number < 0 or not 0 <= length <= bits:
        raise ValueError(f"{prefix!r} is no network prefix")
    if not any_length and length < _SHORTEST[version]:
        raise ValueError(f"{prefix!r} is wider than /{_SHORTEST[version]}, too wide to say who somebody is")
    shifted = number >> bits - length
    if shifted << bits - length != number:
        raise ValueError(f"{prefix!r} has bits set beyond its length")
    return version, shifted, length


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3


# IANA special-purpose registries (RFC 6890 and updates), multicast, 6to4 and Teredo. Our own table, because
# that of the standard library changed between Python releases and a verdict must be recomputable on any.
_NOT_GLOBAL: Final = NetworkSet(
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    ],
    any_length=True,
)
_GLOBAL_UNICAST: Final = 0b001


def canonical_address(text: str) -> tuple[str, bool] | None:
    """Return the canonical text of an address and whether it is globally routable; None if it is none.

    Takes off white space, quotes, brackets, port and zone (RFC 7239 section 6), unmaps IPv4-mapped IPv6
    (RFC 4291 section 2.5.5.2), writes IPv6 as RFC 5952. Never raises.
    """
    number = _number4(text)
    if number >= 0:
        return text, not _NOT_GLOBAL.holds4(number)
    text = text.strip().strip('"')
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not (rest[0] == ":" and rest[1:].isascii() and rest[1:].isdigit())):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not (port.isascii() and port.isdigit()):
            return None
    if ":" not in text:
        number = _number4(text)
        return (text, not _NOT_GLOBAL.holds4(number)) if number >= 0 else None
    number = _number6(text.partition("%")[0])
    if number < 0:
        return None
    if number >> 32 == _MAPPED >> 32:
        four = number & 0xFFFFFFFF
        return str(ipaddress.IPv4Address(four)), not _NOT_GLOBAL.holds4(four)
    is_global = number >> 125 == _GLOBAL_UNICAST and not _NOT_GLOBAL.holds6(number)
    return str(ipaddress.IPv6Address(number)), is_global


def limit_key(text: str) -> str:
    """Return the key of a limit for a canonical address: IPv4 itself, IPv6 its /64; other text unchanged."""
    if ":" not in text:
        return text
    number = _number6(text)
    return text if number < 0 else f"{ipaddress.IPv6Address(number >> 64 << 64)}/64"


@dataclass(frozen=True, slots=True)
class RangeList:
    """One published address list. `fetched_at` is nanoseconds UTC, `digest` SHA-256 hex of the document.

    `basis` is third-party for lists that did not come from the operator: they never contradict anybody.
    """

    name: str
    source_url: str
    fetched_at: int
    basis: ListBasis
    digest: str
    networks: NetworkSet

    @classmethod
    def from_document(cls, name: str, body: bytes) -> RangeList:
        """Read `ranges/NAME.json` (`name` with or without folder and ending).

        Raises RulesError with the place; a list without prefixes is refused, it would contradict everybody.
        """
        stem = name.removeprefix("ranges/").removesuffix(".json")
        place = f"ranges/{stem}.json"
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RulesError(f"{place}: not readable as JSON: {error}") from error
        if not isinstance(document, dict):
            raise RulesError(f"{place}: must be an object, not a {type(document).__name__}")
        for key in ("list", "source_url", "fetched_at", "basis"):
            if not isinstance(document.get(key), str):
                raise RulesError(f"{place}: {key} is missing or no string")
        if document["list"] != stem:
            raise RulesError(f"{place}: list must be {stem!r}, not {document['list']!r}")
        if document["basis"] not in get_args(ListBasis):
            raise RulesError(f"{place}: basis must be operator or third-party, not {document['basis']!r}")
        if document["basis"] == "operator" and not document["source_url"]:
            raise RulesError(f"{place}: source_url is empty: where does the operator publish it?")
        return cls(
            name=stem,
            source_url=document["source_url"],
            fetched_at=_nanoseconds(document["fetched_at"], place),
            basis=cast(ListBasis, document["basis"]),
            digest=hashlib.sha256(body).hexdigest(),
            networks=_read_prefixes(document.get("prefixes"), place),
        )


def read_range_lists(documents: Mapping[str, bytes]) -> dict[str, RangeList]:
    """Read every `ranges/*.json` by list name. Raises RulesError with the mistakes of all files."""
    lists: dict[str, RangeList] = {}
    mistakes: list[str] = []
    for name in sorted(documents):
        if name.startswith("ranges/") and name.endswith(".json"):
            try:
                one = RangeList.from_document(name, documents[name])
            except RulesError as error:
                mistakes.append(str(error))
            else:
                lists[one.name] = one
    if mistakes:
        raise RulesError("\n".join(mistakes))
    return lists


def _nanoseconds(text: str, place: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RulesError(f"{place}: fetched_at must be UTC, such as 2026-01-31T12:00:00Z, not {text!r}")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _read_prefixes(rows: object, place: str) -> NetworkSet:
    if not isinstance(rows, list) or not rows:
        raise RulesError(f"{place}: prefixes must be a list with at least one prefix")
    texts: list[str] = []
    for index, row in enumerate(rows):
        found = (
            [row[key] for key in ("ipv4Prefix", "ipv6Prefix") if key in row] if isinstance(row, dict) else []
        )
        if len(found) != 1 or not isinstance(found[0], str):
            raise RulesError(f"{place}: prefixes[{index}] must hold one of ipv4Prefix and ipv6Prefix")
        if ("ipv6Prefix" in row) != (":" in found[0]):
            raise RulesError(f"{place}: prefixes[{index}] names the wrong version of {found[0]!r}")
        texts.append(found[0])
    try:
        return NetworkSet(texts)
    except ValueError as error:
        raise RulesError(f"{place}: prefixes: {error}") from error
