"""Signed notes, verifier keys and checkpoints (C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vorbehalt.errors import TamperError

ED25519 = b"\x01"
MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1_000_000
_SKEY_PREFIX = "PRIVATE+KEY+"
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(TamperError):
    """A note, a key or a checkpoint is malformed, or a signature does not hold."""


def strict_base64(text: str) -> bytes:
    """Decodes standard base64 that re-encodes to itself; anything else raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"not base64: {text[:40]!r}") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise NoteError(f"base64 with stray bits: {text[:40]!r}")
    return data


def is_key_name(name: str) -> bool:
    """True for a key name: not empty, no space of any kind, no plus sign, no control character."""
    return bool(name) and "+" not in name and not any(ch.isspace() or ch < " " for ch in name)


def key_id(name: str, typed_key: bytes) -> bytes:
    """Returns the 4-byte key id over `name` and the key with its leading type byte."""
    return hashlib.sha256(name.encode() + b"\n" + typed_key).digest()[:4]


@dataclass(frozen=True, slots=True)
class Verifier:
    """An Ed25519 key that is known; `public` is 32 bytes."""

    name: str
    public: bytes

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """Parses `name+hexkeyid+base64(0x01 || public)`; raises NoteError unless it is the one spelling."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not is_key_name(parts[0]) or not _KEY_ID.fullmatch(parts[1]):
            raise NoteError("not a verifier key (name+id+key)")
        typed = strict_base64(parts[2])
        if len(typed) != 33 or typed[:1] != ED25519:
            raise NoteError("not an Ed25519 verifier key")
        verifier = cls(parts[0], typed[1:])
        if verifier.key_id.hex() != parts[1]:
            raise NoteError("the key id does not belong to the key")
        return verifier

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, ED25519 + self.public)

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode('ascii')}"

    def verify(self, body: bytes, signature: bytes) -> bool:
        """Says whether the 64-byte signature over the note text holds."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, body)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """An Ed25519 private key with its name; `seed` is 32 secret bytes."""

    name: str
    seed: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise NoteError(f"not a key name: {self.name!r}")
        if len(self.seed) != 32:
            raise NoteError("an Ed25519 seed has 32 bytes")

    @classmethod
    def from_skey(cls, text: str) -> Signer:
        """Parses `PRIVATE+KEY+name+id+base64(0x01 || seed)`; raises NoteError without quoting the key."""
        parts = text.removeprefix(_SKEY_PREFIX).split("+", 2)
        if not text.startswith(_SKEY_PREFIX) or len(parts) != 3:
            raise NoteError("not a private key in signed-note form")
        try:
            typed = strict_base64(parts[2])
        except NoteError:
            raise NoteError("the private key is not base64") from None
        if len(typed) != 33 or typed[:1] != ED25519:
            raise NoteError("not an Ed25519 private key")
        signer = cls(parts[0], typed[1:])
        if signer.verifier.key_id.hex() != parts[1]:
            raise NoteError("the key id does not belong to the private key")
        return signer

    @property
    def skey(self) -> str:
        typed = base64.b64encode(ED25519 + self.seed).decode("ascii")
        return f"{_SKEY_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{typed}"

    @property
    def verifier(self) -> Verifier:
        return Verifier(
            self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        )

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def sign(self, body: bytes) -> bytes:
        """Returns the note: `body`, an empty line and one signature line. `body` must end in a newline."""
        _check_text(body)
        if not body.endswith(b"\n"):
            raise NoteError("the text does not end in a newline")
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(body)
        encoded = base64.b64encode(self.verifier.key_id + signature).decode("ascii")
        return body + f"\n\N{EM DASH} {self.name} {encoded}\n".encode()


@dataclass(frozen=True, slots=True)
class SignatureLine:
    name: str
    key_id: bytes
    signature: bytes


def _check_text(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteError("the note is not UTF-8") from None
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        raise NoteError("the note holds a control character")


def split_note(note: bytes) -> tuple[bytes, list[SignatureLine]]:
    """Splits a note into its text (with the final newline) and its signature lines; verifies nothing."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteError("the note is longer than a megabyte")
    _check_text(note)
    at = note.rfind(b"\n\n")
    if at < 0 or not note.endswith(b"\n"):
        raise NoteError("the note has no signature block")
    body, block = note[: at + 1], note[at + 2 :].decode("utf-8")
    lines = block.split("\n")[:-1]
    if not lines:
        raise NoteError("the note has no signature")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"the note has more than {MAX_SIGNATURES} signatures")
    found = []
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "\N{EM DASH}" or not is_key_name(name):
            raise NoteError(f"malformed signature line: {line[:60]!r}")
        data = strict_base64(encoded)
        if len(data) < 5:
            raise NoteError(f"signature too short: {line[:60]!r}")
        found.append(SignatureLine(name, data[:4], data[4:]))
    return body, found


@dataclass(frozen=True, slots=True)
class Opened:
    """A note with at least one good signature by a known key."""

    body: bytes
    names: tuple[str, ...]
    signatures: int
    """Number of signature lines, those by unknown keys included."""


def open_note(note: bytes, verifiers: Sequence[Verifier]) -> Opened:
    """Opens a note.

    Raises NoteError if it is malformed, if a signature that names a known key is bad, or if no known key
    signed. Signatures by unknown keys are ignored.
    """
    body, lines = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    names: list[str] = []
    for line in lines:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.verify(body, line.signature):
            raise NoteError(f"the signature of {line.name} does not hold")
        if line.name not in names:
            names.append(line.name)
    if not names:
        raise NoteError("no known key signed this note")
    return Opened(body, tuple(names), len(lines))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root that a log commits to; `extensions` are further lines of the signed text."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions)).encode()


def parse_checkpoint(body: bytes) -> Checkpoint:
    """Parses the text of a checkpoint; raises NoteError unless it formats back to the same bytes."""
    try:
        lines = body.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise NoteError("the checkpoint is not UTF-8") from None
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NoteError("a checkpoint has the lines origin, size and root")
    if not _SIZE.fullmatch(lines[1]):
        raise NoteError(f"not a tree size: {lines[1][:40]!r}")
    root = strict_base64(lines[2])
    if len(root) != 32:
        raise NoteError("the root is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:-1]))


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Opens a checkpoint of the log whose key `verifier` is; the origin must be the name of the key."""
    checkpoint = parse_checkpoint(open_note(note, [verifier]).body)
    if checkpoint.origin != verifier.name:
        raise NoteError(f"the checkpoint is of another log: {checkpoint.origin[:80]!r}")
    return checkpoint
