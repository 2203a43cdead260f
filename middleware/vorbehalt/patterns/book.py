"""The rule book of findings: what each one means, weighs and needs, and how points become a level."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from vorbehalt.patterns.definition import LEVELS, Definition, Level, State, Text
from vorbehalt.patterns.knowledge import DOCUMENT as BROWSERS
from vorbehalt.patterns.knowledge import Knowledge, read_knowledge
from vorbehalt.patterns.parameters import PARAMETERS
from vorbehalt.patterns.reading import Parameter, Reader, Table, settle
from vorbehalt.patterns.seen import NEEDS

Keeps = Literal["maximum", "decay"]

FOLDER: Final = "findings/"
BOOK: Final = "findings/book.toml"
IDS: Final = tuple(PARAMETERS)
"""Every finding this version can make, in the order of the documentation."""

EXCUSES: Final = ("excuse.challenge_passed", "excuse.reads_like_a_person", "excuse.signed_in")
"""Every excuse this version knows."""

_BOOK_KEYS: Final = frozenset(
    {"format", "levels", "families_for_block", "points_to_count", "family", "excuse"}
)
_DEFINITION_KEYS: Final = frozenset(
    {"format", "id", "version", "family", "weight", "needs", "state", "alone_at_most", "conclusive",
     "parameters", "text", "source"}
)  # fmt: skip
_TEXT_KEYS: Final = frozenset({"title", "means", "observed", "expected", "innocent", "reader"})


@dataclass(frozen=True, slots=True)
class Family:
    """Findings that are faces of one fact: together they give no more than `cap` points.

    `keeps`: "maximum" counts the largest within the last `minutes`; "decay" halves points every `minutes`.
    `alone_at_most`: the hardest level that this family reaches without another.
    """

    name: str
    cap: int
    keeps: Keeps
    minutes: int
    alone_at_most: Level = "block"


@dataclass(frozen=True, slots=True)
class Excuse:
    """What speaks for a client; `weight` is negative."""

    id: str
    weight: int
    means: str


@dataclass(frozen=True, slots=True)
class Book:
    """All definitions and how they add up. `digest` is SHA-256 (hex) over the documents of the book."""

    definitions: Mapping[str, Definition]
    families: Mapping[str, Family]
    levels: Mapping[Level, int]
    """Points from which a level is reached: limit, challenge, block."""
    families_for_block: int
    points_to_count: int
    """Points from which a family, or a kind of evidence, counts beside another."""
    excuses: Mapping[str, Excuse]
    knowledge: Knowledge
    digest: str
    by_state: Mapping[State, tuple[Definition, ...]] = field(default_factory=dict)

    def definition(self, id: str) -> Definition:
        """The definition of a finding. Raises KeyError for an id that this version does not make."""
        return self.definitions[id]


def read_book(documents: Mapping[str, bytes]) -> Book:
    """Read the book from the rules. Raises RulesError with all mistakes, one a line."""
    mistakes: list[str] = []
    head = Reader(BOOK, mistakes)
    table = head.load(documents)
    head.known(table, _BOOK_KEYS)
    families = _read_families(head, table)
    levels = _read_levels(head, table)
    excuses = _read_excuses(head, table)
    enough = head.number(table, "families_for_block", 1, 9) if table else 2
    counts = head.number(table, "points_to_count", 1, 100) if table else 20
    names = [name for name in documents if name.startswith(FOLDER) and name != BOOK]
    for name in names:
        if name.removeprefix(FOLDER).removesuffix(".toml") not in IDS:
            mistakes.append(f"{name}: this version makes no such finding")
    definitions = {
        id: _read_definition(Reader(f"{FOLDER}{id}.toml", mistakes), documents, id, families) for id in IDS
    }
    knowledge = read_knowledge(documents, mistakes)
    settle(mistakes)
    by_state = {
        state: tuple(one for one in definitions.values() if one.state == state) for state in get_args(State)
    }
    return Book(
        MappingProxyType(definitions),
        MappingProxyType(families),
        MappingProxyType(levels),
        enough,
        counts,
        MappingProxyType(excuses),
        knowledge,
        _digest(documents, [BOOK, BROWSERS, *(f"{FOLDER}{id}.toml" for id in IDS)]),
        MappingProxyType(by_state),
    )


def _read_families(read: Reader, table: Table) -> dict[str, Family]:
    found: dict[str, Family] = {}
    for name, row in read.table(table, "family").items():
        read.place = f"family.{name}"
        if not isinstance(row, dict):
            read.fail("must be a table")
            continue
        read.known(row, frozenset({"cap", "keeps", "minutes", "alone_at_most"}))
        found[name] = Family(
            name,
            read.number(row, "cap", 1, 100),
            cast(Keeps, read.one_of(row, "keeps", get_args(Keeps))),
            read.number(row, "minutes", 1, 10_080),
            cast(Level, read.one_of(row, "alone_at_most", LEVELS, "block")),
        )
    read.place = ""
    return found


def _read_levels(read: Reader, table: Table) -> dict[Level, int]:
    row = read.table(table, "levels")
    read.place = "levels"
    read.known(row, frozenset(LEVELS[1:]))
    levels = {level: read.number(row, level, 1, 1000) for level in LEVELS[1:]} if table else {}
    if list(levels.values()) != sorted(set(levels.values())):
        read.fail("limit must be below challenge, and challenge below block")
    read.place = ""
    return levels


def _read_excuses(read: Reader, table: Table) -> dict[str, Excuse]:
    found: dict[str, Excuse] = {}
    for row in read.tables(table, "excuse"):
        id = read.one_of(row, "id", EXCUSES)
        read.place = id
        read.known(row, frozenset({"id", "weight", "means"}))
        found[id] = Excuse(id, read.number(row, "weight", -100, -1), read.text(row, "means"))
        read.place = ""
    for id in EXCUSES if table else ():
        if id not in found:
            read.fail(f"[[excuse]] {id} is missing")
    return found


def _read_definition(
    read: Reader, documents: Mapping[str, bytes], id: str, families: Mapping[str, Family]
) -> Definition:
    table = read.load(documents)
    empty = Definition(id, 0, "", 0, frozenset(), "none", "block", False, {}, Text("", "", "", "", (), ""))
    if not table:
        return empty
    read.known(table, _DEFINITION_KEYS)
    if table.get("id") != id:
        read.fail(f"id must be the file name, {id!r}, not {table.get('id')!r}")
    needs = read.texts(table, "needs")
    for need in needs:
        if need not in NEEDS:
            read.fail(f"needs must be among {' '.join(NEEDS)}, not {need!r}")
    parameters = read.parameters(table, "parameters")
    _check_parameters(read, id, parameters)
    text = read.table(table, "text")
    read.place = "text"
    read.known(text, _TEXT_KEYS)
    words = Text(
        read.text(text, "title"), read.text(text, "means"), read.text(text, "observed"),
        read.text(text, "expected"), read.texts(text, "innocent"), read.text(text, "reader"),
    )  # fmt: skip
    read.place = ""
    return Definition(
        id=id,
        version=read.number(table, "version", 1, 10_000),
        family=read.one_of(table, "family", tuple(families) or ("",)),
        weight=read.number(table, "weight", 0, 100),
        needs=frozenset(needs),
        state=cast(State, read.one_of(table, "state", get_args(State))),
        alone_at_most=cast(Level, read.one_of(table, "alone_at_most", LEVELS, "block")),
        conclusive=read.value(table, "conclusive", bool, False),
        parameters=MappingProxyType(parameters),
        text=words,
        sources=read.texts(table, "source"),
    )


def _check_parameters(read: Reader, id: str, found: Mapping[str, Parameter]) -> None:
    """What a finding's code reads must be there, of its kind; what it does not read has no effect: wrong."""
    wanted = PARAMETERS[id]
    for name, kind in wanted.items():
        value = found.get(name)
        if kind is tuple and not isinstance(value, tuple):
            read.fail(f"parameters.{name} must be a list of strings")
        elif kind is float and (not isinstance(value, int | float) or value < 0):
            read.fail(f"parameters.{name} must be a number that is not negative")
    if unknown := sorted(found.keys() - wanted.keys()):
        read.fail(f"unknown parameter {', '.join(unknown)}")


def _digest(documents: Mapping[str, bytes], names: list[str]) -> str:
    whole = hashlib.sha256()
    for name in sorted(names):
        body = documents[name]
        whole.update(f"{name}\0{len(body)}\0".encode())
        whole.update(body)
    return whole.hexdigest()
