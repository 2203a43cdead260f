"""Recomputes a whole evidence directory offline and names everything that does not hold."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from vorbehalt.errors import TamperError
from vorbehalt.evidence.auditor.against import older_checkpoint
from vorbehalt.evidence.auditor.anchors import AnchorAudit, own_checkpoint
from vorbehalt.evidence.auditor.enclosed import RECORDS
from vorbehalt.evidence.auditor.files import Files, why
from vorbehalt.evidence.auditor.log import LogAudit
from vorbehalt.evidence.auditor.naming import ABOUT_ANCHORS
from vorbehalt.evidence.auditor.report import Report
from vorbehalt.evidence.auditor.spool import Spool
from vorbehalt.evidence.auditor.vault import Vault
from vorbehalt.evidence.tlog.cosignature import Witness
from vorbehalt.evidence.tlog.note import MAX_NOTE_BYTES, Checkpoint, Verifier

Progress = Callable[[int, int], None]

__all__ = ["MAX_PROBLEMS", "Report", "verify"]

MAX_PROBLEMS = 200
_ATTEMPTS = 3
_DIGEST = re.compile(r"[0-9a-f]{64}")


def verify(
    directory: Path,
    *,
    against: bytes | None = None,
    vkey: str | None = None,
    tsa_roots: str = "",
    witnesses: tuple[Witness, ...] = (),
    progress: Progress | None = None,
) -> Report:
    """Verifies an evidence directory, or a dossier, from its files alone.

    `against` is what somebody has kept of the same log, an older checkpoint, a time stamp over one or a
    cosignature: the log must still contain that tree. `vkey` is the key in verifier form, `tsa_roots` (PEM)
    and `witnesses` those that are trusted, all from outside the directory; without them what it encloses is
    used.
    `progress` is called with entries done and in all. Never raises on what the files hold.
    """
    for _ in range(_ATTEMPTS):
        audit = _Audit(directory, against, vkey, progress or (lambda done, total: None), tsa_roots, witnesses)
        try:
            audit.run()
        except (OSError, MemoryError) as error:
            audit.problem(f"the directory: {why(error)}")
        # A log that grew while it was read can look broken; one that stood still cannot.
        if not audit.problems or not audit.has_moved():
            break
    return audit.report()


@dataclass(slots=True)
class _Audit:
    directory: Path
    against: bytes | None
    vkey: str | None
    progress: Progress
    tsa_roots: str = ""
    witnesses: tuple[Witness, ...] = ()
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: int = 0
    signed: bytes | None = None
    checkpoint: Checkpoint | None = None
    verifier: Verifier | None = None
    files: Files = field(init=False)
    log: LogAudit = field(init=False)
    anchors: AnchorAudit = field(init=False)
    unanchored: int | None = None

    def __post_init__(self) -> None:
        self.files = Files(self.directory, self.problem)
        self.log = LogAudit(
            self.files,
            self.problem,
            Spool(),
            Vault(self.files),
            self.progress,
            is_dossier=os.path.lexists(self.directory / RECORDS),
        )
        self.anchors = AnchorAudit(
            self.files, self.problem, self.note, self.log, self._contains, self.tsa_roots, self.witnesses
        )

    def problem(self, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            # File names come from whoever made the directory; they go to terminals.
            self.problems.append(_printable(text))
        else:
            self.dropped += 1

    def note(self, text: str) -> None:
        if len(self.notes) < MAX_PROBLEMS:
            self.notes.append(_printable(text))

    def run(self) -> None:
        if not (self.directory / "log").is_dir():
            self.problem("log: there is no log in this directory")
            return
        spool, vault = self.log.spool, self.log.vault
        # The order matters while a log grows: what leaves the spool later is in the log, read after it.
        spool.read(self.files, self.problem, self.note)
        vault.open()
        self._open_checkpoint()
        self.log.run(self.checkpoint.size if self.checkpoint else None)
        if self.checkpoint is not None and self.log.levels.size != self.checkpoint.size:
            self.problem(f"log: only {self.log.levels.size} of {self.checkpoint.size} entries can be read")
        elif (
            self.checkpoint is not None and self.log.levels.root(self.checkpoint.size) != self.checkpoint.root
        ):
            self.problem("log/checkpoint: the entries have another root")
        waiting = spool.finish(self.log.chains, self.problem)
        for leaf in waiting:
            vault.leaf(leaf)
        for sentence in self.log.chains.open_holes():
            self.problem(sentence)
        self._absent()
        self._objects()
        self.anchors.run(self.verifier, waiting)
        self._against()
        self._find_unanchored(waiting)
        vault.read(self.problem, self.note)
        self._ahead()

    def _absent(self) -> None:
        """Say what cannot be told where entries are hashes only."""
        if self.log.is_dossier:
            self.note(
                f"a dossier: {len(self.log.enclosed)} of {self.log.levels.size} records are enclosed, the"
                " others stand as hashes; holes in what writers numbered cannot be seen"
            )
        elif self.log.absent:
            self.note(
                f"the entries below {self.log.absent} are hashes only: holes in what writers numbered there"
                " cannot be seen"
            )

    def report(self) -> Report:
        problems = list(self.problems)
        if self.dropped:
            problems.append(f"and {self.dropped} more problems")
        checkpoint = self.checkpoint
        return Report(
            records=self.log.records,
            size=checkpoint.size if checkpoint else 0,
            unsealed=self.log.spool.unsealed,
            root=base64.b64encode(checkpoint.root).decode("ascii") if checkpoint else "",
            unanchored_since=_moment(self.unanchored),
            gaps=self.log.gaps,
            problems=tuple(problems),
            notes=tuple(self.notes),
            assurance=self.anchors.assurance,
            minimum=self.log.minimum,
        )

    def has_moved(self) -> bool:
        """Says whether the checkpoint is another one than when the audit began."""
        try:
            return (
                self.signed is not None and self.files.read("log/checkpoint", MAX_NOTE_BYTES) != self.signed
            )
        except (OSError, TamperError):
            return False

    def _open_checkpoint(self) -> None:
        enclosed = None
        try:
            text = self.files.read("log/vkey", 4096).decode("utf-8", "replace")
            if not text.endswith("\n"):
                raise TamperError("the key has no line end")
            enclosed = Verifier.from_vkey(text[:-1])
        except (OSError, TamperError) as error:
            self.problem(f"log/vkey: {why(error)}")
        self.verifier = enclosed
        if self.vkey is None:
            self.note("key taken from the directory: integrity, not authorship")
        else:
            try:
                self.verifier = Verifier.from_vkey(self.vkey.strip())
            except TamperError as error:
                self.verifier = None
                self.problem(f"the given key: {error}")
            if enclosed is not None and self.verifier is not None and enclosed != self.verifier:
                self.problem("log/vkey: is not the given key")
        if self.verifier is not None:
            try:
                self.signed = self.files.read("log/checkpoint", MAX_NOTE_BYTES)
                self.checkpoint = own_checkpoint(self.signed, self.verifier)
            except (OSError, TamperError) as error:
                self.problem(f"log/checkpoint: {why(error)}")

    def _ahead(self) -> None:
        """A file beyond the checkpoint is fine while a seal is on its way, else the log was cut."""
        if not self.log.ahead or self.verifier is None or self.checkpoint is None:
            return
        # What the spool has lost when it is read here is under the checkpoint that is read after it.
        spool = Spool()
        spool.read(self.files, lambda text: None, lambda text: None)
        try:
            now = own_checkpoint(self.files.read("log/checkpoint", MAX_NOTE_BYTES), self.verifier).size
        except (OSError, TamperError) as error:
            self.problem(f"log/checkpoint: {why(error)}")
            return
        ahead = {path for extent, path in self.log.ahead if extent > now}
        bad = self.log.unexplained(now, spool) if ahead else []
        for path in bad:
            self.problem(f"{path}: belongs to more entries than the {now} that are signed: the log was cut")
        if ahead and not bad:
            self.note(f"a seal is not finished: {len(ahead)} files are written, but not yet signed")

    def _against(self) -> None:
        if self.against is None or self.verifier is None:
            return
        try:
            older = older_checkpoint(
                self.against, self.verifier, self.anchors.frozen(), self.anchors.known_witnesses()
            )
            self._contains(older, "the given older checkpoint")
        except TamperError as error:
            self.problem(f"the given older checkpoint: {error}")

    def _find_unanchored(self, waiting: list[dict[str, object]]) -> None:
        covered = max((point.size for point in self.anchors.points), default=0)
        moments = [int(str(leaf["at"])) for leaf in waiting if leaf["type"] not in ABOUT_ANCHORS]
        if (first := self.log.first_after(covered)) is not None:
            moments.insert(0, first)
        self.unanchored = moments[0] if moments else None

    def _contains(self, older: Checkpoint, place: str) -> None:
        if older.size > self.log.levels.size:
            self.log.ahead.append((older.size, place))
        elif self.log.levels.root(older.size) != older.root:
            self.problem(
                f"{place}: the log no longer contains the {older.size} entries that were signed there"
            )

    def _objects(self) -> None:
        found = set()
        for path in self.files.walk("objects"):
            name = path.rpartition("/")[2]
            if path != f"objects/sha256/{name[:2]}/{name}" or not _DIGEST.fullmatch(name):
                self.problem(f"{path}: unexpected file")
                continue
            found.add(name)
            try:
                if self.files.digest(path) != name:
                    self.problem(f"{path}: content and name differ")
            except OSError as error:
                self.problem(f"{path}: {why(error)}")
        for name in sorted(self.log.objects - found):
            self.problem(f"objects/sha256/{name[:2]}/{name[:64]}: missing, a record names it")


def _printable(text: str) -> str:
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)


def _moment(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
