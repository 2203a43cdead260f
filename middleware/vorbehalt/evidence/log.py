"""The evidence log of one process: a queue, a writer thread, and a sealer thread if it is elected."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from vorbehalt.evidence.anchor.targets import Target
from vorbehalt.evidence.anchor.thread import AnchorThread
from vorbehalt.evidence.directory import EvidenceDirectory, prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.leaf.budget import Budget
from vorbehalt.evidence.memory import MemoryEvidence, NoEvidence
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.receipt import Draft, Evidence, Receipt
from vorbehalt.evidence.sealing.housekeeping import OVER_CAP, HouseKeeping
from vorbehalt.evidence.sealing.sealer_thread import SealerThread
from vorbehalt.evidence.spool.ballast import Ballast
from vorbehalt.evidence.spool.counts import Counts
from vorbehalt.evidence.spool.spool import WriterFiles, new_writer_id
from vorbehalt.evidence.spool.unclean import UNCLEAN_END, Loss
from vorbehalt.evidence.vault.retention import Keeping
from vorbehalt.evidence.vault.vault import Keys, Sealer
from vorbehalt.evidence.writing.cap import Cap
from vorbehalt.evidence.writing.inbox import Inbox
from vorbehalt.evidence.writing.losses import INTERNAL, Losses
from vorbehalt.evidence.writing.receipts import NEVER_KEPT, wake
from vorbehalt.evidence.writing.writer import Job, Writer

__all__ = ["EvidenceLog", "MemoryEvidence", "NoEvidence", "init", "open_evidence", "prepare"]

_logs: weakref.WeakSet[EvidenceLog] = weakref.WeakSet()


class EvidenceLog:
    """Evidence on disk. Threads start with `start`; after a fork the child is a writer of its own.

    `clock` gives wall-clock nanoseconds for records of the log itself. `seals` False leaves sealing to
    others. With `keeping` the process that seals keeps house.
    """

    def __init__(
        self,
        directory: EvidenceDirectory,
        opening: dict[str, object] | None = None,
        *,
        clients_per_minute: int = 60,
        operators_per_minute: int = 6_000,
        clock: Callable[[], int] = time.time_ns,
        disk: Disk | None = None,
        seals: bool = True,
        anchors: Sequence[Target] = (),
        keeping: Keeping | None = None,
    ) -> None:
        self._keeping = keeping
        self._directory = directory
        self._opening = opening or {}
        self._budgets = (clients_per_minute, operators_per_minute)
        self._clock = clock
        self._disk = disk or Disk()
        self._seals = seals
        self._targets = anchors
        self._objects = ObjectStore(directory.path, self._disk)
        self._is_closed = False
        self._resumes = False
        self._reset()
        _logs.add(self)

    def _reset(self) -> None:
        self._start_lock = threading.Lock()
        self._losses = Losses()
        self._counts = Counts()
        self._inbox = Inbox(self._losses, Budget(*self._budgets), self._clock, self._counts)
        self._explaining: dict[str, Receipt] = {}
        self._files = WriterFiles(self._directory.path, new_writer_id(os.urandom(8), os.getpid()), self._disk)
        sealer = Sealer(Keys(self._directory.path, self._disk))
        ballast = Ballast(self._directory.run / "ballast", self._disk)
        self._writer = Writer(
            self._files, sealer, self._losses, self._clock, self._opening, self._counts, ballast
        )
        path, keeping = self._directory.path, self._keeping or Keeping()
        self._house = HouseKeeping(path, keeping, self._inbox.offer, self._clock, disk=self._disk)
        self._sealer = SealerThread(self._directory, self._disk, self._explain, self._house.step)
        self._anchors = AnchorThread(self._directory.path, self._targets, lambda: self, clock=self._clock)
        self._thread: threading.Thread | None = None

    @property
    def writer_id(self) -> str:
        return self._files.writer

    def start(self) -> None:
        """Start the threads; idempotent."""
        with self._start_lock:
            self._resumes = False
            if self._thread is not None or self._is_closed:
                return
            self._thread = threading.Thread(target=self._run, name="vorbehalt-evidence", daemon=True)
            self._thread.start()
            if self._seals:
                self._sealer.start()
            self._anchors.start()

    def append(self, draft: Draft) -> Receipt:
        """Queue a record; never blocks on the disk, never raises."""
        try:
            if self._resumes:
                self.start()
            return self._inbox.offer(draft)
        except Exception:  # the promise to the edge: a record may be lost (and is counted), a request may not
            return self._inbox.fail(draft)

    def count(self, key: tuple[str, ...], *, at: int, amount: int = 0) -> None:
        """Count one visit in the rollup of its minute."""
        if self._resumes:
            self.start()
        self._inbox.count(key, at, amount)

    def put_object(self, body: bytes) -> str:
        """Keep bytes durably before a record names them; returns SHA-256 hex or raises EvidenceError."""
        return self._objects.put(body)

    def health(self) -> dict[str, object]:
        red = [text for text in (self._writer.fault, self._writer.defect) if text]
        yellow: list[str] = []
        if self._thread is not None and not self._thread.is_alive() and not self._is_closed:
            red.append("the evidence writer has ended")
        if self._sealer.problem:
            (yellow if self._directory.signer is None else red).append(self._sealer.problem)
        if (result := self._sealer.result) is not None:
            red += [f"spool/{name} holds a damaged record" for name in result.stuck]
            yellow += [f"spool/{name} was set aside" for name in result.set_aside]
        anchors_red, anchors_yellow = self._anchors.health()
        red += anchors_red
        yellow += anchors_yellow + self._house.sentences()
        lost = sum(self.lost().values())
        if lost:
            yellow.append(f"{lost} records were lost or late")
        return {
            "state": "red" if red else "yellow" if yellow else "green",
            "reasons": red + yellow,
            "directory": str(self._directory.path),
            "records": self._writer.written["request"],
            "lost": lost,
            "size": self._size(),
            "anchor_age_seconds": self._anchors.age_seconds(),
        }

    def lost(self) -> dict[str, int]:
        """Records lost by reason; `late` are those an answer did not wait for, which are still written."""
        return self._losses.totals()

    def written(self) -> dict[str, int]:
        return dict(self._writer.written)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Write and seal all there is, and stop; idempotent."""
        self._anchors.stop()
        with self._start_lock:
            if not self._inbox.close():
                return
            self._is_closed = True
            thread = self._thread
        if thread is None and not self._inbox.is_used:
            return
        deadline = time.monotonic() + timeout_seconds
        if thread is None:
            self._run()
        else:
            thread.join(timeout_seconds)
            if thread.is_alive():
                # The disk hangs. What it still holds back is written by the daemon thread or ends with the
                # process.
                return
        if self._seals:
            if thread is None:
                self._sealer.start()
            spool = self._directory.path / "spool"
            self._sealer.finish(
                lambda: not any(spool.glob(f"{self.writer_id}.*.spool")),
                max(0.1, deadline - time.monotonic()),
            )

    def _explain(self, loss: Loss) -> None:
        """Say in the log what a dead writer has lost; called by the sealer until the log holds it."""
        if self._is_closed or self._thread is None:
            return
        before = self._explaining.get(loss.key)
        if before is None:
            self._losses.note(UNCLEAN_END, getattr(loss, "lost", 0) or 0)
        elif before is not NEVER_KEPT:
            # On its way, or kept until the disk works again.
            return
        receipt = self._inbox.offer(Draft(type="gap", ref="", at=self._clock(), seen=loss.seen()))
        self._explaining[loss.key] = receipt

    def _size(self) -> int:
        try:
            lines = (self._directory.log / "checkpoint").read_bytes().split(b"\n", 2)
            return int(lines[1])
        except (OSError, ValueError, IndexError):
            return 0

    def _run(self) -> None:
        self._inbox.keep_counts(self._directory.path / "spool", self.writer_id, self._disk)
        self._commit([])
        cap = Cap(self._directory.run / OVER_CAP)
        while True:
            self._inbox.cap(cap.is_over())
            jobs, is_last = self._inbox.take(self._wants_batch)
            self._commit(jobs)
            if is_last:
                self._writer.close()
                return

    def _commit(self, jobs: list[Job]) -> None:
        try:
            self._writer.commit(jobs)
        except (
            Exception
        ) as error:  # a defect of ours may cost a batch, never the thread all later ones wait for
            self._writer.defect = f"{type(error).__name__}: {error}"[:200]
            receipts = [receipt for _, receipt in jobs if receipt is not None]
            for draft, receipt in jobs:
                self._losses.lose(INTERNAL, draft.type, draft.at)
                if receipt is not None:
                    receipt.resolve(False)
            wake(receipts)

    def _wants_batch(self) -> bool:
        return bool(self._writer.fault) or self._losses.is_pending

    def _forked(self) -> None:
        """In the child of a fork: the parent's files, locks and queue are not ours."""
        for fd in self._files.descriptors():
            with contextlib.suppress(OSError):
                os.close(fd)
        self._sealer.release()
        self._counts.forked()
        self._resumes = self._thread is not None and not self._is_closed
        self._reset()


