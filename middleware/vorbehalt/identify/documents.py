"""Rules documents (TOML) to a registry: strict, and all mistakes at once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Literal, TypeVar, cast, get_args

from vorbehalt.errors import RulesError
from vorbehalt.facts import Purpose
from vorbehalt.identify.registry import Basis, Crawler, Form, Kind, Means, Party, Registry, Source

Table = Mapping[str, object]
Respect = Literal["yes", "claimed", "no", "unknown"]
T = TypeVar("T")

FORMAT: Final = 1
_CASES: Final = ("insensitive", "sensitive")
_PURPOSES: Final = tuple(purpose.value for purpose in Purpose)
_MEANS_KEYS: Final = {"ranges": "list", "as": "list", "rdns": "suffixes", "signature": "directory"}
_CRAWLER_KEYS: Final = frozenset(
    [
        "token",
        "kind",
        "purpose",
        "purpose_basis",
        "purpose_note",
        "form",
        "case",
        "aliases",
        "robots",
        "control",
        "respects_robots",
        "legal_deposit",
        "documentation",
        "sources",
        "must_match",
        "must_not_match",
        "verify",
    ]
)
_ROOT_KEYS: Final = frozenset({"format", "operator", "maker", "source", "crawler"})
_PARTY_KEYS: Final = frozenset({"id", "name", "homepage"})
_SOURCE_KEYS: Final = frozenset({"id", "url", "date"})


def digest_of(documents: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over all documents in the order of their names: name, NUL, length, NUL, bytes."""
    whole = hashlib.sha256()
    for name in sorted(documents):
        body = documents[name]
        whole.update(f"{name}\0{len(body)}\0".encode())
        whole.update(body)
    return whole.hexdigest()


def read_registry(documents: Mapping[str, bytes], version: str) -> Registry:
    """Read the operators and the rejected tokens. Raises RulesError with all mistakes, one a line."""
    mistakes: list[str] = []
    parties: dict[str, Party] = {}
    crawlers: list[Crawler] = []
    rejected: dict[str, str] = {}
    for name in sorted(documents):
        if name == "rejected.toml":
            rejected = _read_rejected(_Reader(name, mistakes), documents[name])
        elif name.startswith("operators/") and name.endswith(".toml"):
            party, found = _read_operator(_Reader(name, mistakes), documents[name])
            crawlers += found
            if party is not None:
                parties[party.id] = party
    _check_unique(crawlers, mistakes)
    if mistakes:
        raise RulesError("\n".join(mistakes))
    return Registry(version, digest_of(documents), tuple(crawlers), parties, rejected)


