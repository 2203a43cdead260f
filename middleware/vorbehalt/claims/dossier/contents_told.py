"""Parts of a dossier that are told one by one: faults, sentences, writers, anchors, custody. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vorbehalt.claims.dossier.contents_parts import Text


@dataclass(frozen=True, slots=True)
class UnmappedPath:
    """A path (raw, from outside) at which the records name no work, and how often it was asked for."""

    host: Text
    path: Text
    attributed: int
    described: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A gap or a clock record: `index` in the log, `at` RFC 3339, what it says as pairs."""

    index: int
    at: str
    kind: str
    says: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence in the dossier's language, with a code that never changes and the figures in it."""

    code: str
    sentence: str
    figures: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Rollup:
    """Visits that were counted without a record of their own, of one day and standing.

    Their leaves may hold the counts of others too and are enclosed only if they do not.
    """

    day: str
    standing: str
    requested: int
    refused: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Software:
    """One writer of the log, from its first record."""

    index: int
    at: str
    software: Text
    rules: str
    rules_digest: str
    config: str
    task: Text


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody else said of the log. `time` RFC 3339, empty for a copy; `files` lie in `anchors/`."""

    index: int
    kind: str
    name: Text
    size: int
    time: str
    is_checked: bool
    is_qualified: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Custody:
    """One row of the custody sheet: who did what with the evidence, when, why; `index` of its record."""

    index: int
    at: str
    what: str
    who: Text
    why: Text
    detail: Text
