"""A command as a writer beside others: its records are durable when it goes on, and sealed when it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from vorbehalt import __version__
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.receipt import Draft, Evidence

_DURABLE_SECONDS = 10.0
_NO_BUDGET = 1 << 40
_BATCH = 500


@contextmanager
def recording(directory: Path, task: str) -> Iterator[Evidence]:
    """Open the log of a directory as a writer beside others; sealed when left, where it can be.

    `task` says in the writer's first record which command it was. Whoever runs as root becomes the owner of
    the directory first. Raises EvidenceError if there is no log.
    """
    verifier, _, _ = open_log(directory)
    opening: dict[str, object] = {"software": f"vorbehalt {__version__}", "task": task}
    evidence = open_evidence(
        str(directory),
        verifier.name,
        opening,
        clients_per_minute=_NO_BUDGET,
        operators_per_minute=_NO_BUDGET,
    )
    with closing(evidence):
        evidence.start()
        yield evidence


def keep_all(evidence: Evidence, drafts: Sequence[Draft]) -> None:
    """Append records in their order and wait until all are durable. Raises EvidenceError."""

    async def kept(batch: Sequence[Draft]) -> bool:
        receipts = [evidence.append(draft) for draft in batch]
        return all([await receipt.durable(_DURABLE_SECONDS) for receipt in receipts])

    for first in range(0, len(drafts), _BATCH):
        if not asyncio.run(kept(drafts[first : first + _BATCH])):
            raise EvidenceError("the record could not be written: look at the disk of the evidence directory")