class _Reader:
    """Takes typed values out of tables and notes what is wrong, with file and token."""

    __slots__ = ("file", "mistakes", "place")

    def __init__(self, file: str, mistakes: list[str]) -> None:
        self.file = file
        self.mistakes = mistakes
        self.place = ""

    def fail(self, message: str) -> None:
        self.mistakes.append(f"{self.file}: {self.place + ': ' if self.place else ''}{message}")

    def load(self, body: bytes) -> Table | None:
        try:
            table: Table = tomllib.loads(body.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            self.fail(f"not readable as TOML: {error}")
            return None
        if table.get("format") != FORMAT or table.get("format") is True:
            self.fail(f"format must be {FORMAT}")
            return None
        return table

    def known(self, table: Table, keys: frozenset[str]) -> None:
        if not table.keys() <= keys:
            self.fail(f"unknown key {', '.join(sorted(table.keys() - keys))}")

    def value(self, table: Table, key: str, kind: type[T], default: T | None = None) -> T | None:
        """The value of a key; None after a mistake. Without a default the key is required."""
        if key not in table:
            if default is None:
                self.fail(f"{key} is missing")
            return default
        value = table[key]
        # bool is an int and datetime a date to isinstance; neither is meant where the other is.
        if not isinstance(value, kind) or (kind is date and isinstance(value, datetime)):
            self.fail(f"{key} must be a {_NAMES.get(kind, kind.__name__)}, not {value!r}")
            return None
        return value

    def text(self, table: Table, key: str, default: str | None = None) -> str:
        value = self.value(table, key, str, default)
        if value is not None and not value.strip() and default is None:
            self.fail(f"{key} is empty")
        return value or ""

    def one_of(self, table: Table, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.value(table, key, str, default)
        if value is not None and value not in allowed:
            self.fail(f"{key} must be one of {' '.join(allowed)}, not {value!r}")
        return value or ""

    def texts(self, table: Table, key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            self.fail(f"{key} must be a list of non-empty strings, not {value!r}")
            return ()
        return tuple(value)

    def tables(self, table: Table, key: str) -> list[Table]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fail(f"{key} must be written as [[{key}]]")
            return []
        return value


_NAMES: Final[Mapping[type, str]] = {str: "string", date: "date", bool: "boolean", dict: "table"}


def _read_operator(read: _Reader, body: bytes) -> tuple[Party | None, list[Crawler]]:
    table = read.load(body)
    if table is None:
        return None, []
    read.known(table, _ROOT_KEYS)
    roles = [role for role in ("operator", "maker") if role in table]
    if len(roles) != 1:
        read.fail("exactly one of [operator] and [maker] is needed")
        return None, []
    party = _read_party(read, table, roles[0])
    sources: dict[str, Source] = {}
    for row in read.tables(table, "source"):
        read.known(row, _SOURCE_KEYS)
        source = Source(
            read.text(row, "id"), read.text(row, "url"), read.value(row, "date", date) or date.min
        )
        if source.id in sources:
            read.fail(f"source {source.id!r} appears twice")
        sources[source.id] = source
    rows = read.tables(table, "crawler")
    if not rows:
        read.fail("no [[crawler]]")
    crawlers = []
    for row in rows:
        read.place = str(row.get("token", "crawler without a token"))
        crawlers.append(_read_crawler(read, row, party, sources))
    read.place = ""
    return party, crawlers


def _read_party(read: _Reader, table: Table, role: str) -> Party:
    row = read.value(table, role, dict) or {}
    read.place = f"[{role}]"
    read.known(row, _PARTY_KEYS)
    party = Party(
        read.text(row, "id"), read.text(row, "name"), role == "operator", read.text(row, "homepage", "")
    )
    stem = read.file.removeprefix("operators/").removesuffix(".toml")
    if party.id != stem:
        read.fail(f"id must be the file name, {stem!r}, not {party.id!r}")
    read.place = ""
    return party


def _read_crawler(read: _Reader, row: Table, party: Party, sources: Mapping[str, Source]) -> Crawler:
    read.known(row, _CRAWLER_KEYS)
    token = read.text(row, "token")
    aliases = read.texts(row, "aliases")
    for name in (token, *aliases):
        if name and not (
            name.isascii() and name.isprintable() and name == name.strip() and any(map(str.isalnum, name))
        ):
            read.fail(f"{name!r} must be printable ASCII without spaces at its ends")
    purpose = read.one_of(row, "purpose", _PURPOSES)
    note = read.text(row, "purpose_note", "")
    if purpose == Purpose.DATASET and not note.strip():
        read.fail("purpose dataset needs a purpose_note that says why")
    named = read.texts(row, "sources")
    if not named:
        read.fail("sources is missing: every entry says where it comes from")
    for name in named:
        if name not in sources:
            read.fail(f"source {name!r} is not in this file")
    is_control = read.value(row, "control", bool, False) or False
    robots = read.texts(row, "robots")
    return Crawler(
        token=token,
        party=party,
        kind=cast(Kind, read.one_of(row, "kind", get_args(Kind))),
        purpose=Purpose(purpose) if purpose in _PURPOSES else Purpose.UNDOCUMENTED,
        purpose_basis=cast(Basis, read.one_of(row, "purpose_basis", get_args(Basis))),
        form=cast(Form, read.one_of(row, "form", get_args(Form), "word")),
        case_sensitive=read.one_of(row, "case", _CASES, "insensitive") == "sensitive",
        aliases=aliases,
        robots_tokens=robots or ((token,) if is_control else ()),
        is_control=is_control,
        verify=tuple(_read_means(read, means) for means in read.tables(row, "verify")),
        purpose_note=note,
        documentation=read.text(row, "documentation", ""),
        respects_robots=cast(Respect, read.one_of(row, "respects_robots", get_args(Respect), "unknown")),
        legal_deposit=read.value(row, "legal_deposit", bool, False) or False,
        sources=tuple(sources[name] for name in named if name in sources),
        must_match=read.texts(row, "must_match"),
        must_not_match=read.texts(row, "must_not_match"),
    )


def _read_means(read: _Reader, row: Table) -> Means:
    method = read.one_of(row, "method", tuple(_MEANS_KEYS))
    key = _MEANS_KEYS.get(method)
    if key is None:
        return Means("ranges")
    read.known(row, frozenset({"method", key}))
    if key == "suffixes":
        suffixes = read.texts(row, key)
        if not suffixes or not all(suffix.startswith(".") and len(suffix) > 1 for suffix in suffixes):
            read.fail("suffixes must be a list of names, each with a leading dot")
        return Means("rdns", suffixes=suffixes)
    value = read.text(row, key)
    if key == "directory":
        if value and not value.startswith("https://"):
            read.fail(f"directory must be an https origin, not {value!r}")
        return Means("signature", directory=value)
    return Means("as" if method == "as" else "ranges", list=value)


def _read_rejected(read: _Reader, body: bytes) -> dict[str, str]:
    table = read.load(body)
    if table is None:
        return {}
    read.known(table, frozenset({"format", "rejected"}))
    rejected: dict[str, str] = {}
    for row in read.tables(table, "rejected"):
        read.place = str(row.get("token", "rejected without a token"))
        read.known(row, frozenset({"token", "reason"}))
        token, reason = read.text(row, "token"), read.text(row, "reason")
        if token in rejected:
            read.fail("appears twice")
        rejected[token] = reason
    read.place = ""
    return rejected


def _check_unique(crawlers: Sequence[Crawler], mistakes: list[str]) -> None:
    """A spelling belongs to one crawler; two may differ by case alone if both are case-sensitive."""
    seen: dict[str, list[tuple[str, Crawler]]] = {}
    for crawler in crawlers:
        for name in (crawler.token, *crawler.aliases):
            for other_name, other in seen.setdefault(name.lower(), []):
                if name != other_name and crawler.case_sensitive and other.case_sensitive:
                    continue
                mistakes.append(
                    f"operators/{crawler.party.id}.toml: {crawler.token}: {name!r} is already taken by"
                    f" {other.token} in operators/{other.party.id}.toml"
                )
            seen[name.lower()].append((name, crawler))
