"""The ledgers of several operators from one pass over the log, each with a period of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from json import dumps
from pathlib import Path

from vorbehalt.claims.ledger import Ledger, Progress, Query, Tally
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries

_OPERATOR = re.compile(rb'"operator":("(?:[^"\\]|\\.)*")')
_ROLLUP = b'"type":"rollup"'


def read_ledgers(
    directory: Path, queries: Sequence[Query], size: int | None = None, progress: Progress | None = None
) -> list[Ledger]:
    """Count the sealed records for each query, one per operator; the same counts as one by one.

    Only what names an operator is counted: gaps, cut records and rollups of nobody belong to the log as a
    whole and stay 0 here. Raises EvidenceError if a record cannot be read.
    """
    full = open_log(directory)[1].size
    if size is not None and size > full:
        raise EvidenceError(f"the log holds {full} records, not {size}")
    wanted = full if size is None else size
    tallies = [Tally(query) for query in queries]
    by_name = {dumps(query.operator).encode("ascii"): tally
               for query, tally in zip(queries, tallies, strict=True)}  # fmt: skip
    in_rollups = {text: tally for query, tally in zip(queries, tallies, strict=True)
                  for text in (query.operator, *query.tokens)}  # fmt: skip

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    begin = first_readable(directory, full)
    for first in range(begin, wanted if queries else 0, WIDTH):
        for entry in read_entries(reader, bundle_name(first, full))[: wanted - first]:
            # Quotation marks inside texts are escaped: these stand only where a key or a type stands.
            if _ROLLUP in entry and (leaf := decode_leaf(entry))["type"] == "rollup":
                concerned = _rolled(seen_of(leaf).get("rows"), in_rollups)
            elif names := {name for name in _OPERATOR.findall(entry) if name in by_name}:
                leaf, concerned = decode_leaf(entry), [by_name[name] for name in names]
            else:
                continue
            for tally in concerned:
                tally.take(leaf)
        if progress is not None:
            progress(min(first + WIDTH, wanted), wanted)
    ledgers = [tally.finish() for tally in tallies]
    for ledger in ledgers:
        ledger.size, ledger.unnamed, ledger.pruned = wanted, 0, begin
    return ledgers


def _rolled(rows: object, in_rollups: dict[str, Tally]) -> Iterable[Tally]:
    keys = [row["key"] for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    named = [in_rollups[text] for key in keys for text in key[1:3] if text in in_rollups]
    return {id(tally): tally for tally in named}.values()
