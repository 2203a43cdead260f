"""Reads single records out of a log and proves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading.pruned import first_readable, must_be_readable
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.merkle import inclusion_proof
from vorbehalt.evidence.tlog.note import Checkpoint, Verifier, open_checkpoint
from vorbehalt.evidence.tlog.proof import Proof, verify_proof, write_proof
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries, tile_subtree


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records to show; None and an empty mapping let everything pass.

    `since` and `until` are nanoseconds UTC of a record's `at` (`until` exclusive). `fields` compares dotted
    names (`seen.action`) with the text of their values.
    """

    type: str | None = None
    ref: str | None = None
    writer: str | None = None
    since: int | None = None
    until: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    start: int = 0
    """Index of the first entry to look at."""

    def match(self, leaf: dict[str, object]) -> bool:
        at = int(str(leaf["at"]))
        return (
            self.type in (None, leaf["type"])
            and self.ref in (None, leaf["ref"])
            and self.writer in (None, leaf["w"])
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and all(_text(leaf, name) == value for name, value in self.fields.items())
        )


def _text(leaf: dict[str, object], dotted: str) -> str | None:
    value: object = leaf
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return str(value)


def open_log(directory: Path) -> tuple[Verifier, Checkpoint, bytes]:
    try:
        verifier = Verifier.from_vkey((directory / "log" / "vkey").read_text("utf-8").rstrip("\n"))
        note = (directory / "log" / "checkpoint").read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{directory.name}: not a readable evidence directory: {error}") from None
    return verifier, open_checkpoint(note, verifier), note


def show(directory: Path, filters: Filters | None = None) -> Iterator[dict[str, object]]:
    """Yields the sealed records that match, each with its `index` in the log first.

    A log whose beginning was pruned is read from where it begins (`pruned.first_readable`). Raises
    EvidenceError if the directory, a bundle or a record cannot be read. Verifies nothing but the checkpoint's
    signature: run the audit for that.
    """
    wanted = filters or Filters()
    _, checkpoint, _ = open_log(directory)

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    begin = max(wanted.start, first_readable(directory, checkpoint.size))
    for first in range(begin // WIDTH * WIDTH, checkpoint.size, WIDTH):
        entries = read_entries(reader, bundle_name(first, checkpoint.size))
        for index, entry in enumerate(entries, first):
            leaf = decode_leaf(entry)
            if index >= wanted.start and wanted.match(leaf):
                yield {"index": index, **leaf}


def prove(directory: Path, index: int) -> bytes:
    """Returns the proof file of one sealed record, checked before it is handed out.

    Raises EvidenceError if there is no such record, or none any more; TamperError if its proof does not hold.
    """
    verifier, checkpoint, note = open_log(directory)
    if not 0 <= index < checkpoint.size:
        raise EvidenceError(f"there is no record {index}, the log holds {checkpoint.size}")
    must_be_readable(index, first_readable(directory, checkpoint.size))

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    hashes = inclusion_proof(index, checkpoint.size, tile_subtree(reader, checkpoint.size))
    proof = Proof(index, tuple(hashes), note)
    entry = read_entries(reader, bundle_name(index, checkpoint.size))[index % WIDTH]
    verify_proof(proof, entry, verifier)
    return write_proof(proof)