def open_evidence(
    directory: str,
    origin: str,
    opening: dict[str, object],
    *,
    clients_per_minute: int = 60,
    operators_per_minute: int = 6_000,
    clock: Callable[[], int] = time.time_ns,
    anchors: Sequence[Target] = (),
    keeping: Keeping | None = None,
) -> Evidence:
    """Return the evidence that a configuration asks for: a directory, "memory:" or "off". Starts nothing.

    `anchors` are asked by a thread of its own while it runs. With `keeping` the log keeps house: it destroys
    what has had its time, and records what its clock is worth.
    Raises EvidenceError or PlatformError with a sentence that says what to do.
    """
    if directory == "off":
        return NoEvidence()
    if directory == "memory:":
        return MemoryEvidence(
            opening,
            clients_per_minute=clients_per_minute,
            operators_per_minute=operators_per_minute,
            clock=clock,
        )
    return EvidenceLog(
        prepare(Path(directory), origin),
        opening,
        clients_per_minute=clients_per_minute,
        operators_per_minute=operators_per_minute,
        clock=clock,
        anchors=anchors,
        keeping=keeping,
    )


def init(directory: Path, origin: str) -> str:
    """Create an evidence directory, or check the one that is there; returns the verifier key."""
    return prepare(directory, origin).verifier.vkey


def _after_fork() -> None:
    for log in list(_logs):
        log._forked()


def _at_exit() -> None:
    for log in list(_logs):
        log.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
