"""Proof files that carry one inclusion proof and its checkpoint (C2SP tlog-proof v1)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from vorbehalt.evidence.tlog.merkle import ProofError, leaf_hash, verify_inclusion
from vorbehalt.evidence.tlog.note import Checkpoint, NoteError, Verifier, open_checkpoint, strict_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof file. `extra` is authenticated by nothing; `checkpoint` is a signed note as issued."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def write_proof(proof: Proof) -> bytes:
    """Returns the bytes of the proof file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {base64.b64encode(proof.extra).decode('ascii')}")
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(item).decode("ascii") for item in proof.hashes]
    return "".join(f"{line}\n" for line in lines).encode("ascii") + b"\n" + proof.checkpoint


def parse_proof(data: bytes) -> Proof:
    """Parses a proof file; raises ProofError if it is malformed. Verifies nothing."""
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ProofError("the proof is not ASCII") from None
    if not separator or lines.pop(0) != HEADER:
        raise ProofError(f"not a {HEADER} file")
    try:
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = strict_base64(lines.pop(0).removeprefix("extra "))
        if not lines or (match := _INDEX.fullmatch(lines.pop(0))) is None:
            raise ProofError("the proof has no index line")
        hashes = tuple(strict_base64(line) for line in lines)
    except NoteError as error:
        raise ProofError(str(error)) from None
    if len(hashes) > MAX_HASHES or any(len(item) != 32 for item in hashes):
        raise ProofError("the proof holds something else than hashes")
    return Proof(int(match[1]), hashes, checkpoint, extra)


def verify_proof(proof: Proof, entry: bytes, verifier: Verifier) -> Checkpoint:
    """Verifies that `entry` is leaf `proof.index` of the log; returns the checkpoint.

    Raises NoteError if the checkpoint does not hold, ProofError if the inclusion proof does not.
    """
    checkpoint = open_checkpoint(proof.checkpoint, verifier)
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(entry), proof.hashes, checkpoint.root)
    return checkpoint
