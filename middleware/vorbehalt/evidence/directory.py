"""The evidence directory: its layout, its keys, and whether it can be used at all."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError, PlatformError
from vorbehalt.evidence.files import (
    HAS_LOCKS,
    PRIVATE_DIRECTORY,
    PRIVATE_FILE,
    PUBLIC_FILE,
    Disk,
    locked,
)
from vorbehalt.evidence.tlog.merkle import EMPTY_ROOT
from vorbehalt.evidence.tlog.note import Checkpoint, NoteError, Signer, Verifier, is_key_name

_PUBLIC = ("log", "objects", "objects/sha256", "anchors")
_PRIVATE = ("spool", "vault", "keys", "run")
_KNOWN = frozenset({"log", "objects", "anchors", "spool", "vault", "keys", "run", "verify.py", "README.txt"})
_VERIFIER = Path(__file__).with_name("verify.py")
_INSTEAD = (
    'Set evidence.directory to a directory that can be written, to "memory:" (kept until the process ends) '
    'or to "off".'
)

_README = """\
Evidence log of {origin}

Written by Vorbehalt, a middleware that reserves rights against AI crawlers.
The directory holds a transparency log in the C2SP tlog-tiles format: whatever
is in it cannot be changed, cut or reordered without that being seen.

Verifier key of this log (also in log/vkey):

{vkey}

To verify, with Python 3.11 or later, the openssl program and nothing else:

    python3 verify.py . --vkey "$(cat log/vkey)"

or, with Vorbehalt installed:

    vorbehalt evidence verify .

Take the key from somewhere else than from this directory (a letter, a web
page, a notary): a key from the bundle shows integrity, not authorship.

log/         checkpoint (signed size and root), tile/ (hashes, entries), vkey
objects/     documents that records name by their SHA-256
anchors/     checkpoints as issued, time stamps, cosignatures
spool/       records on their way into the log
vault/       sealed openings (addresses); unreadable without keys/
keys/        secret: the signing key and the keys of the vault. Back it up
             apart from the rest, and never hand it on
run/         locks and working state; may be removed while nothing runs

