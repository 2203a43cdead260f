"""Joins what a proxy's access log says to the records of the requests it asked about, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.reading.scan import unsealed_leaves
from vorbehalt.evidence.receipt import Draft, Evidence, Receipt
from vorbehalt.imports.access_log import Sent, read_line

VANTAGE = "access-log"
_BATCH = 500
_DEADLINE_SECONDS = 30.0


@dataclass(slots=True)
class Waiting:
    """The requests of a log that no completion belongs to yet, by reference and by the proxy's own id."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    joined: set[str] = field(default_factory=set)
    """The same names of those that were joined before."""


@dataclass(slots=True)
class Joined:
    """What came of one access log.

    `lines` are those that can be read; `unnamed` name no request, `unmatched` one that is no record of ours.
    """

    digest: str = ""
    lines: int = 0
    unreadable: int = 0
    unnamed: int = 0
    unmatched: int = 0
    already: int = 0
    found: list[tuple[dict[str, Any], Sent]] = field(default_factory=list)


def waiting_requests(directory: Path) -> Waiting:
    """Return the requests that a proxy asked about, sealed or not.

    Raises EvidenceError if the log cannot be read.
    """
    waiting = Waiting()
    done = {
        seen.get("of")
        for leaf in _leaves(directory, "completion")
        if (seen := _seen(leaf)).get("vantage") == VANTAGE
    }
    for leaf in _leaves(directory, "request"):
        seen = _seen(leaf)
        if seen.get("vantage") != "forward-auth":
            continue
        names = [name for name in (leaf["ref"], seen.get("request_id")) if isinstance(name, str) and name]
        if leaf["ref"] in done:
            waiting.joined.update(names)
        else:
            kept = {key: seen.get(key) for key in ("host", "method", "claim")}
            waiting.requests |= {name: {"ref": leaf["ref"], "seen": kept} for name in names}
    return waiting


def _leaves(directory: Path, kind: str) -> Iterator[Mapping[str, Any]]:
    yield from unsealed_leaves(directory, (kind,))
    # Read after the spool: what is sealed meanwhile is found here.
    yield from show(directory, Filters(type=kind))


def join_log(path: Path, waiting: Waiting) -> Joined:
    """Look up every line of an access log. Raises OSError if it cannot be read."""
    joined, digest = Joined(), sha256()
    taken: set[str] = set()
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            sent = read_line(line)
            if sent is None:
                joined.unreadable += bool(line.strip())
                continue
            joined.lines += 1
            record = waiting.requests.get(sent.request_id)
            if not sent.request_id:
                joined.unnamed += 1
            elif sent.request_id in waiting.joined or (record is not None and record["ref"] in taken):
                joined.already += 1
            elif record is None:
                joined.unmatched += 1
            else:
                taken.add(record["ref"])
                joined.found.append((record, sent))
    joined.digest = digest.hexdigest()
    return joined


def completions(joined: Joined, imported_at: int) -> Iterator[Draft]:
    """Yield the records to be kept: what the proxy says it sent, marked as coming from its log.

    `delivered` only where the log says that the answer was whole: a transfer that may have broken off
    delivers no work.
    """
    for record, sent in joined.found:
        asked = _seen(record)
        delivered = (
            sent.whole is True
            and sent.bytes > 0
            and asked.get("method") != "HEAD"
            and sent.status in (200, 203, 206)
        )
        yield Draft(
            type="completion",
            ref=str(record["ref"]),
            at=imported_at,
            seen={
                "of": record["ref"],
                "host": asked.get("host"),
                "status": sent.status,
                "bytes": sent.bytes,
                "whole": sent.whole,
                "delivered": delivered,
                "reservation": {"headers": ""},
                "vantage": VANTAGE,
                "request_id": sent.request_id,
                "log": {"sha256": joined.digest, "imported_at": str(imported_at)},
                "claim": asked.get("claim"),
            },
            amount=sent.bytes if delivered else 0,
        )


def keep_completions(evidence: Evidence, drafts: Sequence[Draft]) -> None:
    """Keep the records durably; raises EvidenceError if the disk refuses."""
    evidence.start()
    for first in range(0, len(drafts), _BATCH):
        receipts = [evidence.append(draft) for draft in drafts[first : first + _BATCH]]

        async def all_durable(waiting: Sequence[Receipt] = receipts) -> bool:
            return all([await receipt.durable(_DEADLINE_SECONDS) for receipt in waiting])

        if not asyncio.run(all_durable()):
            raise EvidenceError("the records could not be written; what was written is not taken twice")


def _seen(leaf: Mapping[str, Any]) -> Mapping[str, Any]:
    seen = leaf.get("seen")
    return seen if isinstance(seen, dict) else {}
