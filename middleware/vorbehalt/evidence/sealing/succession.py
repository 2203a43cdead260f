"""A log follows another, because a key is to live for a year only, is lost, or is in wrong hands.

A key never changes within a log: whoever checks needs one key for it. The two logs name each other instead.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.directory import EvidenceDirectory, open_directory, prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.reading.scan import is_all_sealed, scan_log, unsealed_leaves
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.evidence.writing.one_off import OneOff

Why = Literal["rotation", "lost", "stolen"]


def succeed(
    old: Path,
    new: Path,
    origin: str,
    *,
    why: Why = "rotation",
    old_key: Path | None = None,
    new_key: Path | None = None,
) -> EvidenceDirectory:
    """Begin the log `new`, which says where `old` ended; with the old key `old` says what follows it.

    The old log may go on for as long as processes still write into it. With `why` lost or stolen its key
    signs nothing any more. The steps of letters are copied, each with where it stands in the old log (`from`:
    origin, writer, sequence, time), so that letters and what came after them are known in both. Raises
    EvidenceError, also if `new` already holds records.
    """
    ending = open_directory(old, old_key)
    if why == "rotation" and ending.signer is None:
        raise EvidenceError(f"the signing key of {old} is not here: see --key, or --why lost")
    begun = prepare(new, origin, key=new_key)
    if open_log(new)[1].size:
        raise EvidenceError(f"{new} already holds records. A log follows another from its beginning.")
    if begun.verifier.name == ending.verifier.name:
        raise EvidenceError(f"The new log needs a name of its own: {origin!r} is that of {old}.")
    if why == "rotation":
        _write(old, {"why": why, "to": {"origin": origin, "vkey": begun.verifier.vkey}})
        seal_once(old, key=old_key)
    _, checkpoint, note = open_log(old)
    ended = {
        "origin": checkpoint.origin,
        "vkey": ending.verifier.vkey,
        "size": str(checkpoint.size),
        "root": base64.b64encode(checkpoint.root).decode("ascii"),
        "checkpoint": note.decode("utf-8"),
        "all_sealed": is_all_sealed(old),
    }
    _write(new, {"why": why, "from": ended}, _letters(old, checkpoint.origin))
    seal_once(new, key=new_key)
    return begun


def _letters(old: Path, origin: str) -> list[dict[str, object]]:
    """Return what the old log says of letters. Their texts stay with it: only the digests come along."""
    waiting = unsealed_leaves(old, ("notice",))
    leaves = {(leaf["w"], leaf["s"]): leaf for _, leaf in scan_log(old, ("notice",)).found}
    leaves.update({(leaf["w"], leaf["s"]): leaf for leaf in waiting if (leaf["w"], leaf["s"]) not in leaves})
    letters = []
    for leaf in leaves.values():
        seen = {key: value for key, value in seen_of(leaf).items() if key != "objects"}
        place = {"origin": origin, "writer": leaf["w"], "sequence": leaf["s"], "at": leaf["at"]}
        letters.append({"from": place, **seen})
    return letters


def _write(directory: Path, rotation: dict[str, object], letters: Sequence[dict[str, object]] = ()) -> None:
    records = OneOff(directory, Disk(), "evidence rotate")
    records.write("key-rotation", rotation)
    for seen in letters:
        records.write("notice", seen)
    records.close()
