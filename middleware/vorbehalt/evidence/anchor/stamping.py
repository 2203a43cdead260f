"""Asking an authority for a time stamp on the checkpoint (RFC 3161 over HTTP, section 3.4)."""

from __future__ import annotations

from collections.abc import Callable

from vorbehalt.evidence.anchor.asking import Anchored, Miss, Present
from vorbehalt.evidence.anchor.checking import check_response
from vorbehalt.evidence.anchor.post import Answer, PostError, post
from vorbehalt.evidence.anchor.revocation import gather
from vorbehalt.evidence.anchor.targets import TimeStamper
from vorbehalt.evidence.anchor.token import TokenError, certificates_of

_QUERY = "application/timestamp-query"


_CRL_BYTES = 8 << 20
_STATUS_SECONDS = 5.0


def stamp(
    target: TimeStamper,
    present: Present,
    *,
    clock: Callable[[], int],
    total_seconds: float,
    with_status: bool = False,
) -> Anchored:
    """Have the checkpoint's bytes stamped, as they were issued; raises Miss. Needs the extra `anchor`.

    Only a token over these bytes that answers this nonce, bears the wanted policy and is signed under a
    pinned root counts. One that nothing here can check is kept and says so (`verified` is empty).
    `with_status`: also ask whether its certificates were revoked; nothing hangs on that.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(present.note).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    asked = clock()
    try:
        answer = post(target.url, request.as_bytes(), _QUERY, total_seconds=total_seconds)
    except PostError as error:
        raise Miss(str(error)) from None
    middle = (asked + clock()) // 2
    if answer.status != 200:
        raise Miss(f"the authority answered {answer.status}", answer.body)
    try:
        checked = check_response(
            answer.body, present.note, target.roots, nonce=request.nonce, policy=target.policy
        )
    except TokenError as error:
        raise Miss(str(error), answer.body) from None
    token = checked.token
    if token is None:
        raise Miss(
            "the response cannot be read without the extra: pip install 'vorbehalt[anchor]'", answer.body
        )
    said: dict[str, object] = {
        "verified": checked.by,
        "qualified": target.qualified,
        "policy": token.policy,
        "nonce": f"{request.nonce:x}",
        "serial": f"{token.serial:x}",
        "accuracy": None if token.accuracy is None else str(token.accuracy),
        "modified": token.is_modified,
        # How wrong our clock is, by somebody else's, with half of the way there and back.
        "clock_offset": str(middle - token.time),
    }
    beside: tuple[tuple[str, bytes], ...] = ()
    if with_status and checked.by:

        def exchange(url: str, body: bytes | None, media_type: str) -> Answer:
            seconds = min(total_seconds, _STATUS_SECONDS)
            return post(url, body, media_type, total_seconds=seconds, most_bytes=_CRL_BYTES)

        gathered = gather(certificates_of(token), target.roots, exchange)
        beside = tuple(gathered.files)
        if gathered.said:
            said["status"] = gathered.said
    return Anchored(token.time, said, answer.body, "tsr", (target.roots.encode(),), beside)
