"""What a witness remembers: its key, and of each log the last checkpoint that it has cosigned."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import PRIVATE_DIRECTORY, PRIVATE_FILE, PUBLIC_FILE, Disk, locked
from vorbehalt.evidence.tlog.cosignature import Cosigner
from vorbehalt.evidence.tlog.note import (
    Checkpoint,
    NoteError,
    Signer,
    Verifier,
    parse_checkpoint,
    split_note,
)
from vorbehalt.evidence.tlog.witness import Refusal, Submission, judge, open_submission

log = logging.getLogger("vorbehalt.witness")

KEY = "witness.key"
_MOST_KEPT = 100


class WitnessStore:
    """One directory of a witness; several processes may use it at once.

    Beside the key lies, for each log, the last checkpoint with the witness's cosignature on it: a whole note,
    to be handed to whoever verifies that log (`evidence verify --against`).
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        logs: Mapping[str, Verifier],
        *,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or begin the directory; raises EvidenceError if it belongs to a witness of another name."""
        self._directory = directory
        self._logs = logs
        self._disk = disk or Disk()
        self._clock = clock
        self._lock = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
            self.cosigner = self._cosigner(name)
        except OSError as error:
            raise EvidenceError(f"{directory} cannot be used: {error.strerror or error}") from error

    def note_path(self, origin: str) -> Path:
        """Return where the last cosigned checkpoint of a log lies."""
        return self._directory / f"{sha256(origin.encode()).hexdigest()[:16]}.note"

    def add(self, body: bytes) -> bytes | Refusal:
        """Answer one `add-checkpoint` request: the cosignature line, or why there is none.

        Judging and storing are one step under a lock, and what is answered is durable before: two requests at
        once cannot both start from the same size, and no restart forgets a size. Raises OSError if the disk
        fails, and NoteError if the last checkpoint cannot be read: then nothing is cosigned.
        """
        opened = open_submission(body, self._logs)
        if isinstance(opened, Refusal):
            return opened
        with self._lock, locked(self._directory / "lock"):
            path = self.note_path(opened.checkpoint.origin)
            last = _last(path, opened.checkpoint.origin)
            refusal = judge(opened, last)
            if refusal is not None:
                if last is not None and opened.request.old == last.size:
                    self._keep_contradiction(path, opened)
                return refusal
            line = self.cosigner.cosign(opened.body, int(self._clock()))
            # Only the log's own lines and ours: what others signed is not ours to keep.
            verifier = self._logs[opened.checkpoint.origin]
            own = [
                text
                for text in opened.request.note[len(opened.body) + 1 :].decode().splitlines(keepends=True)
                if text.split(" ")[1] == verifier.name
            ]
            note = opened.body + b"\n" + "".join(own).encode() + line
            self._disk.replace(path, note, self._directory, PUBLIC_FILE)
            return line

    def _keep_contradiction(self, path: Path, submission: Submission) -> None:
        """Keep a checkpoint, signed by the log, that does not go with the one before: who else has it?

        A client that sends a wrong proof leaves one, too; whether the two can belong together shows when the
        log is verified against each.
        """
        note, size = submission.request.note, submission.checkpoint.size
        kept = path.with_suffix(f".{size}.{sha256(note).hexdigest()[:8]}.contradicts")
        if kept.exists() or len(list(self._directory.glob(f"{path.stem}.*.contradicts"))) >= _MOST_KEPT:
            return
        self._disk.create_once(kept, note, self._directory, PUBLIC_FILE)
        log.warning("%s does not go with what was cosigned before: kept as %s", path.name, kept.name)

    def _cosigner(self, name: str) -> Cosigner:
        path = self._directory / KEY
        try:
            seed = Signer(name, os.urandom(32))
        except NoteError as error:
            raise EvidenceError(f"{name!r} cannot name a witness: {error}") from None
        self._disk.create_once(path, f"{seed.skey}\n".encode(), self._directory, PRIVATE_FILE)
        if path.stat().st_mode & 0o077:
            raise EvidenceError(f"{path} can be read by other users: run chmod go-rwx {path}")
        try:
            found = Signer.from_skey(path.read_text("ascii").strip())
        except (NoteError, UnicodeDecodeError) as error:
            raise EvidenceError(f"{path} is damaged: {error}") from None
        if found.name != name:
            raise EvidenceError(f"{self._directory} belongs to the witness {found.name!r}, not to {name!r}")
        return Cosigner(found.name, found.seed)


def _last(path: Path, origin: str) -> Checkpoint | None:
    """Return the last cosigned checkpoint of a log; None if there is none. Raises NoteError."""
    try:
        note = path.read_bytes()
    except FileNotFoundError:
        return None
    last = parse_checkpoint(split_note(note)[0])
    if last.origin != origin:
        raise NoteError(f"{path.name} is of another log")
    return last
