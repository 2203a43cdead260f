"""The vault: openings of what leaves hold as commitments only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vorbehalt.errors import TamperError
from vorbehalt.evidence.auditor.files import Files, Say, why
from vorbehalt.evidence.auditor.frames import read_frames
from vorbehalt.evidence.vault.hold_seal import open_hold

MAX_ROWS_BYTES = 1 << 34
MAX_HOLD_BYTES = 1 << 16
_NAME = re.compile(r"vault/(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|held/([a-z0-9-]+))/([A-Za-z0-9._:-]+)\.[0-9]+\.rows")
_HOLD = re.compile(r"vault/held/([a-z0-9-]+)/hold\.json")
_KID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[a-z]+")
_KEY = re.compile(r"vorbehalt-key-v1 ([0-9a-f]{64})\n")
_RANDOM = 32


def _commitments(plaintext: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(plaintext):
        start = at + 1 + plaintext[at]
        kind = plaintext[at + 1 : start].decode("ascii")
        end = start + 4 + int.from_bytes(plaintext[start : start + 4], "big")
        opening = plaintext[start + 4 : end]
        if end > len(plaintext) or len(opening) < _RANDOM:
            raise ValueError("cut short")
        tag = b"vb-ipc-v1\0" if kind == "address" else f"vb-{kind}-v1\0".encode("ascii")
        found[kind] = sha256(tag + opening).hexdigest()
        at = end
    return found


def _digest(commitments: dict[str, str]) -> bytes:
    return sha256("".join(f"{kind}={commitments[kind]};" for kind in sorted(commitments)).encode()).digest()


@dataclass(slots=True)
class Vault:
    """Commitments of all leaves, kept only where there is a vault to compare with."""

    files: Files
    wanted: bool = False
    leaves: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, AESGCM | None] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    closed: int = 0
    orphans: int = 0

    def open(self) -> None:
        self.wanted = any(_NAME.fullmatch(path) for path in self.files.walk("vault"))

    def leaf(self, leaf: dict[str, object]) -> None:
        """Keeps what a leaf commits to."""
        private = leaf.get("private")
        if self.wanted and isinstance(private, dict):
            commitments = {
                kind: item["c"]
                for kind, item in private.items()
                if isinstance(item, dict) and isinstance(item.get("c"), str)
            }
            self.leaves[f"{leaf['w']}/{leaf['s']}"] = _digest(commitments)

    def read(self, problem: Say, note: Say) -> None:
        """Checks every row against its leaf, as far as its key still exists."""
        for path in self.files.walk("vault"):
            match = _NAME.fullmatch(path)
            if match is None:
                if (held := _HOLD.fullmatch(path)) is not None:
                    self._hold(path, held[1], problem)
                continue
            try:
                frames = read_frames(self.files.read(path, MAX_ROWS_BYTES))
            except FileNotFoundError:
                continue  # destroyed meanwhile
            except (OSError, TamperError) as error:
                problem(f"{path}: {why(error)}")
                continue
            if frames.corrupt >= 0:
                problem(f"{path}: the row at byte {frames.corrupt} was changed")
            elif frames.torn:
                note(f"{path}: the last {frames.torn} bytes are an unfinished row")
            for number, row in enumerate(frames.payloads):
                if (wrong := self._row(row, match[1] or "", match[2], problem)) is not None:
                    problem(f"{path}: row {number}: {wrong}")
        if self.closed:
            note(
                f"vault: {self.closed} rows cannot be opened, their keys were destroyed or are kept elsewhere"
            )
        if self.orphans:
            note(f"vault: {self.orphans} rows belong to records that are not in this copy")

    def _row(self, row: bytes, matter: str, writer: str, problem: Say) -> str | None:
        if not any(row):
            return None  # erased in place, on somebody's right to be forgotten
        head = 10 + (row[9] if len(row) > 9 else 0)
        if len(row) < head + 12 + 16 or row[0] != 1:
            return "malformed"
        kid = row[10:head].decode("ascii", "replace")
        if not _KID.fullmatch(kid):
            return "malformed key name"
        place = f"{writer}/{int.from_bytes(row[1:9], 'big')}"
        key = self._key(f"hold-{matter}" if matter else f"day-{kid}", problem)
        if key is None:
            self.closed += 1
            return None
        try:
            found = _commitments(key.decrypt(row[head : head + 12], row[head + 12 :], place.encode("ascii")))
        except InvalidTag:
            return "does not open, it was changed or moved"
        except (ValueError, IndexError):
            return "holds no openings"
        expected = self.leaves.get(place)
        if expected is None:
            self.orphans += 1
            return None
        return None if _digest(found) == expected else f"does not open what record {place} commits to"

    def _hold(self, path: str, matter: str, problem: Say) -> None:
        """Hold what says the scope of a hold to the seal of its matter's key, as far as that is here."""
        self._key(f"hold-{matter}", problem)
        try:
            open_hold(self.raw.get(f"hold-{matter}"), matter, self.files.read(path, MAX_HOLD_BYTES))
        except FileNotFoundError:
            return  # released meanwhile
        except (OSError, TamperError) as error:
            problem(f"{path}: {why(error)}")

    def _key(self, name: str, problem: Say) -> AESGCM | None:
        if name not in self.keys:
            self.keys[name] = None
            path = f"keys/{name}.key"
            try:
                match = _KEY.fullmatch(self.files.read(path, 4096).decode("ascii", "replace"))
                if match is None:
                    problem(f"{path}: is no vault key")
                else:
                    self.raw[name] = bytes.fromhex(match[1])
                    self.keys[name] = AESGCM(self.raw[name])
            except FileNotFoundError:
                return None
            except (OSError, TamperError):
                # Whoever verifies may rightly be barred from the keys.
                return None
        return self.keys[name]
