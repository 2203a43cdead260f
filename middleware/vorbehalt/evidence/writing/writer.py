"""The writer of one process: drafts in, durable leaves out. Synchronous; the log gives it a thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import FULL
from vorbehalt.evidence.frames import frame
from vorbehalt.evidence.leaf.record import build_leaf
from vorbehalt.evidence.receipt import Draft, RecordType
from vorbehalt.evidence.spool.ballast import Ballast
from vorbehalt.evidence.spool.counts import Counts
from vorbehalt.evidence.spool.counts import Kept as Reach
from vorbehalt.evidence.spool.spool import WriterFiles
from vorbehalt.evidence.spool.unclean import VISIT, rolled_visits, told_losses
from vorbehalt.evidence.vault.vault import Closed, Sealer
from vorbehalt.evidence.writing.losses import DISK_ERROR, DISK_FULL, INTERNAL, MALFORMED, Losses
from vorbehalt.evidence.writing.receipts import SpoolReceipt, wake

MAX_KEPT_RECORDS = 8_192
MAX_KEPT_BYTES = 16 << 20

_BALLAST_EVERY = 60 * 10**9

Job = tuple[Draft, SpoolReceipt | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A leaf that has its number and is kept in memory until it is durable."""

    frame: bytes
    day: str
    row: bytes
    kind: str
    receipt: SpoolReceipt | None
    told: int = 0
    visits: int = 0


