"""Keys of signatures: what a directory says, the thumbprint worked out by us, and the check itself."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TEST_KEYS: Final = frozenset({"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"})
"""Thumbprints of keys whose private half is printed in a standard (RFC 9421 appendix B.1.4)."""

MOST_KEYS: Final = 32
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_ALGORITHMS: Final = frozenset({"eddsa", "ed25519"})
_MILLISECONDS: Final = 100_000_000_000
"""A time in seconds reaches this in the year 5138: what is larger was meant in milliseconds."""


class Missing(Enum):
    """Why there is no key."""

    MISSING = "the directory was fetched a moment ago and does not hold it"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Key:
    """One Ed25519 key as an agent's directory holds it.

    `jwk` is the canonical JSON of RFC 7638 (required members only); `thumbprint` was computed from it.
    `not_before` and `not_after` are seconds UTC (0: not said). `fetched_at` is nanoseconds UTC,
    `directory_digest` SHA-256 hex of the directory if an object of that name is kept.
    """

    jwk: str
    thumbprint: str
    not_before: int = 0
    not_after: int = 0
    fetched_at: int = 0
    directory_digest: str = ""


class KeyBook(Protocol):
    """Answers from what is known already; never waits, never raises."""

    def peek(self, agent_origin: str, thumbprint: str) -> Key | Missing | None:
        """Return the key, MISSING if the directory holds none such, None if that is not known (yet)."""
        ...


def canonical_jwk(jwk: Mapping[str, object]) -> str:
    """Return the required members of an Ed25519 key as RFC 7638 section 3.2 and RFC 8037 section 2 say.

    Raises ValueError for anything but a public Ed25519 key in canonical base64url.
    """
    x = jwk.get("x")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise ValueError("no Ed25519 key")
    if not isinstance(x, str) or len(_decode(x)) != _KEY_BYTES:
        raise ValueError("x is not the base64url form of 32 bytes")
    return json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Return the SHA-256 thumbprint of an Ed25519 key, base64url (RFC 7638; RFC 8037 appendix A.3).

    Raises ValueError for any other key.
    """
    digest = hashlib.sha256(canonical_jwk(jwk).encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def is_thumbprint(text: str) -> bool:
    """True for 43 characters of base64url, which is what a SHA-256 thumbprint looks like."""
    return _THUMBPRINT.fullmatch(text) is not None


def verify(base: bytes, signature: bytes, jwk: Mapping[str, object]) -> bool:
    """True if the signature was made over the base by this Ed25519 key (RFC 9421 section 3.3.6).

    Arithmetic only: a test key holds here too, whoever judges must refuse it. Never raises.
    """
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        canonical = json.loads(canonical_jwk(jwk))
        Ed25519PublicKey.from_public_bytes(_decode(canonical["x"])).verify(signature, base)
    except (ValueError, InvalidSignature):
        return False
    return True


def read_directory(body: bytes, *, fetched_at: int = 0) -> dict[str, Key]:
    """Read a key directory (JWKS, RFC 7517 section 5) into keys by thumbprint; a `kid` is not looked at.

    Keys of other types, for other uses and test keys are left out. Raises ValueError if it is no key set or
    holds more than 32 keys.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("not readable as JSON") from error
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise ValueError("no key set: an object with a list `keys` is expected")
    if len(rows) > MOST_KEYS:
        raise ValueError(f"{len(rows)} keys, more than {MOST_KEYS}")
    keys: dict[str, Key] = {}
    for row in rows:
        if not isinstance(row, dict) or not _is_for_signatures(row):
            continue
        try:
            jwk = canonical_jwk(row)
            name = thumbprint(row)
            begins, ends = _seconds(row.get("nbf")), _seconds(row.get("exp"))
        except ValueError:
            continue
        if name not in TEST_KEYS:
            keys[name] = Key(jwk, name, begins, ends, fetched_at)
    return keys


def _is_for_signatures(row: Mapping[str, object]) -> bool:
    algorithm = row.get("alg", "ed25519")
    return row.get("use", "sig") == "sig" and isinstance(algorithm, str) and algorithm.lower() in _ALGORITHMS


def _seconds(value: object) -> int:
    """A time in a directory; zero if none is given."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise ValueError("no time")
    return int(value // 1000 if value >= _MILLISECONDS else value)


def _decode(text: str) -> bytes:
    """Strict base64url without padding: one spelling for each value, or thumbprints would differ."""
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("no base64url")
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != text:
        raise ValueError("not the canonical base64url")
    return raw
