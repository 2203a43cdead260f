"""Cosignatures of witnesses on checkpoints (C2SP tlog-cosignature v1.0.0, type 0x04: Ed25519)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vorbehalt.evidence.tlog.note import NoteError, SignatureLine, is_key_name, key_id, strict_base64

COSIGNATURE = b"\x04"
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_MOST_SECONDS = 2**63 - 1
_KEY_ID = re.compile(r"[0-9a-f]{8}")


def signed_message(body: bytes, seconds: int) -> bytes:
    """Returns what a witness signs: two lines, then the text of the checkpoint with its final newline."""
    return f"cosignature/v1\ntime {seconds}\n".encode("ascii") + body


@dataclass(frozen=True, slots=True)
class Witness:
    """The known key of a witness; `public` is 32 bytes."""

    name: str
    public: bytes

    @classmethod
    def from_vkey(cls, text: str) -> Witness:
        """Parses `name+hexkeyid+base64(0x04 || public)`; raises NoteError unless it is the one spelling."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not is_key_name(parts[0]) or not _KEY_ID.fullmatch(parts[1]):
            raise NoteError("not a verifier key (name+id+key)")
        typed = strict_base64(parts[2])
        if len(typed) != 33 or typed[:1] != COSIGNATURE:
            raise NoteError("not an Ed25519 key of a witness (type 0x04)")
        witness = cls(parts[0], typed[1:])
        if witness.key_id.hex() != parts[1]:
            raise NoteError("the key id does not belong to the key")
        return witness

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, COSIGNATURE + self.public)

    @property
    def vkey(self) -> str:
        typed = base64.b64encode(COSIGNATURE + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{typed}"

    def signed_at(self, body: bytes, signature: bytes) -> int:
        """Returns the POSIX seconds at which this witness cosigned `body`; raises NoteError if it did not."""
        if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
            raise NoteError(f"the cosignature of {self.name} has {len(signature)} bytes, not 72")
        seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
        if not 0 < seconds <= _MOST_SECONDS:
            raise NoteError(f"the cosignature of {self.name} bears no time")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(
                signature[_TIME_BYTES:], signed_message(body, seconds)
            )
        except (InvalidSignature, ValueError):
            raise NoteError(f"the cosignature of {self.name} does not hold") from None
        return seconds

    def find(self, body: bytes, lines: list[SignatureLine]) -> int:
        """Returns when this witness cosigned `body`, by the one of `lines` that bears its key.

        Lines by other keys are ignored; raises NoteError if there is none, or if one of its own is bad.
        """
        own = [line for line in lines if (line.name, line.key_id) == (self.name, self.key_id)]
        if not own:
            raise NoteError(f"there is no cosignature of {self.name}")
        return max([self.signed_at(body, line.signature) for line in own])


@dataclass(frozen=True, slots=True, repr=False)
class Cosigner:
    """The private key of a witness; `seed` is 32 secret bytes."""

    name: str
    seed: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise NoteError(f"not a key name: {self.name!r}")

    @property
    def witness(self) -> Witness:
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Witness(self.name, private.public_key().public_bytes_raw())

    def cosign(self, body: bytes, seconds: int) -> bytes:
        """Returns one signature line (with its newline) over the text of a checkpoint."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(signed_message(body, seconds))
        data = self.witness.key_id + seconds.to_bytes(_TIME_BYTES, "big") + signature
        return f"\N{EM DASH} {self.name} {base64.b64encode(data).decode('ascii')}\n".encode()
