"""Computes every figure of a dossier again from its enclosed records, and compares it with what is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from vorbehalt.claims.dossier.compose import compose
from vorbehalt.claims.dossier.contents import Contents, Verification
from vorbehalt.claims.dossier.disclosures import Row
from vorbehalt.claims.dossier.folder import CONTENTS
from vorbehalt.claims.dossier.given import Given
from vorbehalt.claims.dossier.reading import read_contents
from vorbehalt.claims.dossier.schedule import work_of
from vorbehalt.claims.dossier.times import nanoseconds
from vorbehalt.claims.ledger import Query
from vorbehalt.claims.ledger_text import as_csv
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.folder import MANIFEST, RECORDS
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.works.entry import Work

MOST_DIFFERENCES = 50
TAKEN = (
    "question", "pin", "verification", "parties", "disclosures_file", "traffic.rollups",
    "traffic.rollups_enclosed", "traffic.cut", "traffic.unnamed", "traffic.pruned", "summary.catalogue",
    "system.custodian", "titles, contributors and rights of works", "what disclosures say",
)  # fmt: skip
"""What no enclosed record proves: it stands as it was given."""


@dataclass(frozen=True, slots=True)
class Checked:
    """`differences` name a place in the contents with what is said and what the records say."""

    records: int
    figures: int
    differences: tuple[str, ...]
    verifies: bool = True
    """What the dossier says of the whole log; False: it was made of evidence that does not verify."""

    @property
    def ok(self) -> bool:
        return not self.differences


def check_dossier(folder: Path) -> Checked:
    """Check a dossier's figures, tables and manifest. Raises EvidenceError if it is none.

    Signature, tree, objects and time stamps are for verify.py in the same folder.
    """
    # A pipe or a device would be read for ever.
    if strange := sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if _is_strange(one)):
        return Checked(0, 0, tuple(f"{name}: is no regular file" for name in strange[:MOST_DIFFERENCES]))
    try:
        body = (folder / CONTENTS).read_bytes()
        said = json.loads(body)
        contents = read_contents(said)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EvidenceError(f"{folder} is no dossier: {CONTENTS} cannot be read: {error}") from None
    differences = list(_manifest(folder))
    if contents.encode() != body:
        differences.append(f"{CONTENTS} is not written as a dossier writes it")
    composed = compose(lambda: _entries(folder), _given(folder, contents))
    again = replace(
        composed.contents,
        verification=contents.verification,
        summary=_as_it_verified(composed.contents, contents),
    )
    found = json.loads(again.encode())
    differences += _compared(said, found, "")
    titles = {work.id: work.title for work in contents.works.scheduled}
    table = "".join(as_csv(composed.ledger, lambda id: titles.get(id, ""), composed.letter))
    if _read(folder / "ledger.csv") != table.encode("utf-8", "backslashreplace"):
        differences.append("ledger.csv is not the table of these records")
    return Checked(
        composed.contents.summary.records_enclosed,
        _leaves(found),
        tuple(differences),
        contents.verification.ok,
    )


def _is_strange(path: Path) -> bool:
    return path.is_symlink() or not (path.is_file() or path.is_dir())


def _as_it_verified(again: Contents, contents: Contents) -> Any:
    """Whether all of it verified is said by the whole log; the sentence of it stands as it was given."""
    if contents.verification.ok == again.verification.ok:
        return again.summary
    failing = tuple(one for one in contents.summary.sentences if one.code == "fails")
    others = tuple(one for one in again.summary.sentences if one.code != "fails")
    return replace(again.summary, verifies=contents.verification.ok, sentences=failing + others)


def _given(folder: Path, contents: Contents) -> Given:
    question = contents.question
    known = {work.id: work_of(work) for work in contents.works.scheduled if work.is_known}

    def work(id: str) -> Work | None:
        return known.get(id)

    query = Query(
        question.operator,
        nanoseconds(question.since) if question.since else None,
        nanoseconds(question.until) if question.until else None,
        frozenset(crawler.token for crawler in contents.parties.crawlers),
        question.size,
    )
    return Given(
        question=question,
        query=query,
        pin=contents.pin,
        verification=Verification(contents.verification.ok, contents.verification.problems),
        parties=contents.parties,
        catalogue=contents.summary.catalogue,
        work=work,
        read=ObjectStore(folder).get,
        custodian=contents.system.custodian,
        last={writer: nanoseconds(end) for writer, _, end in contents.reservation.runs},
        rollups=contents.traffic.rollups,
        rollups_enclosed=contents.traffic.rollups_enclosed,
        unnamed=contents.traffic.unnamed,
        cut=contents.traffic.cut,
        disclosures=tuple(
            Row(row.line, row.period, row.crawler, row.requests, row.domains) for row in contents.disclosures
        ),
        disclosures_file=contents.disclosures_file,
        pruned=contents.traffic.pruned,
    )


def _entries(folder: Path) -> Iterator[tuple[int, bytes]]:
    last = -1
    with (folder / RECORDS).open("rb") as file:
        for number, line in enumerate(file, 1):
            head, mark, rest = line.partition(b',"record":')
            index = head.removeprefix(b'{"index":')
            if not mark or not index.isdigit() or not rest.endswith(b"}\n") or int(index) <= last:
                raise EvidenceError(f"{RECORDS}:{number}: this is no enclosed record, or out of order")
            entry, last = rest[:-2], int(index)
            decode_leaf(entry)
            yield last, entry


def _manifest(folder: Path) -> Iterator[str]:
    try:
        lines = (folder / MANIFEST).read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        yield f"{MANIFEST} cannot be read: {error}"
        return
    named = {line[66:]: line[:64] for line in lines}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for path in sorted(named.keys() | there - {MANIFEST}):
        if path not in there:
            yield f"{path}: missing, {MANIFEST} names it"
        elif path not in named:
            yield f"{path}: {MANIFEST} does not name it"
        elif sha256(_read(folder / path)).hexdigest() != named[path]:
            yield f"{path}: was changed"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _compared(said: Any, found: Any, place: str) -> list[str]:
    """Return where two values differ, at most so many places."""
    if isinstance(said, dict) and isinstance(found, dict):
        pairs = [
            (f"{place}.{key}" if place else key, said.get(key), found.get(key)) for key in {**found, **said}
        ]
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        pairs = [(f"{place}[{at}]", one, two) for at, (one, two) in enumerate(zip(said, found, strict=True))]
    elif said == found:
        return []
    elif isinstance(said, list) and isinstance(found, list):
        return [f"{place}: {len(said)} are said, the records give {len(found)}"]
    else:
        return [f"{place}: {_short(said)} is said, the records give {_short(found)}"]
    differences: list[str] = []
    for where, one, two in pairs:
        if one != two and len(differences) < MOST_DIFFERENCES:
            differences += _compared(one, two, where)
    return differences[:MOST_DIFFERENCES]


def _short(value: Any) -> str:
    return json.dumps(value)[:120]


def _leaves(value: Any) -> int:
    """Count the numbers in a value."""
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    if isinstance(value, list):
        return sum(map(_leaves, value))
    return isinstance(value, int) and not isinstance(value, bool)
