"""Reading of a time stamp response (RFC 3161 section 2.4.2): pure functions over its bytes.

asn1crypto is part of the extra `anchor` and imported on first use. Nothing here checks a signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from vorbehalt.errors import TamperError

_GRANTED = ("granted", "granted_with_mods")
_OK_STATUS = b"\x30\x03\x02\x01\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TokenError(TamperError):
    """A response is no time stamp, or not the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. Times are nanoseconds; `accuracy` and `nonce` are None where it has none."""

    time: int
    imprint: bytes
    policy: str
    nonce: int | None
    serial: int
    accuracy: int | None
    is_modified: bool
    """Granted with modifications (status 1): a stamp all the same, after all that is compared here."""
    cms: bytes
    """The signed part (ContentInfo) as it came."""
    sorted_cms: bytes
    """The same with its certificates in DER order. That set is not signed, and CMS permits any order."""


def read_response(response: bytes) -> Token:
    """Read a response as it came from an authority.

    Raises TokenError if it is none, or was rejected; ImportError without the extra.
    """
    form = _form()
    try:
        answer = form.load(response, strict=True)
        status = answer["status"]
        if (found := status["status"].native) not in _GRANTED:
            raise TokenError(f"the authority did not grant it: {_why(found, status)}")
        content = answer["token"]
        signed = content["content"]
        kind = signed["encap_content_info"]["content_type"].native
        if content["content_type"].native != "signed_data" or kind != "tst_info":
            raise TokenError("the response holds something else than a time stamp")
        info = signed["encap_content_info"]["content"].parsed
        imprint = info["message_imprint"]
        if imprint["hash_algorithm"]["algorithm"].native != "sha256":
            raise TokenError("the token is over another digest than SHA-256")
        return Token(
            time=_nanoseconds(info["gen_time"].native),
            imprint=imprint["hashed_message"].native,
            policy=str(info["policy"].dotted),
            nonce=info["nonce"].native,
            serial=info["serial_number"].native,
            accuracy=_accuracy(info["accuracy"].native),
            is_modified=found != "granted",
            cms=content.dump(),
            sorted_cms=_sorted(content.dump(), signed["certificates"]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise TokenError(f"no time stamp response ({type(error).__name__})") from None


@cache
def _form() -> Any:
    """Return the form of a response. asn1crypto's own wants a token even where there was a rejection."""
    from asn1crypto import cms, core, tsp

    class Response(core.Sequence):  # type: ignore[misc]
        _fields = [("status", tsp.PKIStatusInfo), ("token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012

    return Response


def certificates_of(token: Token) -> list[bytes]:
    """Return the certificates that a token encloses, in DER form."""
    from asn1crypto import cms

    enclosed = cms.ContentInfo.load(token.cms)["content"]["certificates"]
    return [item.dump() for item in enclosed or ()]


def require(token: Token, data: bytes, nonce: int | None, policy: str) -> None:
    """Raise TokenError unless the token is over `data`, answers this nonce and bears this policy, if any."""
    if token.imprint != sha256(data).digest():
        raise TokenError("the token is over something else (message imprint)")
    if nonce is not None and token.nonce != nonce:
        raise TokenError("the token answers another question (nonce)")
    if policy and token.policy != policy:
        raise TokenError(f"the token bears the policy {token.policy}, not {policy}")


def granted(cms: bytes) -> bytes:
    """Return a response with status 0 around a token: what was granted with modifications is read so too."""
    return b"\x30" + _length(len(_OK_STATUS) + len(cms)) + _OK_STATUS + cms


def _length(size: int) -> bytes:
    if size < 128:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def _sorted(cms: bytes, certificates: Any) -> bytes:
    before = certificates.contents
    if not before:
        return cms
    after = b"".join(sorted(item.dump() for item in certificates))
    return cms.replace(before, after, 1) if len(after) == len(before) else cms


def _why(status: str, info: Any) -> str:
    texts = [*(info["status_string"].native or ()), *sorted(info["fail_info"].native or ())]
    return ": ".join([str(status), *(str(text)[:200] for text in texts)])


def _nanoseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def _accuracy(found: Any) -> int | None:
    if found is None:
        return None
    seconds, millis, micros = (int(found[name] or 0) for name in ("seconds", "millis", "micros"))
    return ((seconds * 1_000 + millis) * 1_000 + micros) * 1_000
