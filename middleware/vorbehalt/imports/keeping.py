"""Brings what was found into the evidence: an object and a record each, marked, none of it twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.history.records import IMPORTED, Imported, read_imported
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.reading.scan import scan_log, unsealed_leaves
from vorbehalt.evidence.receipt import Draft, Evidence, Receipt
from vorbehalt.imports.found import Found

_BATCH = 200
_DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said about an import as a whole. `hosts` are those of the host's own entry, () by default."""

    hosts: tuple[str, ...]
    host: str
    how: str
    source: str
    custodian: str
    imported_at: int


def imports_of(found: Iterable[Found], statement: Statement) -> list[Imported]:
    """Return the records that these versions would be, without an index (-1)."""
    return [
        Imported(
            index=-1,
            hosts=statement.hosts,
            host=statement.host,
            document=item.document,
            digest=ObjectStore.digest(item.body),
            media_type=item.media_type,
            valid_from=item.valid_from,
            valid_until=item.valid_until,
            how=statement.how,
            source=statement.source,
            custodian=statement.custodian,
            imported_at=statement.imported_at,
            detail=item.detail,
        )
        for item in found
    ]


def known_imports(directory: Path) -> set[tuple[object, ...]]:
    """Return the keys of all that was imported into a directory, sealed or not; it need not exist."""
    if not (directory / "log" / "vkey").is_file():
        return set()
    waiting = [read_imported(-1, leaf) for leaf in unsealed_leaves(directory, (IMPORTED,))]
    # Read after the spool: what is sealed meanwhile is found here.
    sealed = [read_imported(index, leaf) for index, leaf in scan_log(directory, (IMPORTED,)).found]
    return {item.key for item in (*waiting, *sealed) if item is not None}


def keep(evidence: Evidence, bodies: Sequence[bytes], records: Sequence[Imported]) -> None:
    """Keep the objects, then the records, durably; the log is sealed by `close`.

    Raises EvidenceError if the disk refuses.
    """
    evidence.start()
    for body in bodies:
        evidence.put_object(body)
    for first in range(0, len(records), _BATCH):
        receipts = [
            evidence.append(Draft(type=IMPORTED, ref="", at=item.imported_at, seen=item.seen()))
            for item in records[first : first + _BATCH]
        ]

        async def all_durable(waiting: Sequence[Receipt] = receipts) -> bool:
            return all([await receipt.durable(_DEADLINE_SECONDS) for receipt in waiting])

        if not asyncio.run(all_durable()):
            raise EvidenceError(
                "not all records could be written: look at the disk, then import again; what is there already"
                " is not taken twice"
            )
