"""Makes a dossier: pins the log, verifies it, chooses, counts, and writes the folder whole or not at all."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from vorbehalt.claims.dossier.collect import Collected, collect
from vorbehalt.claims.dossier.compose import compose
from vorbehalt.claims.dossier.contents import Contents, Parties, Pin, Question, Verification
from vorbehalt.claims.dossier.contents_told import (
    Rollup,
)
from vorbehalt.claims.dossier.disclosures import Row
from vorbehalt.claims.dossier.folder import CONTENTS, Pages, write_folder
from vorbehalt.claims.dossier.given import Given
from vorbehalt.claims.dossier.times import exact
from vorbehalt.claims.ledger import Query
from vorbehalt.claims.ledger_rows import Line
from vorbehalt.claims.ledger_text import day, moment
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.bundle.folder import bundle_folder, remove_rests
from vorbehalt.evidence.bundle.pin import Pinned
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.works.entry import Work

Progress = Callable[[str, int, int], None]
"""What is done (a word), how much of it, of how much."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a dossier is asked for. `work` finds a work in the catalogue of today."""

    query: Query
    language: str
    parties: Parties
    catalogue: int | None
    work: Callable[[str], Work | None]
    custodian: str = ""
    disclosures: tuple[Row, ...] = ()
    disclosures_file: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Made:
    """`digest` is the SHA-256 hex of `manifest.sha256`, which names every other file."""

    contents: Contents
    digest: str
    files: int


def make_dossier(pinned: Pinned, asked: Asked, out: Path, *, pages: Pages, progress: Progress) -> Made:
    """Write the dossier to `out`. Evidence that does not verify is said in it, and written all the same.

    Raises EvidenceError if something else is at `out`, or if nothing can be read at all.
    """
    question = question_of(asked, pinned)
    replaces = _may_replace(out, question)
    report = verify(pinned.directory, progress=lambda done, total: progress("checked", done, total))
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    remove_rests(out)
    with collect(
        pinned, asked.query, out.absolute().parent, lambda done, total: progress("read", done, total)
    ) as found:
        problems = tuple(dict.fromkeys((*report.problems, *found.problems)))
        given = _given(pinned, asked, question, found, problems)
        progress("counted", 0, found.records)
        composed = compose(found.entries, given)
        progress("counted", found.records, found.records)
        target = out.absolute()
        if replaces:
            target = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
        with bundle_folder(target) as folder:
            write_folder(folder, pinned, found, composed, pages)
        if replaces:
            _swap(target, out.absolute())
    digest = sha256(folder.manifest).hexdigest()
    return Made(composed.contents, digest, len(folder.digests) + 1)


def question_of(asked: Asked, pinned: Pinned) -> Question:
    """Return what is asked, as the dossier says it."""
    query = asked.query
    return Question(
        operator=query.operator,
        since="" if query.since is None else exact(query.since),
        until="" if query.until is None else exact(query.until),
        size=pinned.size,
        language=asked.language,
    )


def question_in(folder: Path) -> Mapping[str, object] | None:
    """Return the question of the dossier in a folder; None if there is none."""
    try:
        said = json.loads((folder / CONTENTS).read_bytes())["question"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _may_replace(out: Path, question: Question) -> bool:
    """Return whether an older dossier of the same question is at `out`; raises EvidenceError if else is."""
    if not os.path.lexists(out) or (out.is_dir() and not any(out.iterdir())):
        return False
    if out.is_dir() and not out.is_symlink() and question_in(out) == asdict(question):
        return True
    said = question_in(out) if out.is_dir() else None
    what = "no dossier"
    if said is not None:
        what = f"a dossier of another question ({str(said.get('operator'))[:80]}, size {said.get('size')})"
    raise EvidenceError(f"{out} is there already, and is {what}: name a folder that is new or empty")


def _swap(fresh: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.{secrets.token_hex(4)}.old")
    os.rename(out, old)
    os.rename(fresh, out)
    shutil.rmtree(old)


def _given(
    pinned: Pinned, asked: Asked, question: Question, found: Collected, problems: tuple[str, ...]
) -> Given:
    counted = found.counted
    return Given(
        question=question,
        query=asked.query,
        pin=Pin(
            origin=pinned.verifier.name,
            vkey=pinned.verifier.vkey,
            size=pinned.size,
            root=base64.b64encode(pinned.checkpoint.root).decode("ascii"),
            checkpoint_digest=sha256(pinned.note).hexdigest(),
            first_record=moment(found.first_at) if found.first_at else "",
            last_record=moment(found.last_at) if found.last_at else "",
        ),
        verification=Verification(not problems, problems),
        parties=asked.parties,
        catalogue=asked.catalogue,
        work=asked.work,
        read=ObjectStore(pinned.directory).get,
        custodian=asked.custodian,
        last=found.last,
        rollups=tuple(map(_rollup, counted.rollups.lines())),
        rollups_enclosed=counted.is_enclosed,
        unnamed=counted.unnamed,
        cut=counted.cut,
        disclosures=asked.disclosures,
        disclosures_file=asked.disclosures_file,
        pruned=found.pruned,
    )


def _rollup(line: Line) -> Rollup:
    counts = line.counts
    return Rollup(day(line.day), line.standing.value, counts["requested"], counts["refused"], counts["bytes"])
