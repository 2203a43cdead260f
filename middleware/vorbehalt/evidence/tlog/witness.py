"""What is asked of a witness, and what it answers (C2SP tlog-witness, `add-checkpoint`). Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from vorbehalt.evidence.tlog.merkle import ProofError, verify_consistency
from vorbehalt.evidence.tlog.note import (
    Checkpoint,
    NoteError,
    SignatureLine,
    Verifier,
    open_note,
    parse_checkpoint,
    split_note,
    strict_base64,
)

MAX_HASHES = 63
MAX_REQUEST_BYTES = 64 << 10
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Request:
    """A checkpoint to cosign, and the proof that it extends the tree of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


def write_request(request: Request) -> bytes:
    """Returns the body of an `add-checkpoint` request."""
    lines = [f"old {request.old}", *(base64.b64encode(item).decode("ascii") for item in request.proof)]
    return "".join(f"{line}\n" for line in lines).encode("ascii") + b"\n" + request.note


def parse_request(body: bytes) -> Request:
    """Parses the body of an `add-checkpoint` request; raises NoteError if it is malformed."""
    head, separator, note = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise NoteError("the request is not ASCII before the checkpoint") from None
    match = _OLD.fullmatch(lines[0])
    if not separator or match is None:
        raise NoteError("the request begins with no old size")
    proof = tuple(strict_base64(line) for line in lines[1:])
    if len(proof) > MAX_HASHES or any(len(item) != 32 for item in proof):
        raise NoteError("the request holds something else than a consistency proof")
    return Request(int(match[1]), proof, note)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than a cosignature: HTTP status, text, media type."""

    status: int
    text: str
    media_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that is well formed, for a log that is known, with a signature of that log."""

    request: Request
    body: bytes
    """The text of the checkpoint."""
    checkpoint: Checkpoint


def open_submission(body: bytes, logs: Mapping[str, Verifier]) -> Submission | Refusal:
    """Reads a request: 400 malformed, 404 for a log that is not known, 403 without a signature of it."""
    try:
        request = parse_request(body)
        text = split_note(request.note)[0]
        checkpoint = parse_checkpoint(text)
    except NoteError as error:
        return Refusal(400, f"{error}\n")
    verifier = logs.get(checkpoint.origin)
    if verifier is None:
        return Refusal(404, "this log is not known here\n")
    try:
        open_note(request.note, [verifier])
    except NoteError:
        return Refusal(403, "no signature of the log holds\n")
    if request.old > checkpoint.size:
        return Refusal(400, "the old size is above that of the checkpoint\n")
    return Submission(request, text, checkpoint)


def judge(submission: Submission, last: Checkpoint | None) -> Refusal | None:
    """Says whether a checkpoint may be cosigned after `last`, the one cosigned before; None: it may.

    409 with the size that the client should start from; 422 if the log does not extend what was seen. The
    caller holds `last` still from before this call until the new one is stored.
    """
    request, new = submission.request, submission.checkpoint
    seen = last.size if last is not None else 0
    if request.old != seen:
        return Refusal(409, f"{seen}\n", SIZE_TYPE)
    if last is not None and last.size == new.size and last.root != new.root:
        return Refusal(409, f"{seen}\n", SIZE_TYPE)
    if last is None or seen == 0:
        return Refusal(422, "there is nothing to prove from size 0\n") if request.proof else None
    try:
        verify_consistency(seen, new.size, last.root, new.root, request.proof)
    except ProofError as error:
        return Refusal(422, f"{error}\n")
    return None


def parse_answer(answer: bytes) -> list[SignatureLine]:
    """Returns the signature lines of a witness's answer; raises NoteError if it is anything else."""
    if not answer.startswith("\N{EM DASH} ".encode()):
        raise NoteError("the answer is no signature line")
    return split_note(b"\n\n" + answer)[1]