class Writer:
    """Gives records their numbers and makes them durable, a batch at a time. Never raises for a disk fault.

    A number is only given to a leaf that is then kept until it is durable, so the sequence has no holes; what
    cannot be kept never gets a number and is counted in a gap record.
    """

    def __init__(
        self,
        files: WriterFiles,
        sealer: Sealer,
        losses: Losses,
        clock: Callable[[], int],
        opening: dict[str, object],
        counts: Counts | None = None,
        ballast: Ballast | None = None,
    ) -> None:
        self._files = files
        self._sealer = sealer
        self._losses = losses
        self._clock = clock
        self._opening = opening
        self._counts = counts or Counts()
        self._ballast = ballast
        self._ballast_at = 0
        self._sequence = 0
        self._previous = ""
        self._kept: list[Kept] = []
        self._kept_bytes = 0
        self.written: Counter[str] = Counter()
        self.loops_gone = 0
        self._fault_reason = DISK_ERROR
        self.defect = ""
        """What went wrong inside us when a record was built; the record is counted as lost."""
        self.fault = ""
        """Sentence about the disk fault that lasts; empty while the disk works."""

    def commit(self, batch: list[Job]) -> None:
        """Make a batch durable and settle its receipts; then record the gaps that arose."""
        if self._sequence == 0:
            self._build_own("writer-open", self._opening)
        if self.fault:
            self._flush()
            if not self.fault:
                # The disk is back: what is missing is said before what follows.
                self._build_gaps()
        self._build_all(batch)
        if self.fault:
            self._let_go()
            return
        self._flush()
        if self._losses.is_pending and not self.fault:
            self._build_gaps()
            self._flush()
        if self._ballast is not None and not self.fault:
            self._take_ballast(self._ballast)

    def _take_ballast(self, ballast: Ballast) -> None:
        now = self._clock()
        if abs(now - self._ballast_at) >= _BALLAST_EVERY:
            self._ballast_at = now
            ballast.take()

    def close(self) -> None:
        """Write the last record with the count of leaves before it, and let go of the files."""
        self.commit([])
        self._build_own("writer-close", {"count": str(self._sequence)})
        self._flush()
        for kept in self._kept:
            self._losses.lose(self._fault_reason, kept.kind, self._clock())
        # Who finds the page of a writer that could not say all, says it.
        self._counts.close(is_settled=not self._kept and not self._losses.is_pending)
        self._kept = []
        self._files.close()

    def _build_all(self, batch: list[Job]) -> None:
        refused: list[SpoolReceipt] = []
        for draft, receipt in batch:
            reason = self._build(draft, receipt)
            if reason:
                self._losses.lose(reason, draft.type, draft.at)
                if draft.type == "rollup":
                    self._losses.lose(reason, VISIT, draft.at, rolled_visits(draft.seen))
                if receipt is not None:
                    receipt.resolve(False)
                    refused.append(receipt)
        self.loops_gone += wake(refused)

    def _build_own(self, kind: RecordType, seen: dict[str, object]) -> None:
        draft = Draft(type=kind, ref="", at=self._clock(), seen=seen)
        if reason := self._build(draft, None):
            self._losses.lose(reason, kind, draft.at)

    def _build_gaps(self) -> None:
        for gap in self._losses.take():
            self._build_own("gap", gap.seen())

    def _build(self, draft: Draft, receipt: SpoolReceipt | None) -> str:
        """Number and keep one record; returns the reason if it is lost instead."""
        if receipt is None:
            self._counts.own()
        if len(self._kept) >= MAX_KEPT_RECORDS or self._kept_bytes >= MAX_KEPT_BYTES:
            return self._fault_reason
        try:
            draft.fill()
            closed = self._seal(draft)
            leaf = build_leaf(
                draft,
                writer=self._files.writer,
                sequence=self._sequence,
                previous=self._previous,
                private=closed.private,
                vault_key=closed.key,
            )
        except OSError as error:
            return DISK_FULL if error.errno in FULL else DISK_ERROR
        except (EvidenceError, ValueError, TypeError, RecursionError):
            return MALFORMED
        except Exception as error:  # a defect of ours may cost a record, never the thread all others wait for
            self.defect = f"{type(error).__name__}: {error}"[:200]
            return INTERNAL
        self._sequence += 1
        self._previous = sha256(leaf).hexdigest()
        row = frame(closed.row) if closed.row else b""
        kept = Kept(frame(leaf), closed.day, row, draft.type, receipt, *_tells(draft))
        self._kept.append(kept)
        self._kept_bytes += len(kept.frame) + len(kept.row)
        return ""

    def _seal(self, draft: Draft) -> Closed:
        if not draft.private:
            return Closed({}, "", "", b"")
        return self._sealer.close(
            draft.private,
            retention=draft.retention,
            at=draft.at,
            writer=self._files.writer,
            sequence=self._sequence,
        )

    def _flush(self) -> None:
        if not self._kept:
            return
        try:
            self._store()
        except OSError as first:
            self._files.abandon()
            self._losses.fault(_reason(first), self._clock())
            if self._ballast is not None and _reason(first) == DISK_FULL:
                self._ballast.drop()
            try:
                self._store()
            except OSError as second:
                self._files.abandon()
                self.fault = f"evidence cannot be written: {second.strerror or second}"
                self._fault_reason = _reason(second)
                self._let_go()
                return
        self._counts.done()
        self.fault = ""
        self.written.update([kept.kind for kept in self._kept])
        settled = [kept.receipt for kept in self._kept if kept.receipt is not None]
        for receipt in settled:
            receipt.resolve(True)
        self.loops_gone += wake(settled)
        self._kept = []
        self._kept_bytes = 0

    def _store(self) -> None:
        reach = self._counts.kept
        self._counts.plan(
            Reach(
                self._sequence,
                reach.told + sum([kept.told for kept in self._kept]),
                reach.visits + sum([kept.visits for kept in self._kept]),
            )
        )
        rows: dict[str, list[bytes]] = {}
        for kept in self._kept:
            if kept.row:
                rows.setdefault(kept.day, []).append(kept.row)
        self._files.store(
            b"".join([kept.frame for kept in self._kept]),
            {day: b"".join(found) for day, found in rows.items()},
        )

    def _let_go(self) -> None:
        """Let the answers go; their leaves stay in memory for the next batch."""
        refused: list[SpoolReceipt] = []
        for kept in self._kept:
            if kept.receipt is not None and kept.receipt.is_pending:
                kept.receipt.resolve(False)
                refused.append(kept.receipt)
                self._losses.delay(self._fault_reason, kept.kind, kept.receipt.at)
        self.loops_gone += wake(refused)


def _reason(error: OSError) -> str:
    return DISK_FULL if error.errno in FULL else DISK_ERROR


def _tells(draft: Draft) -> tuple[int, int]:
    """Return the losses and the visits that a record tells of."""
    if draft.type == "gap":
        return told_losses(draft.seen)
    return 0, rolled_visits(draft.seen) if draft.type == "rollup" else 0
