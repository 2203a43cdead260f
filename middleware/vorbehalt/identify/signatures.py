"""Web Bot Auth: does a key of the agent that a request names hold for this request?

RFC 9421 as draft-ietf-webbotauth-httpsig-protocol-00 narrows it: tag `web-bot-auth`, Ed25519 only. Three
outcomes: verified, invalid, unverified. Only the first says who it is, and it says nothing of good behaviour.
An invalid signature does not prove a forger either: a proxy that rewrites host or path, or a clock that is
wrong, makes one of a good one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Final

from vorbehalt.facts import Visit
from vorbehalt.identify.answers import SignatureAnswer
from vorbehalt.identify.signature_base import Message, UnknownComponent, signature_base
from vorbehalt.identify.signature_claims import Fault, SignedClaim, is_signed, read_signatures
from vorbehalt.identify.signature_keys import (
    MISSING,
    TEST_KEYS,
    Key,
    KeyBook,
    Missing,
    is_thumbprint,
    verify,
)

__all__ = [
    "Fault",
    "NonceCheck",
    "SignedClaim",
    "check_terms",
    "is_signed",
    "judge_signature",
    "read_signatures",
]

ALGORITHM: Final = "ed25519"
MAX_SKEW_SECONDS: Final = 30
MAX_AGE_SECONDS: Final = 86_400

_SECOND: Final = 1_000_000_000
_SHARED: Final = "hmac-sha256"
_MOST_WORDS: Final = 300

NonceCheck = Callable[[str, str, int, int], bool | None]
"""(agent, nonce, end of the signature, now: both nanoseconds UTC) -> seen before; None: could not be checked.

