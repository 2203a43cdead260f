"""What a dossier rests on beside the enclosed records: said by the configuration, the catalogue, the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vorbehalt.claims.dossier.contents import Parties, Pin, Question, Verification
from vorbehalt.claims.dossier.contents_told import (
    Rollup,
)
from vorbehalt.claims.dossier.disclosures import Row
from vorbehalt.claims.ledger import Query
from vorbehalt.works.entry import Work


@dataclass(frozen=True, slots=True)
class Given:
    """Values that no enclosed record proves; `check` takes them from `contents.json` and says so.

    `work` finds a work in the catalogue of today; `read` the bytes of an object by its SHA-256 (raises
    EvidenceError). `last` is the last sign of life of each writer, nanoseconds UTC.
    """

    question: Question
    query: Query
    pin: Pin
    verification: Verification
    parties: Parties
    catalogue: int | None
    work: Callable[[str], Work | None]
    read: Callable[[str], bytes]
    custodian: str
    last: Mapping[str, int]
    rollups: tuple[Rollup, ...]
    rollups_enclosed: bool
    unnamed: int
    cut: int
    disclosures: tuple[Row, ...] = ()
    disclosures_file: tuple[str, str] = ("", "")
    pruned: int = 0
    """Records below this index are gone from the log; only their hashes are kept."""
