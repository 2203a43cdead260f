"""Access logs of the time before us: which file it is, and what of it is in the evidence already."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.history.records import ACCESS_LOG, IMPORTED, REQUEST
from vorbehalt.evidence.reading.walk import walk_log
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.tlog.leaf import seen_of


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file as it lay there when it was read. `digest` is the SHA-256 of its bytes, compressed or not."""

    path: Path
    digest: str
    size: int
    changed_at: int

    @classmethod
    def of(cls, path: Path) -> LogFile:
        """Read a file through once. Raises OSError."""
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        status = path.stat()
        return cls(path, digest, status.st_size, status.st_mtime_ns)

    def must_be_unchanged(self) -> None:
        """Raise EvidenceError if the file was written to since: its digest would be that of another file."""
        status = self.path.stat()
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed_at):
            raise EvidenceError(
                f"{self.path} changed while it was read: import closed (rotated) logs, not a running one"
            )


@dataclass(slots=True)
class Before:
    """What was imported before: whole files, and lines of files whose import was cut short."""

    whole: set[str] = field(default_factory=set)
    lines: dict[str, set[int]] = field(default_factory=dict)


def imported_before(directory: Path) -> Before:
    """Return which lines of which files are in a log. Raises EvidenceError."""
    before = Before()
    for leaf in walk_log(directory, (IMPORTED,)):
        seen = seen_of(leaf)
        log = seen.get("log")
        if not isinstance(log, dict) or not isinstance(digest := log.get("sha256"), str):
            continue
        if seen.get("kind") == ACCESS_LOG:
            before.whole.add(digest)
        elif seen.get("kind") == REQUEST and isinstance(line := log.get("line"), int):
            before.lines.setdefault(digest, set()).add(line)
    return before


@dataclass(slots=True)
class Counted:
    """What one file held. `recorded` are lines that have a record now; `others` requests that leave none."""

    lines: int = 0
    recorded: int = 0
    before: int = 0
    others: int = 0
    unreadable: int = 0
    first: int | None = None
    last: int | None = None

    def note(self, at: int) -> None:
        """Note the time of a request (nanoseconds UTC)."""
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)


def whole_file_draft(file: LogFile, counted: Counted, custodian: str, imported_at: int) -> Draft:
    """Build the record that says that a file was imported to its end."""
    seen: dict[str, object] = {
        "kind": ACCESS_LOG,
        "not_contemporaneous": True,
        "log": {"sha256": file.digest, "name": file.path.name, "size": file.size, "lines": counted.lines},
        "recorded": counted.recorded + counted.before,
        "without_record": counted.others,
        "unreadable": counted.unreadable,
        "first": None if counted.first is None else str(counted.first),
        "last": None if counted.last is None else str(counted.last),
        "custodian": custodian,
        "imported_at": str(imported_at),
    }
    return Draft(type=IMPORTED, ref="", at=imported_at, seen=seen)
