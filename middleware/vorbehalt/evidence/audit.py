"""Recomputes a whole evidence directory offline and names everything that does not hold."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from vorbehalt.errors import TamperError
from vorbehalt.evidence.auditor.files import Files, why
from vorbehalt.evidence.auditor.log import LogAudit
from vorbehalt.evidence.auditor.spool import Spool
from vorbehalt.evidence.auditor.vault import Vault
from vorbehalt.evidence.tlog.note import MAX_NOTE_BYTES, Checkpoint, Verifier, open_checkpoint, split_note

Progress = Callable[[int, int], None]

MAX_PROBLEMS = 200
_ATTEMPTS = 3
_FROZEN = re.compile(r"anchors/(0|[1-9][0-9]{0,18})\.checkpoint")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found. `ok` holds exactly when `problems` is empty; `notes` never make it fail."""

    records: int
    size: int
    unsealed: int
    root: str
    """Base64, as it stands in the checkpoint; empty if there is no readable checkpoint."""
    unanchored_since: str | None
    """Time of the first record that no outside time stamp covers."""
    gaps: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    assurance: str = "self-attested"

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """Returns the object that `evidence verify --json` prints."""
        return {
            "ok": self.ok,
            "records": self.records,
            "size": self.size,
            "unsealed": self.unsealed,
            "root": self.root,
            "assurance": self.assurance,
            "unanchored_since": self.unanchored_since,
            "gaps": self.gaps,
            "problems": list(self.problems),
        }


def verify(
    directory: Path,
    *,
    against: bytes | None = None,
    vkey: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Verifies an evidence directory from its files alone.

    `against` is an older checkpoint of the same log (the bytes of the note): the log must still contain that
    tree. `vkey` is the key in verifier form from outside the directory; without it the enclosed one is used.
    `progress` is called with entries done and in all. Never raises on what the files hold.
    """
    for _ in range(_ATTEMPTS):
        audit = _Audit(directory, against, vkey, progress or (lambda done, total: None))
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
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: int = 0
    signed: bytes | None = None
    checkpoint: Checkpoint | None = None
    verifier: Verifier | None = None
    files: Files = field(init=False)
    log: LogAudit = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(self.directory, self.problem)
        self.log = LogAudit(self.files, self.problem, Spool(), Vault(self.files), self.progress)

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
        for leaf in spool.finish(self.log.chains, self.problem):
            vault.leaf(leaf)
        for sentence in self.log.chains.open_holes():
            self.problem(sentence)
        self._objects()
        self._anchors()
        self._against()
        vault.read(self.problem, self.note)
        self._ahead()

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
            unanchored_since=_moment(self.log.first_at),
            gaps=self.log.gaps,
            problems=tuple(problems),
            notes=tuple(self.notes),
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
                self.checkpoint = _own(self.signed, self.verifier)
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
            now = _own(self.files.read("log/checkpoint", MAX_NOTE_BYTES), self.verifier).size
        except (OSError, TamperError) as error:
            self.problem(f"log/checkpoint: {why(error)}")
            return
        ahead = {path for extent, path in self.log.ahead if extent > now}
        bad = self.log.unexplained(now, spool) if ahead else []
        for path in bad:
            self.problem(f"{path}: belongs to more entries than the {now} that are signed: the log was cut")
        if ahead and not bad:
            self.note(f"a seal is not finished: {len(ahead)} files are written, but not yet signed")

    def _anchors(self) -> None:
        found = set()
        for path in self.files.walk("anchors"):
            name = path.removeprefix("anchors/")
            found.add(name)
            try:
                if (match := _FROZEN.fullmatch(path)) is not None:
                    self._frozen(path, int(match[1]))
                elif name not in self.log.anchored:
                    self.problem(f"{path}: unexpected file")
                elif self.files.digest(path) != self.log.anchored[name]:
                    self.problem(f"{path}: differs from the digest that its record names")
            except (OSError, TamperError) as error:
                self.problem(f"{path}: {why(error)}")
        for name in sorted(self.log.anchored.keys() - found):
            self.problem(f"anchors/{name}: missing, a record names it")

    def _frozen(self, path: str, size: int) -> None:
        if self.verifier is None:
            return
        frozen = _own(self.files.read(path, MAX_NOTE_BYTES), self.verifier)
        if frozen.size != size:
            self.problem(f"{path}: is of size {frozen.size}")
        self._contains(frozen, path)

    def _against(self) -> None:
        if self.against is None or self.verifier is None:
            return
        try:
            self._contains(open_checkpoint(self.against, self.verifier), "the given older checkpoint")
        except TamperError as error:
            self.problem(f"the given older checkpoint: {error}")

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


def _own(note: bytes, verifier: Verifier) -> Checkpoint:
    checkpoint = open_checkpoint(note, verifier)
    # A line by an unknown key could be changed without any signature noticing.
    if len(split_note(note)[1]) != 1:
        raise TamperError("has a signature line that nobody here can check")
    return checkpoint


def _printable(text: str) -> str:
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)


def _moment(nanoseconds: str | None) -> str | None:
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(int(nanoseconds) // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
