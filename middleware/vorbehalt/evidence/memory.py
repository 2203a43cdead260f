"""Evidence that leaves nothing on disk: kept until the process ends, or not at all."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from hashlib import sha256

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.leaf.budget import Budget
from vorbehalt.evidence.leaf.record import build_leaf
from vorbehalt.evidence.receipt import Draft, Receipt, RecordType
from vorbehalt.evidence.spool.spool import new_writer_id
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.vault.vault import SALT_BYTES, commitment
from vorbehalt.evidence.writing.losses import CLOSED, MALFORMED, Losses
from vorbehalt.evidence.writing.receipts import NEEDS_NO_DISK, NEVER_KEPT

_MAX_LEAVES = 10_000
_MAX_OBJECTS = 256


class NoEvidence:
    """Keeps nothing (`directory = "off"`)."""

    def start(self) -> None:
        """There is nothing to start."""

    def append(self, draft: Draft) -> Receipt:
        return NEEDS_NO_DISK

    def count(self, key: tuple[str, ...], *, at: int, amount: int = 0) -> None:
        """Nothing is counted."""

    def put_object(self, body: bytes) -> str:
        return sha256(body).hexdigest()

    def health(self) -> dict[str, object]:
        return {
            "state": "yellow",
            "reasons": ["evidence is off: nothing is recorded"],
            "directory": "off",
            "records": 0,
            "lost": 0,
            "size": 0,
            "anchor_age_seconds": None,
        }

    def lost(self) -> dict[str, int]:
        return {}

    def written(self) -> dict[str, int]:
        return {}

    def close(self, timeout_seconds: float = 5.0) -> None:
        """There is nothing to close."""


class MemoryEvidence:
    """Keeps the last 10,000 leaves in memory (`directory = "memory:"`); nothing touches the disk.

    The leaves are those that a log on disk would hold, without a vault: their commitments cannot be opened.
    """

    def __init__(
        self,
        opening: dict[str, object] | None = None,
        *,
        clients_per_minute: int = 60,
        operators_per_minute: int = 6_000,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._lock = threading.Lock()
        self._opening = opening or {}
        self._clock = clock
        self._writer = new_writer_id(os.urandom(8), os.getpid())
        self._budget = Budget(clients_per_minute, operators_per_minute)
        self._losses = Losses()
        self._written: Counter[str] = Counter()
        self._leaves: deque[bytes] = deque(maxlen=_MAX_LEAVES)
        self._objects: dict[str, bytes] = {}
        self._previous = ""
        self._sequence = 0
        self._is_closed = False

    def start(self) -> None:
        """Nothing runs in the background."""

    def append(self, draft: Draft) -> Receipt:
        with self._lock:
            if self._is_closed:
                self._losses.lose(CLOSED, draft.type, draft.at)
                return NEVER_KEPT
            self._open()
            if not self._budget.admit(draft):
                return NEEDS_NO_DISK
            return NEEDS_NO_DISK if self._keep(draft) else NEVER_KEPT

    def count(self, key: tuple[str, ...], *, at: int, amount: int = 0) -> None:
        with self._lock:
            self._budget.count(key, at, amount)

    def put_object(self, body: bytes) -> str:
        digest = sha256(body).hexdigest()
        with self._lock:
            if len(self._objects) >= _MAX_OBJECTS:
                del self._objects[next(iter(self._objects))]
            self._objects[digest] = body
        return digest

    def leaves(self) -> list[dict[str, object]]:
        """Return the leaves kept, oldest first, rollups of finished minutes included."""
        with self._lock:
            self._write_rollups(everything=False)
            kept = list(self._leaves)
        return [decode_leaf(leaf) for leaf in kept]

    def health(self) -> dict[str, object]:
        return {
            "state": "yellow",
            "reasons": ["evidence is kept in memory only"],
            "directory": "memory:",
            "records": self._written["request"],
            "lost": sum(self._losses.totals().values()),
            "size": self._sequence,
            "anchor_age_seconds": None,
        }

    def lost(self) -> dict[str, int]:
        return self._losses.totals()

    def written(self) -> dict[str, int]:
        return dict(self._written)

    def close(self, timeout_seconds: float = 5.0) -> None:
        with self._lock:
            if not self._is_closed:
                self._open()
                self._write_rollups(everything=True)
                self._keep_own("writer-close", {"count": str(self._sequence)})
                self._is_closed = True

    def _open(self) -> None:
        if not self._sequence:
            self._keep_own("writer-open", self._opening)

    def _write_rollups(self, *, everything: bool) -> None:
        for minute in self._budget.take(everything=everything):
            for seen in minute.seen():
                self._keep_own("rollup", seen)

    def _keep_own(self, kind: RecordType, seen: dict[str, object]) -> None:
        self._keep(Draft(type=kind, ref="", at=self._clock(), seen=seen))

    def _keep(self, draft: Draft) -> bool:
        try:
            draft.fill()
            private = {
                kind: {"c": commitment(kind, os.urandom(SALT_BYTES) + value)}
                for kind, value in draft.private.items()
            }
            leaf = build_leaf(
                draft,
                writer=self._writer,
                sequence=self._sequence,
                previous=self._previous,
                private=private,
                vault_key="",
            )
        except (EvidenceError, ValueError, TypeError, RecursionError):
            self._losses.lose(MALFORMED, draft.type, draft.at)
            return False
        self._sequence += 1
        self._previous = sha256(leaf).hexdigest()
        self._leaves.append(leaf)
        self._written[draft.type] += 1
        return True
