"""What dead writers have lost: killed, crashed, the machine went down, or a spool was damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from vorbehalt.evidence.frames import frame_at, scan_frames
from vorbehalt.evidence.spool.counts import Kept, Left, read_counts
from vorbehalt.evidence.spool.spool import boot_mark
from vorbehalt.evidence.tlog.leaf import MAX_LEAF_BYTES, LeafError, decode_leaf, seen_of

UNCLEAN_END = "unclean_end"
CORRUPTION = "corruption"
VISIT = "visit"
"""The kind under which gap records count visits that no rollup tells of; all other kinds are records."""
_TAIL_BYTES = 4 * MAX_LEAF_BYTES
_FRAME_HEAD = 8
_LEAF_START = b'{"v":'


@dataclass(frozen=True, slots=True)
class UncleanEnd:
    """A dead writer whose last durable record is no `writer-close`.

    `number` of that record, -1 if there is none; `at` its time, nanoseconds UTC as text. `lost` records and
    `visits` were taken on and stand nowhere; None where nobody can tell. `torn` bytes of an unfinished record
    were set aside.
    """

    writer: str
    number: int
    at: str
    lost: int | None = None
    visits: int | None = None
    torn: bytes = b""

    @property
    def key(self) -> str:
        return self.writer

    def seen(self) -> dict[str, object]:
        """Return what the `gap` record says."""
        found: dict[str, object] = {
            "reason": UNCLEAN_END,
            "writer": self.writer,
            "last": str(self.number) if self.number >= 0 else "none",
            "last_at": self.at,
            "lost": "unknown" if self.lost is None else str(self.lost),
        }
        if self.visits is not None:
            found["visits"] = str(self.visits)
        if self.torn:
            found["torn"] = {"bytes": str(len(self.torn)), "sha256": sha256(self.torn).hexdigest()}
        return found


@dataclass(frozen=True, slots=True)
class Hole:
    """Records `first` to `last` of a dead writer that a damaged stretch of its spool has destroyed."""

    writer: str
    first: int
    last: int
    damaged: bytes

    @property
    def key(self) -> str:
        return f"{self.writer}:{self.first}-{self.last}"

    def seen(self) -> dict[str, object]:
        """Return what the `gap` record says; the numbers excuse the hole in both verifiers."""
        return {
            "reason": CORRUPTION,
            "writer": self.writer,
            "first": self.first,
            "last": self.last,
            "lost": str(self.last - self.first + 1),
            "damaged": {"bytes": str(len(self.damaged)), "sha256": sha256(self.damaged).hexdigest()},
        }


Loss = UncleanEnd | Hole
Told = Callable[[Loss], None]
"""Records a loss that is not its own. Called again and again until the record is in the log."""


def explained_by(leaf: dict[str, object]) -> str | None:
    """Return the key of the loss that a leaf explains, if it is a gap record about another writer."""
    if leaf["type"] != "gap":
        return None
    seen = seen_of(leaf)
    if seen.get("reason") == UNCLEAN_END:
        return str(seen.get("writer"))
    if seen.get("reason") == CORRUPTION:
        return f"{seen.get('writer')}:{seen.get('first')}-{seen.get('last')}"
    return None


def unclean_end(
    spool: Path | None, writer: str, counts: Path, *, end: int | None = None, torn: bytes = b""
) -> UncleanEnd | None:
    """Look at the end of a dead writer: its last spool up to `end`, and its page of counts.

    None if it closed properly, or left neither a record nor anything to be missed.
    """
    last = _last_leaf(spool, end) if spool is not None else None
    if last is not None and last["type"] == "writer-close":
        return None
    number, at = (_number(last), str(last["at"])) if last is not None else (-1, "")
    left = read_counts(counts)
    if left is None or boot_mark() != writer.split("-")[1]:
        # After a power failure the page may be older than the spool.
        return UncleanEnd(writer, number, at, torn=torn) if last is not None else None
    kept = _kept(left, number + 1, spool)
    lost, visits = max(0, left.taken - kept.end - kept.told), max(0, left.visits - kept.visits)
    if last is None and not lost and not visits:
        return None
    return UncleanEnd(writer, number, at, lost, visits, torn)


def told_losses(seen: dict[str, object]) -> tuple[int, int]:
    """Return how many records and how many visits of its own writer a gap record tells as lost."""
    if "writer" in seen:
        return 0, 0
    by = seen.get("by")
    visits = int(str(by.get(VISIT, "0"))) if isinstance(by, dict) else 0
    return int(str(seen.get("lost", "0"))) - visits, visits


def rolled_visits(seen: dict[str, object]) -> int:
    """Return how many visits a rollup record tells of."""
    rows = seen.get("rows")
    return sum(int(row["count"]) for row in rows) if isinstance(rows, list) else 0


def _kept(left: Left, leaves: int, spool: Path | None) -> Kept:
    """Return what the durable leaves tell, also where a kill has cut a batch in two."""
    found = left.at(leaves)
    if found is not None or spool is None:
        return found or Kept(leaves, left.kept.told, left.kept.visits)
    told, visits = left.kept.told, left.kept.visits
    for payload in scan_frames(spool.read_bytes()).payloads:
        try:
            leaf = decode_leaf(payload)
        except LeafError:
            break
        if left.kept.end <= _number(leaf) < leaves:
            if leaf["type"] == "rollup":
                visits += rolled_visits(seen_of(leaf))
            elif leaf["type"] == "gap":
                more, gone = told_losses(seen_of(leaf))
                told, visits = told + more, visits + gone
    return Kept(leaves, told, visits)


def _number(leaf: dict[str, object]) -> int:
    number = leaf["s"]
    assert isinstance(number, int)
    return number


def _last_leaf(spool: Path, end: int | None) -> dict[str, object] | None:
    with spool.open("rb") as file:
        size = file.seek(0, 2) if end is None else end
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read(min(size, _TAIL_BYTES))
    found = len(tail)
    while (found := tail.rfind(_LEAF_START, 0, found)) >= _FRAME_HEAD:
        payload = frame_at(tail, found - _FRAME_HEAD)
        if payload is None:
            continue
        try:
            return decode_leaf(payload)
        except LeafError:
            return None
    return None
