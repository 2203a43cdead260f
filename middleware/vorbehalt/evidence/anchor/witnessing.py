"""Asking a witness to cosign the checkpoint (C2SP tlog-witness, client side)."""

from __future__ import annotations

import re

from vorbehalt.evidence.anchor.asking import Anchored, Miss, Present
from vorbehalt.evidence.anchor.post import Answer, PostError, post
from vorbehalt.evidence.anchor.targets import WitnessTarget
from vorbehalt.evidence.tlog.cosignature import Witness
from vorbehalt.evidence.tlog.merkle import consistency_proof
from vorbehalt.evidence.tlog.note import NoteError, split_note
from vorbehalt.evidence.tlog.tiles import tile_subtree
from vorbehalt.evidence.tlog.witness import Request, parse_answer, write_request

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_MEANING = {
    403: "the witness knows another key of this log",
    404: "the witness does not know this log: give it the log's key (log/vkey)",
}


def cosign(target: WitnessTarget, present: Present, known: int, *, total_seconds: float) -> Anchored:
    """Have the checkpoint cosigned; `known` is the size that this witness has cosigned before, as we know.

    Raises Miss; with `contradicts` if the witness has seen a larger or another tree than ours.
    """
    witness = Witness.from_vkey(target.vkey)
    size = present.checkpoint.size
    answer = _submit(target, present, min(known, size), total_seconds)
    if answer.status == 409:
        seen = _SIZE.fullmatch(answer.body)
        if seen is None:
            raise Miss("the witness answered 409 without a size", answer.body)
        if int(seen[1]) > size:
            raise Miss(
                f"the witness has seen {int(seen[1])} records, the log has {size}: it was cut or put back",
                answer.body,
                contradicts=True,
            )
        answer = _submit(target, present, int(seen[1]), total_seconds)
        if answer.status == 409:
            raise Miss(
                f"the witness has seen another tree of {size} records than ours",
                answer.body,
                contradicts=True,
            )
    if answer.status == 422:
        raise Miss("the log does not extend what the witness has seen", answer.body, contradicts=True)
    if answer.status != 200:
        raise Miss(_MEANING.get(answer.status, f"the witness answered {answer.status}"), answer.body)
    try:
        seconds = witness.find(split_note(present.note)[0], parse_answer(answer.body))
    except NoteError as error:
        raise Miss(str(error), answer.body) from None
    said: dict[str, object] = {"verified": "ed25519", "vkey": target.vkey}
    return Anchored(seconds * 10**9, said, answer.body, "cosig")


def _submit(target: WitnessTarget, present: Present, old: int, total_seconds: float) -> Answer:
    size = present.checkpoint.size
    proof = consistency_proof(old, size, tile_subtree(present.read, size)) if old else []
    body = write_request(Request(old, tuple(proof), present.note))
    url = target.url.rstrip("/") + "/add-checkpoint"
    try:
        return post(url, body, "text/plain", total_seconds=total_seconds)
    except PostError as error:
        raise Miss(str(error)) from None
