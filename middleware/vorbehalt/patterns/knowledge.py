"""What is known of browsers, from the rules: release dates, header order, builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from vorbehalt.patterns.reading import Reader, Table

DOCUMENT: Final = "browsers.toml"
Chain = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Header names whose relative order an engine keeps on navigations, from a major version on."""

    engine: str
    major_from: int
    chains: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`releases`: engine or product -> major -> day of its first release.

    `last_of_system`: (engine, what the User-Agent says of the system) -> the last major that runs there.
    """

    releases: Mapping[str, Mapping[int, date]]
    long_support: Mapping[str, Mapping[int, date]]
    last_of_system: tuple[tuple[str, bytes, int], ...]
    orders: tuple[Order, ...]
    builds: tuple[tuple[int, int], ...] = ()
    """Some majors of Chromium with the build of their branch, ascending."""

    def builds_of(self, major: int) -> tuple[int, int]:
        """Bounds within which the build of a Chromium lies, because builds only ever grow."""
        least, most = 0, 1_000_000
        for known, build in self.builds:
            if known < major:
                least = build
            elif known > major:
                return least, build
        return least, most

    def last_day(self, name: str, major: int) -> date | None:
        """The day from which a version ages: its release, or the end of its long support; None if unknown."""
        released = self.releases.get(name, {}).get(major)
        return self.long_support.get(name, {}).get(major, released)


def read_knowledge(documents: Mapping[str, bytes], mistakes: list[str]) -> Knowledge:
    """Read `browsers.toml` of the rules; what is wrong is added to the mistakes."""
    read = Reader(DOCUMENT, mistakes)
    table = read.load(documents)
    read.known(table, frozenset({"format", "releases", "long_support", "last_of_system", "order", "builds"}))
    return Knowledge(
        _dates(read, table, "releases"),
        _dates(read, table, "long_support"),
        tuple(_last_of_system(read, table)),
        tuple(_order(read, row) for row in read.tables(table, "order")),
        _builds(read, table),
    )


def _builds(read: Reader, table: Table) -> tuple[tuple[int, int], ...]:
    rows = read.table(table, "builds").get("chromium", [])
    found: list[tuple[int, int]] = []
    for row in rows if isinstance(rows, list) else [rows]:
        if isinstance(row, list) and len(row) == 2 and all(type(number) is int for number in row):
            found.append((row[0], row[1]))
        else:
            read.fail(f"builds.chromium must be pairs of a major version and a build, not {row!r}")
    if found != sorted(found, key=lambda pair: pair[1]) or found != sorted(found):
        read.fail("builds.chromium must grow with the major version")
    return tuple(found)


def _dates(read: Reader, table: Table, key: str) -> Mapping[str, Mapping[int, date]]:
    found: dict[str, Mapping[int, date]] = {}
    for name, rows in read.table(table, key).items():
        read.place = f"{key}.{name}"
        days: dict[int, date] = {}
        for row in rows if isinstance(rows, list) else [rows]:
            if isinstance(row, list) and len(row) == 2 and isinstance(row[0], int) and type(row[1]) is date:
                days[row[0]] = row[1]
            else:
                read.fail(f"must be pairs of a major version and a date, not {row!r}")
        found[name] = MappingProxyType(days)
    read.place = ""
    return MappingProxyType(found)


def _last_of_system(read: Reader, table: Table) -> list[tuple[str, bytes, int]]:
    found: list[tuple[str, bytes, int]] = []
    for row in read.tables(table, "last_of_system"):
        read.place = "last_of_system"
        read.known(row, frozenset({"engine", "systems", "major"}))
        engine, major = read.text(row, "engine"), read.number(row, "major", 1, 10_000)
        found += [(engine, system.encode(), major) for system in read.texts(row, "systems")]
    read.place = ""
    return found


def _order(read: Reader, row: Table) -> Order:
    read.place = "order"
    read.known(row, frozenset({"engine", "major_from", "chains"}))
    chains: list[Chain] = []
    value = row.get("chains")
    for chain in value if isinstance(value, list) else [value]:
        if isinstance(chain, list) and all(isinstance(name, str) and name == name.lower() for name in chain):
            chains.append(tuple(name.encode() for name in chain))
        else:
            read.fail(f"chains must be lists of header names in lower case, not {chain!r}")
    order = Order(
        read.one_of(row, "engine", ("blink", "gecko")),
        read.number(row, "major_from", 0, 10_000),
        tuple(chains),
    )
    read.place = ""
    return order