Must check and remember in one step.
"""


def check_terms(
    claim: SignedClaim,
    at_ns: int,
    *,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    max_age_seconds: int = MAX_AGE_SECONDS,
) -> Fault | None:
    """Return what is wrong with the terms of a signature at a time (nanoseconds UTC), or None.

    Covered components, times, algorithm and the form of `keyid` (draft section "Generating HTTP Message
    Signature"); the key is not needed.
    """
    if not claim.covers("@authority") and not claim.covers("@target-uri"):
        return Fault("invalid", "covers neither @authority nor @target-uri")
    created, expires = claim.seconds("created"), claim.seconds("expires")
    if created is None or expires is None:
        return Fault("invalid", "created or expires is missing or no whole number")
    if created * _SECOND > at_ns + max_skew_seconds * _SECOND:
        return Fault("invalid", f"created {created - at_ns // _SECOND} s in the future")
    if expires * _SECOND <= at_ns:
        return Fault("invalid", f"expired {at_ns // _SECOND - expires} s ago")
    if not 0 < expires - created <= max_age_seconds:
        return Fault("invalid", f"made for {expires - created} s, at most {max_age_seconds} count")
    if "alg" in claim.covered.parameters and claim.text("alg") != ALGORITHM:
        if claim.text("alg") == _SHARED:
            return Fault("invalid", "made with a shared secret, which proves nothing about who made it")
        return Fault("unverified", f"algorithm {claim.text('alg')!r} is not checked here, only {ALGORITHM}")
    if not is_thumbprint(claim.text("keyid")):
        return Fault("unverified", "keyid is no thumbprint of a key")
    return None


def judge_signature(
    visit: Visit,
    keys: KeyBook,
    at_ns: int,
    seen_nonce: NonceCheck,
    *,
    own_hosts: Container[str],
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    max_age_seconds: int = MAX_AGE_SECONDS,
) -> SignatureAnswer | None:
    """Return what the signatures of a visit establish; None if it bears none.

    Of several the first verified one counts, else the first unverified. `own_hosts` are the hosts (lower
    case, no port) that this site answers for: a signature made for another one was made for somebody else,
    and whoever copied it may send any Host. To be asked once for each visit, since a nonce counts once.
    Never raises, never waits.
    """
    if not is_signed(visit.headers) or not (claims := read_signatures(visit.headers)):
        return None
    message = Message.of(visit)
    if message.scheme != "https":
        how = "not looked at, as far as known the request did not come over TLS"
        return SignatureAnswer("unverified", claims[0].agent, "", how)
    answers = []
    for claim in claims:
        terms = claim.fault or check_terms(
            claim, at_ns, max_skew_seconds=max_skew_seconds, max_age_seconds=max_age_seconds
        )
        if terms is None and message.host not in own_hosts:
            terms = Fault("unverified", "made for a host that is none of this site's")
        answer = _refuse(claim, terms) if terms else _check(claim, message, keys, at_ns, seen_nonce)
        if answer.outcome == "verified":
            return answer
        answers.append(answer)
    return next((answer for answer in answers if answer.outcome == "unverified"), answers[0])


def _check(
    claim: SignedClaim, message: Message, keys: KeyBook, at_ns: int, seen_nonce: NonceCheck
) -> SignatureAnswer:
    name = claim.text("keyid")
    if name in TEST_KEYS:
        return _refuse(claim, Fault("invalid", "made with a test key that everybody can read in RFC 9421"))
    try:
        base = signature_base(claim.covered, message)
    except UnknownComponent as error:
        return _refuse(claim, Fault("unverified", str(error)))
    except ValueError as error:
        return _refuse(claim, Fault("invalid", str(error)))
    key = keys.peek(claim.agent, name)
    if not isinstance(key, Key):
        return replace(_refuse(claim, _no_key(claim, key)), base=base)
    jwk = json.loads(key.jwk)
    source = f"key {key.thumbprint[:12]} of {claim.agent} (directory fetched {_age(at_ns - key.fetched_at)})"
    fault = _out_of_time(key, at_ns)
    if fault is None and not verify(base, claim.signature, jwk):
        fault = Fault("invalid", f"does not hold for this request with {source}")
    answer = SignatureAnswer(
        outcome="verified",
        agent=claim.agent,
        thumbprint=key.thumbprint,
        how="",
        base=base,
        jwk=key.jwk,
        directory_digest=key.directory_digest,
        signature=claim.signature,
    )
    if fault is not None:
        return replace(answer, outcome=fault.outcome, how=fault.how[:_MOST_WORDS])
    # Only now: a nonce that anybody may invent must not use up the one that the agent sends.
    nonce, expires = claim.text("nonce"), claim.seconds("expires") or 0
    seen = seen_nonce(claim.agent, nonce, expires * _SECOND, at_ns) if nonce else None
    if seen:
        how = "holds, but its nonce was seen before: a copy, or the same request sent again"
        return replace(answer, outcome="unverified", how=how)
    if seen is None:
        replay = "replay not checked" if nonce else "no nonce, replay not checked"
    else:
        replay = "nonce not seen before"
    covered = " ".join(str(item.value) for item in claim.covered.items)
    return replace(answer, how=f"signed with {source}, covers {covered}; {replay}"[:_MOST_WORDS])


def _no_key(claim: SignedClaim, key: Missing | None) -> Fault:
    if key is MISSING:
        return Fault("unverified", f"the directory of {claim.agent} does not hold this key")
    return Fault("unverified", f"the key of {claim.agent} is not known yet")


def _out_of_time(key: Key, at_ns: int) -> Fault | None:
    if key.not_before and at_ns < key.not_before * _SECOND:
        return Fault("unverified", "the directory says that the key is not in use yet")
    if key.not_after and at_ns >= key.not_after * _SECOND:
        return Fault("unverified", "the directory says that the key is no longer in use")
    return None


def _refuse(claim: SignedClaim, fault: Fault) -> SignatureAnswer:
    name = claim.text("keyid")
    return SignatureAnswer(
        fault.outcome, claim.agent, name if is_thumbprint(name) else "", fault.how[:_MOST_WORDS]
    )


def _age(nanoseconds: int) -> str:
    minutes = max(0, nanoseconds) // (60 * _SECOND)
    return f"{minutes} min before" if minutes < 120 else f"{minutes // 60} h before"