A leaf holds no address: only a salted commitment and a pseudonym that lives
for a month. Destroying a key in keys/ forgets the addresses of its day and
breaks no proof. A log shows that nothing was changed since it was written,
not that it was true; time stamps and witnesses limit when it can have been
written.
"""


@dataclass(frozen=True, slots=True)
class EvidenceDirectory:
    """A directory that was checked. `signer` is None where another user holds the signing key."""

    path: Path
    verifier: Verifier
    signer: Signer | None

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def run(self) -> Path:
        return self.path / "run"


def prepare(
    directory: Path, origin: str, *, disk: Disk | None = None, key: Path | None = None
) -> EvidenceDirectory:
    """Create the directory with its keys, or check the one that is there; processes may do so at once.

    `key` is where the signing key lies, if not in the directory's own `keys/log.key`.
    Raises EvidenceError with a sentence that says what to do if it cannot be used, belongs to another origin
    or shows its keys to others; PlatformError where files cannot be locked.
    """
    disk = disk or Disk()
    if not HAS_LOCKS:
        raise PlatformError(
            "The evidence log needs file locks (fcntl), which this platform lacks. "
            'Set evidence.directory to "memory:" or to "off".'
        )
    if not is_key_name(origin):
        raise EvidenceError(
            f"evidence.origin {origin!r} cannot name a log: no spaces, no plus sign, not empty."
        )
    try:
        _refuse_strangers(directory)
        for name in ("", *_PUBLIC, *_PRIVATE):
            (directory / name).mkdir(
                parents=True, exist_ok=True, mode=0o755 if name in _PUBLIC else PRIVATE_DIRECTORY
            )
        with locked(directory / "run" / "init.lock"):
            found = _open(directory, origin, disk, key or directory / "keys" / "log.key")
            _write_texts(directory, found, disk)
    except OSError as error:
        raise EvidenceError(
            f"The evidence directory {directory} cannot be used: {error.strerror or error}. {_INSTEAD}"
        ) from error
    return found


def open_directory(directory: Path, key: Path | None = None) -> EvidenceDirectory:
    """Open an evidence directory that exists, whatever its origin; raises EvidenceError.

    A `key` of its own must be there, and be nobody else's to read.
    """
    try:
        verifier = Verifier.from_vkey((directory / "log" / "vkey").read_text("utf-8").strip())
    except OSError as error:
        raise EvidenceError(
            f"{directory} is no evidence directory: log/vkey cannot be read ({error.strerror})."
        ) from error
    except NoteError as error:
        raise EvidenceError(f"{directory / 'log' / 'vkey'} is damaged: {error}.") from error
    _check_private(directory)
    if key is not None and not _may(key, os.R_OK):
        raise EvidenceError(f"The signing key {key} cannot be read by this user.")
    if key is not None and (mode := stat.S_IMODE(key.stat().st_mode)) & 0o077:
        raise EvidenceError(
            f"{key} can be read by other users (mode {mode:04o}). Whoever has it can forge the log: "
            f"run chmod go-rwx {key}"
        )
    return EvidenceDirectory(directory, verifier, _signer(key or directory / "keys" / "log.key", verifier))


def _open(directory: Path, origin: str, disk: Disk, key: Path) -> EvidenceDirectory:
    run = directory / "run"
    vkey = directory / "log" / "vkey"
    if not vkey.exists():
        signer = Signer(origin, os.urandom(32))
        if not disk.create_once(key, f"{signer.skey}\n".encode(), key.parent, PRIVATE_FILE):
            signer = _read_signer(key)
        empty = Checkpoint(signer.name, 0, EMPTY_ROOT)
        disk.create_once(directory / "log" / "checkpoint", signer.sign(empty.body), run, PUBLIC_FILE)
        # Last: a directory with a vkey has all that belongs to it.
        disk.create_once(vkey, f"{signer.vkey}\n".encode(), run, PUBLIC_FILE)
    found = open_directory(directory, key if key.parent != directory / "keys" else None)
    if found.verifier.name != origin:
        raise EvidenceError(
            f"The evidence directory {directory} belongs to {found.verifier.name!r}, "
            f"not to {origin!r}. One log has one origin: keep evidence.origin as it was, or take a new "
            "directory."
        )
    # Asked now, not at the first record: the start is where a wrong owner can still be told.
    for name in ("spool", "run", "vault", "keys"):
        if not _may(directory / name, os.W_OK | os.X_OK):
            raise EvidenceError(f"The evidence directory {directory / name} cannot be written. {_INSTEAD}")
    return found


def _signer(path: Path, verifier: Verifier) -> Signer | None:
    if not _may(path, os.R_OK):
        return None
    signer = _read_signer(path)
    if signer.vkey != verifier.vkey:
        raise EvidenceError(f"{path} is not the key of this log: log/vkey names another.")
    return signer


def _read_signer(path: Path) -> Signer:
    try:
        return Signer.from_skey(path.read_text("ascii").strip())
    except (NoteError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path} is damaged: {error}.") from error


def _check_private(directory: Path) -> None:
    keys = directory / "keys"
    if not keys.is_dir() or not _may(keys, os.R_OK | os.X_OK):
        return
    for path in (keys, *sorted(keys.iterdir())):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:  # another process's temporary file
            continue
        if mode & 0o077:
            raise EvidenceError(
                f"{path} can be read by other users (mode {mode:04o}). Whoever has the keys can forge "
                f"the log and open the vault: run chmod -R go-rwx {keys}"
            )


def _may(path: Path, mode: int) -> bool:
    """True if this process, under its effective user, may do so."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _refuse_strangers(directory: Path) -> None:
    if not directory.exists() or (directory / "log" / "vkey").exists():
        return
    if not directory.is_dir():
        raise EvidenceError(f"The evidence directory {directory} is a file. {_INSTEAD}")
    strangers = sorted(
        entry.name
        for entry in directory.iterdir()
        if entry.name not in _KNOWN and entry.name != "lost+found" and not entry.name.startswith(".")
    )
    if strangers:
        raise EvidenceError(
            f"{directory} holds other files ({', '.join(strangers[:3])}) and no evidence log. {_INSTEAD}"
        )


def _write_texts(directory: Path, found: EvidenceDirectory, disk: Disk) -> None:
    texts = {
        "README.txt": _README.format(origin=found.verifier.name, vkey=found.verifier.vkey).encode(),
        ".gitignore": b"*\n",
    }
    if _VERIFIER.is_file():
        texts["verify.py"] = _VERIFIER.read_bytes()
    for name, body in texts.items():
        path = directory / name
        if not path.is_file() or path.read_bytes() != body:
            disk.replace(path, body, directory / "run")
