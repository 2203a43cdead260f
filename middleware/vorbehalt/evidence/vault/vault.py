"""What must be forgettable: sealed openings beside the log, under keys whose destruction forgets them.

A leaf holds commitments; the vault holds their openings under one key per day and retention class. Destroying
a key, or erasing a row, leaves every proof intact (a commitment without its 256 random bits says nothing).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.files import PRIVATE_FILE, Disk
from vorbehalt.evidence.frames import scan_frames

VERSION = 1
ERASED = 0
SALT_BYTES = 32
NONCE_BYTES = 12
_KEY_PREFIX = "vorbehalt-key-v1 "
_KIND = re.compile(r"[a-z][a-z-]{0,31}")
_ROW = struct.Struct(">BQB")
_NANOSECONDS_A_DAY = 86_400 * 10**9
_MAX_CACHED_KEYS = 32
LOOK_SECONDS = 0.05

Random = Callable[[int], bytes]


def commitment(kind: str, opening: bytes) -> str:
    """Return the SHA-256 hex that a leaf holds for an opening (salt || value) of this kind."""
    tag = "ipc" if kind == "address" else kind
    return hashlib.sha256(f"vb-{tag}-v1\0".encode() + opening).hexdigest()


def pseudonym(month_key: bytes, address: bytes) -> str:
    """Return the 128-bit hex by which one client is recognised within one month, as long as the key lives."""
    return hmac.digest(month_key, address, "sha256")[:16].hex()


def day_of(at: int) -> str:
    """Return the UTC day (`2026-11-23`) of a time in nanoseconds; raises ValueError beyond the year 9999."""
    try:
        return datetime.fromtimestamp(at // 10**9, UTC).date().isoformat()
    except (OverflowError, OSError) as error:
        raise ValueError("the time is out of range") from error


class Keys:
    """Keys in `keys/`, made on first use by whichever process comes first; files 0600."""

    def __init__(self, directory: Path, disk: Disk | None = None, random: Random = os.urandom) -> None:
        self._directory = directory / "keys"
        self._disk = disk or Disk()
        self._random = random
        self._cache: dict[str, bytes] = {}
        self._stamp = -1
        self._looked_at = float("-inf")

    def names(self) -> list[str]:
        """Return the names of all keys that are here."""
        return sorted(path.stem for path in self._directory.glob("*.key"))

    def look(self) -> None:
        """Forget what is remembered if keys came or went: a key that another process destroyed is gone.

        Asks the disk twenty times a second at most: a look costs a tenth of sealing a record.
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        stamp = os.stat(self._directory).st_mtime_ns
        if stamp != self._stamp:
            self._cache.clear()
            self._stamp = stamp

    def path(self, name: str) -> Path:
        return self._directory / f"{name}.key"

    def get(self, name: str) -> bytes | None:
        """Return a key, or None if there is none (never made, or destroyed)."""
        try:
            text = self.path(name).read_text("ascii")
        except FileNotFoundError:
            return None
        if not text.startswith(_KEY_PREFIX) or len(text.strip()) != len(_KEY_PREFIX) + 64:
            raise EvidenceError(f"{self.path(name)} is not a key file")
        return bytes.fromhex(text.strip()[len(_KEY_PREFIX) :])

    def get_or_make(self, name: str) -> bytes:
        """Return a key, made if needed; raises OSError if the disk refuses."""
        if (known := self._cache.get(name)) is not None:
            return known
        key = self.get(name)
        if key is None:
            text = f"{_KEY_PREFIX}{self._random(32).hex()}\n".encode()
            self._disk.create_once(self.path(name), text, self._directory, PRIVATE_FILE)
            key = self.get(name)
        if key is None:
            raise EvidenceError(f"{self.path(name)} was destroyed while it was made")
        if len(self._cache) >= _MAX_CACHED_KEYS:
            self._cache.clear()
        self._cache[name] = key
        return key

    def destroy(self, name: str) -> bool:
        """Overwrite and remove a key; True if there was one."""
        self._cache.pop(name, None)
        path = self.path(name)
        try:
            fd = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            return False
        try:
            self._disk.write_all(fd, bytes(os.fstat(fd).st_size))
            self._disk.sync(fd)
        finally:
            os.close(fd)
        path.unlink()
        self._disk.sync_directory(path.parent)
        return True


@dataclass(frozen=True, slots=True)
class Row:
    """One sealed row. `key` is the day key's id, `2026-11-23.claimed`."""

    sequence: int
    key: str
    nonce: bytes
    sealed: bytes

    def encode(self) -> bytes:
        key = self.key.encode("ascii")
        return _ROW.pack(VERSION, self.sequence, len(key)) + key + self.nonce + self.sealed


