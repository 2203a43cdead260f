"""One request by the reference that its visitor was given: its record, and, as an access, its address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.frames import scan_frames
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.reading.scan import unsealed_leaves
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries
from vorbehalt.evidence.vault.vault import SALT_BYTES, Keys, commitment, open_row, parse_row

_REQUEST = ("request",)


def find_request(directory: Path, ref: str) -> dict[str, Any] | None:
    """Return the `request` record with this reference, the newest first; None if there is none.

    `index` is its place in the log, None while it is not sealed. Raises EvidenceError if the log cannot be
    read. Verifies nothing but the checkpoint's signature.
    """
    # Before the log: what is sealed meanwhile would be in neither.
    waiting = unsealed_leaves(directory, _REQUEST)
    size = open_log(directory)[1].size
    mark = f'"ref":"{ref}"'.encode()

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    begin = first_readable(directory, size)
    for first in range((size - 1) // WIDTH * WIDTH if size else -1, begin - 1, -WIDTH):
        for offset, entry in enumerate(read_entries(reader, bundle_name(first, size))):
            # Quotation marks inside texts are escaped: the mark stands only where a reference stands.
            if mark in entry and (leaf := decode_leaf(entry))["ref"] == ref and leaf["type"] in _REQUEST:
                return {"index": first + offset, **leaf}
    return next(({"index": None, **leaf} for leaf in waiting if leaf["ref"] == ref), None)


def open_address(directory: Path, leaf: Mapping[str, Any]) -> str:
    """Return the network address of a record from the vault; whoever calls it records the access first.

    Raises EvidenceError with a sentence where there is none, or where it was forgotten; TamperError if the
    vault holds something else than the record commits to.
    """
    private, key_name = leaf.get("private"), leaf.get("vault")
    said = private.get("address") if isinstance(private, dict) else None
    if not isinstance(said, dict) or not isinstance(key_name, str):
        raise EvidenceError("the record holds no address: none was known when the request came")
    key = Keys(directory).get(f"day-{key_name}")
    if key is None:
        raise EvidenceError(
            f"the address is forgotten: the vault's key of {key_name.partition('.')[0]} was destroyed"
        )
    writer, sequence = str(leaf["w"]), int(str(leaf["s"]))
    for path in sorted((directory / "vault" / key_name.partition(".")[0]).glob(f"{writer}.*.rows")):
        for payload in scan_frames(path.read_bytes()).payloads:
            row = parse_row(payload)
            if row is None or row.sequence != sequence or row.key != key_name:
                continue
            opening = open_row(row, key, writer).get("address", b"")
            if commitment("address", opening) != said.get("c"):
                raise TamperError("the vault holds another address than the record commits to")
            return opening[SALT_BYTES:].decode("ascii")
    raise EvidenceError("the address is forgotten: its row in the vault was erased or is not here")
