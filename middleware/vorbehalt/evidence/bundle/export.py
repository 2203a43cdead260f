"""The records that answer a question, in a folder for others: the same question gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from vorbehalt.evidence.bundle.folder import (
    BundleFile,
    BundleFolder,
    Enclosed,
    bundle_folder,
    enclose_log,
    enclose_records,
)
from vorbehalt.evidence.bundle.pin import Pinned
from vorbehalt.evidence.bundle.rows import COLUMNS, csv_line, row_of
from vorbehalt.evidence.reading.pruned import pruned_sentence
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of

_VERIFIER = Path(__file__).parents[1] / "verify.py"
_CORRECTION = b'"type":"correction"'
Progress = Callable[[int, int], None]

_README = """\
Records of the evidence log {origin}

{asked}

{records} of the {size} records that the log held when it was asked. The log
goes on: the same question at this size gives the same bytes for ever.

records.jsonl   the records, one a line, with their index in the log; the
                bytes behind "record": are those that were signed
records.csv     the same as a table, if it was asked for; no evidence of its own
log/            checkpoint (signed size and root), leaf hashes, verifier key
objects/        documents that these records name by their SHA-256
anchors/        checkpoints and time stamps that these records name
export.json     what was asked, and how much was found
manifest.sha256 SHA-256 of every other file: sha256sum -c manifest.sha256

To verify, with Python 3.11 or later, the openssl program and nothing else:

    python3 verify.py . --vkey KEY

Take the key from somewhere else than from this folder (a letter, a web page, a
notary): a key from the bundle shows integrity, not authorship. What the proof
shows: these records stand in the log, unchanged. That there are no others that
answer the question is shown by asking the whole log.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """Which records: those of an operator's claims, of types, of a time (ns UTC, `until` exclusive).

    Whatever is empty or None lets everything pass. `beside` are types of which all records come as well,
    whatever the rest says. A correction of a record that is enclosed always comes with it.
    """

    operator: str = ""
    types: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    beside: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "operator": self.operator or None,
            "types": sorted(set(self.types)),
            "from": None if self.since is None else str(self.since),
            "to": None if self.until is None else str(self.until),
            "beside": sorted(set(self.beside)),
        }

    def sentence(self) -> str:
        """Return the question for people."""
        parts = [
            f"that claimed to come from {json.dumps(self.operator)}" if self.operator else "",
            f"of the type {' or '.join(sorted(set(self.types)))}" if self.types else "",
            f"from {_utc(self.since)} on" if self.since is not None else "",
            f"before {_utc(self.until)}" if self.until is not None else "",
        ]
        asked = " ".join(["All records", *filter(None, parts)]) + "."
        if self.beside:
            asked += f"\nBeside them all records of the type {' or '.join(sorted(set(self.beside)))}."
        return asked

    def select(self, pinned: Pinned, progress: Progress | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (index, leaf) of the records that answer it, in the order of the log.

        Raises EvidenceError if a record cannot be read. Keeps one byte a record of the log.
        """
        if self == Question():
            for index, entry in pinned.entries():
                if progress is not None and index % 1024 == 0:
                    progress(index, pinned.size)
                yield index, entry
            return
        taken = bytearray(pinned.size)
        for index, entry in pinned.entries():
            if progress is not None and index % 1024 == 0:
                progress(index, pinned.size)
            if self._may_answer(entry) and self._answers(decode_leaf(entry), taken):
                taken[index] = 1
                yield index, entry

    def _may_answer(self, entry: bytes) -> bool:
        """True unless the bytes alone show that a record is not asked for."""
        if _CORRECTION in entry or any(b'"type":"%b"' % kind.encode() in entry for kind in self.beside):
            return True
        # Quotation marks inside texts are escaped: this stands only where a key and its value stand.
        return not self.operator or f'"operator":{dumps(self.operator)}'.encode("ascii") in entry

    def _answers(self, leaf: Mapping[str, Any], taken: bytearray) -> bool:
        kind, at = leaf["type"], int(leaf["at"])
        if kind in self.beside:
            return True
        if kind == "correction":
            of = seen_of(leaf).get("of")
            if type(of) is int and 0 <= of < len(taken) and taken[of]:
                return True
        return (
            (not self.types or kind in self.types)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and (not self.operator or self.operator in operators_of(leaf))
        )


def operators_of(leaf: Mapping[str, object]) -> set[str]:
    """Return whose claim a record is about: that of a request, or those that a look-up was made for."""
    seen = seen_of(leaf)
    claims = seen.get("claims")
    found = [seen.get("claim"), *(claims if isinstance(claims, list) else ())]
    return {str(one["operator"]) for one in found if isinstance(one, dict) and one.get("operator")}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: `digest` is the SHA-256 hex of `manifest.sha256`, which names every other file."""

    question: Question
    size: int
    root: bytes
    enclosed: Enclosed
    digest: str

    def draft(self, at: int) -> Draft:
        return export_draft(
            "export", self.question.as_json(), self.size, self.enclosed.records, self.digest, at
        )


def export_draft(
    what: str, question: Mapping[str, object], size: int, records: int, digest: str, at: int
) -> Draft:
    """Return the record of something handed out: what was asked of how many records, and what came of it.

    `what` is `export` or `dossier`, `digest` the SHA-256 hex of its manifest, `at` nanoseconds UTC. Neither
    who asked nor for whom stands in it.
    """
    seen: dict[str, object] = {
        "what": what,
        "query": dict(question),
        "size": size,
        "records": records,
        "manifest": digest,
    }
    return Draft(type="export", ref="", at=at, seen=seen)


def export(
    pinned: Pinned,
    question: Question,
    target: Path,
    *,
    table: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write the folder; with `table` also `records.csv`. Records stream: memory does not grow with them.

    Raises EvidenceError if something is at `target` or cannot be read, TamperError if what is read is not
    what was signed; then nothing is left at `target`.
    """
    with bundle_folder(target) as folder:
        enclose_log(folder, pinned)
        with ExitStack() as open_files:
            records = question.select(pinned, progress)
            if table:
                records = _beside(records, open_files.enter_context(folder.open("records.csv")))
            enclosed = enclose_records(folder, pinned, records)
        _say(folder, pinned, question, enclosed)
        folder.add("verify.py", _VERIFIER.read_bytes())
    if progress is not None:
        progress(pinned.size, pinned.size)
    digest = sha256(folder.manifest).hexdigest()
    return Exported(question, pinned.size, pinned.checkpoint.root, enclosed, digest)


def _beside(records: Iterator[tuple[int, bytes]], file: BundleFile) -> Iterator[tuple[int, bytes]]:
    """Write each record as a row while it passes."""
    file.write(csv_line(COLUMNS))
    for index, entry in records:
        file.write(csv_line(row_of(index, decode_leaf(entry))))
        yield index, entry


def _say(folder: BundleFolder, pinned: Pinned, question: Question, enclosed: Enclosed) -> None:
    said = {
        "format": 1,
        "origin": pinned.verifier.name,
        "size": pinned.size,
        "root": pinned.checkpoint.root.hex(),
        "first": pinned.first,
        "query": question.as_json(),
        "records": enclosed.records,
        "objects": enclosed.objects,
        "anchors": enclosed.anchors,
    }
    folder.add("export.json", f"{json.dumps(said, indent=2)}\n".encode("ascii"))
    asked = question.sentence() + (f"\n({pruned_sentence(pinned.first)})" if pinned.first else "")
    text = _README.format(
        origin=pinned.verifier.name, asked=asked, records=enclosed.records, size=pinned.size
    )
    folder.add("README.txt", text.encode("utf-8"))


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