@dataclass(frozen=True, slots=True)
class Closed:
    """Private values after sealing: what the leaf says of them, and the row that can open it."""

    private: dict[str, dict[str, str]]
    key: str
    day: str
    row: bytes


class Sealer:
    """Turns private values into commitments and one sealed row. For one writer; not thread-safe."""

    def __init__(self, keys: Keys, random: Random = os.urandom) -> None:
        self._keys = keys
        self._random = random
        self._ciphers: dict[str, tuple[bytes, AESGCM]] = {}
        self._day: tuple[int, str] = (-1, "")

    def close(
        self, private: Mapping[str, bytes], *, retention: str, at: int, writer: str, sequence: int
    ) -> Closed:
        """Seal the openings of one record; raises OSError without a key, ValueError for an odd kind."""
        self._keys.look()
        day = self._day_of(at)
        kid = f"{day}.{retention}"
        cipher = self._cipher(kid)
        random = self._random(NONCE_BYTES + SALT_BYTES * len(private))
        said: dict[str, dict[str, str]] = {}
        plain = bytearray()
        used = NONCE_BYTES
        for kind, value in private.items():
            if not _KIND.fullmatch(kind):
                raise ValueError(f"not a kind of private value: {kind[:40]!r}")
            opening = random[used : used + SALT_BYTES] + value
            used += SALT_BYTES
            said[kind] = {"c": commitment(kind, opening)}
            if kind == "address":
                month = day[:7]
                key = self._keys.get_or_make(f"month-{month}")
                said[kind]["p"] = pseudonym(key, value)
                said[kind]["month"] = month
            name = kind.encode("ascii")
            plain += bytes((len(name),)) + name + struct.pack(">I", len(opening)) + opening
        nonce = random[:NONCE_BYTES]
        sealed = cipher.encrypt(nonce, bytes(plain), f"{writer}/{sequence}".encode())
        return Closed(said, kid, day, Row(sequence, kid, nonce, sealed).encode())

    def _cipher(self, kid: str) -> AESGCM:
        key = self._keys.get_or_make(f"day-{kid}")
        known = self._ciphers.get(kid)
        if known is None or known[0] is not key:
            if len(self._ciphers) >= _MAX_CACHED_KEYS:
                self._ciphers.clear()
            known = self._ciphers[kid] = (key, AESGCM(key))
        return known[1]

    def _day_of(self, at: int) -> str:
        number = at // _NANOSECONDS_A_DAY
        if number != self._day[0]:
            self._day = (number, day_of(at))
        return self._day[1]


def parse_row(payload: bytes) -> Row | None:
    """Parse the payload of a row; None if it was erased. Raises TamperError if it is neither."""
    if payload and payload[0] == ERASED and not payload.strip(b"\0"):
        return None
    if len(payload) < _ROW.size or payload[0] != VERSION:
        raise TamperError("a vault row of an unknown version")
    _, sequence, length = _ROW.unpack_from(payload)
    body = payload[_ROW.size :]
    if len(body) < length + NONCE_BYTES + 16:
        raise TamperError("a vault row is too short")
    key = body[:length].decode("ascii", "replace")
    return Row(sequence, key, body[length : length + NONCE_BYTES], body[length + NONCE_BYTES :])


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file that are still there; a torn end (a crash) is left out."""
    rows = [parse_row(payload) for payload in scan_frames(path.read_bytes()).payloads]
    return [row for row in rows if row is not None]


def plain_of(row: Row, key: bytes, writer: str) -> bytes:
    """Return what a row holds, undecoded; raises TamperError if it does not open."""
    try:
        return AESGCM(key).decrypt(row.nonce, row.sealed, f"{writer}/{row.sequence}".encode())
    except InvalidTag as error:
        raise TamperError(f"vault row {writer}/{row.sequence} does not open with its key") from error


def seal_again(row: Row, plain: bytes, key: bytes, writer: str, random: Random = os.urandom) -> Row:
    """Return a row with the same openings under another key."""
    nonce = random(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plain, f"{writer}/{row.sequence}".encode())
    return Row(row.sequence, row.key, nonce, sealed)


def open_row(row: Row, day_key: bytes, writer: str) -> dict[str, bytes]:
    """Return the openings (32 random bytes || value) by kind; raises TamperError if the row does not open."""
    plain = plain_of(row, day_key, writer)
    openings: dict[str, bytes] = {}
    at = 0
    while at < len(plain):
        kind = plain[at + 1 : at + 1 + plain[at]].decode("ascii")
        at += 1 + plain[at]
        (length,) = struct.unpack_from(">I", plain, at)
        openings[kind] = plain[at + 4 : at + 4 + length]
        at += 4 + length
    return openings
