"""What somebody outside has kept: an older checkpoint, a time stamp over one, or a witness's cosignature."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from vorbehalt.errors import TamperError
from vorbehalt.evidence.tlog.cosignature import Witness
from vorbehalt.evidence.tlog.note import Checkpoint, NoteError, Verifier, open_checkpoint, split_note
from vorbehalt.evidence.tlog.witness import parse_answer


def older_checkpoint(
    kept: bytes, verifier: Verifier, frozen: Iterable[bytes], witnesses: Iterable[Witness]
) -> Checkpoint:
    """Return the checkpoint that `kept` speaks of.

    A time stamp or bare cosignature names no size: it is matched with `frozen`, the checkpoints in
    `anchors/`. A log that was rebuilt cannot offer one that fits. Raises TamperError if there is none.
    """
    if kept[:1] == b"\x30" and kept[1:2] >= b"\x80":
        for note in frozen:
            if sha256(note).digest() in kept:
                return open_checkpoint(note, verifier)
        raise TamperError("no checkpoint in anchors/ is what this time stamp was made over")
    if not kept.startswith("\N{EM DASH} ".encode()):
        return open_checkpoint(kept, verifier)
    lines, known = parse_answer(kept), list(witnesses)
    for note in frozen:
        body = split_note(note)[0]
        for witness in known:
            try:
                witness.find(body, lines)
            except NoteError:
                continue
            return open_checkpoint(note, verifier)
    raise TamperError("no checkpoint in anchors/ is what this cosignature was made over")
