"""What several operators were delivered, counted in one pass over the log; what a letter may say of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import Any

from vorbehalt.claims.ledger import Ledger, Query, Tally
from vorbehalt.claims.ledger_reading import is_disallowed
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Traffic:
    """The ledger of one operator; by standing, how many requests robots.txt disallowed or a licence covers.

    Only what the record itself says counts: `robots.allowed` as of that moment, and `permission`. What the
    version that the crawler had fetched last allowed it is not told as disallowed.
    """

    ledger: Ledger
    disallowed: dict[str, int] = field(default_factory=dict)
    licensed: dict[str, int] = field(default_factory=dict)


def read_traffic(
    directory: Path, queries: Mapping[str, Query], size: int | None = None, progress: Progress | None = None
) -> dict[str, Traffic]:
    """Count the sealed records of operators (key: the name as records bear it), each by its query.

    The figures are those of `ledger.read_ledger`. Verifies nothing but the checkpoint's signature. Raises
    EvidenceError if a record cannot be read or the log is shorter than `size`.
    """
    full = open_log(directory)[1].size
    if size is not None and size > full:
        raise EvidenceError(f"the log holds {full} records, not {size}")
    size = full if size is None else size
    tallies = {name: Tally(query) for name, query in queries.items()}
    found = {name: Traffic(tally.ledger) for name, tally in tallies.items()}
    pruned = first_readable(directory, full)
    for tally in tallies.values():
        tally.ledger.size, tally.ledger.pruned = size, pruned
    # Rollups of impostors name the product token only.
    by_text = {text: name for name, query in queries.items() for text in (name, *query.tokens)}
    names = b"|".join(re.escape(dumps(name).encode("ascii")) for name in sorted(queries))
    # Quotation marks inside texts are escaped: these stand only where a key or a type stands.
    mark = re.compile(rb'"operator":(?:' + names + rb')|"type":"(?:rollup|gap)"')

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    for first in range(pruned, size if queries else 0, WIDTH):
        for entry in read_entries(reader, bundle_name(first, full))[: size - first]:
            if mark.search(entry):
                leaf = decode_leaf(entry)
                if leaf["type"] == "gap":
                    for tally in tallies.values():
                        tally.take(leaf)
                elif leaf["type"] == "rollup":
                    for name in _rolled_up(leaf, by_text):
                        tallies[name].take(leaf)
                elif (name := _operator(leaf)) in tallies:
                    tallies[name].take(leaf)
                    _beside(found[name], leaf, queries[name])
            elif b'"seen":{}' in entry and b'"type":"request"' in entry:
                for tally in tallies.values():
                    tally.ledger.cut += 1
        if progress is not None:
            progress(min(first + WIDTH, size), size)
    for tally in tallies.values():
        tally.finish()
    return found


def _operator(leaf: Mapping[str, object]) -> str:
    claim = seen_of(leaf).get("claim")
    return str(claim.get("operator")) if isinstance(claim, dict) else ""


def _rolled_up(leaf: Mapping[str, object], by_text: Mapping[str, str]) -> set[str]:
    rows = seen_of(leaf).get("rows")
    keys = [row["key"] for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {by_text[text] for key in keys for text in key[1:3] if text in by_text}


def _beside(traffic: Traffic, leaf: Mapping[str, Any], query: Query) -> None:
    if leaf["type"] != "request" or not query.covers(int(leaf["at"])):
        return
    seen = leaf["seen"]
    standing = str(seen["claim"].get("standing"))
    permission = seen.get("permission") or "none"
    if permission != "none":
        traffic.licensed[standing] = traffic.licensed.get(standing, 0) + 1
    elif is_disallowed(seen):
        traffic.disallowed[standing] = traffic.disallowed.get(standing, 0) + 1
