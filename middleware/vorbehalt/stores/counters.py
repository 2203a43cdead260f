"""Counters of all workers in memory-mapped files, so that any of them can answer for all."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import secrets
import threading
import weakref
import zlib
from collections.abc import Mapping
from pathlib import Path

from vorbehalt.errors import StoreError
from vorbehalt.stores.counter_files import (
    JOINT,
    MAGIC,
    OTHER,
    SUFFIX,
    Key,
    add,
    encode,
    exclusive,
    fold,
    reserve_blocks,
    size_of,
)

log = logging.getLogger("vorbehalt")

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "vorbehalt_requests_total": ("action", "purpose"),
    "vorbehalt_would_total": ("action", "purpose"),
    "vorbehalt_crawler_requests_total": ("crawler", "operator", "purpose", "standing", "action"),
    "vorbehalt_crawler_delivered_total": ("crawler", "operator", "purpose", "standing"),
    "vorbehalt_crawler_delivered_bytes_total": ("crawler", "operator", "purpose", "standing"),
    "vorbehalt_crawler_signals_total": ("crawler", "document"),
    "vorbehalt_robots_violations_total": ("crawler",),
    "vorbehalt_section_requests_total": ("section", "purpose", "action"),
    "vorbehalt_findings_total": ("finding",),
    "vorbehalt_referrals_total": ("operator",),
    "vorbehalt_refused_bytes_estimated_total": (),
    "vorbehalt_evidence_records_total": ("type",),
    "vorbehalt_evidence_lost_total": ("reason",),
    "vorbehalt_upstream_retries_total": (),
    "vorbehalt_store_errors_total": (),
    "vorbehalt_internal_errors_total": (),
    "vorbehalt_decision_seconds": ("bucket",),
    "vorbehalt_decision_nanoseconds": (),
}
"""Label names of every counter. Bucket k counts the decisions of less than 2**k microseconds that are in no
smaller bucket; the last name is the sum of their durations."""

MAX_SLOTS = 20_000
FILE_BYTES = 4 * 1024 * 1024

_LABEL_CHARACTERS = 200

_live: weakref.WeakSet[Counters] = weakref.WeakSet()


class Counters:
    """Integer counters by name and labels, summed over all workers that share a directory.

    The files are in `directory`/metrics; None keeps everything in this process. Until `open` (and after a
    failed one, and after a fork) cells live in private memory. Slots stay valid for the life of the object;
    `cells` does not, so read the attribute at every use: `counters.cells[slot] += 1`. A cell is incremented
    without a lock by one thread; other threads use `inc`.
    """

    def __init__(
        self,
        directory: Path | None = None,
        families: Mapping[str, tuple[str, ...]] = FAMILIES,
        *,
        max_slots: int = MAX_SLOTS,
        file_bytes: int = FILE_BYTES,
    ) -> None:
        self.directory = None if directory is None else directory / "metrics"
        self.families = dict(families)
        self._max_slots = max_slots
        self._reserve = sum(
            size_of(encode((name, (OTHER,) * len(labels)))) for name, labels in families.items()
        )
        self._bytes = max(file_bytes, self._reserve + 4096)
        self._slots: dict[Key, int] = {}
        self._known: dict[Key, int] = {}
        self._lock = threading.Lock()
        self.problem = ""
        """Why the counters are not shared although a directory was given."""
        self._name: str | None = None
        self._descriptor: int | None = None
        self._map = mmap.mmap(-1, self._bytes)
        self.cells: memoryview = memoryview(self._map).cast("Q")
        self.cells[0] = MAGIC
        self._used = 8
        _live.add(self)

    @property
    def is_shared(self) -> bool:
        """True once other processes can read these counters."""
        return self._name is not None

    def slot(self, name: str, labels: tuple[str, ...] = ()) -> int:
        """Return the index in `cells` of one counter; allocated on first use, `other` once memory is full.

        Raises KeyError for an unknown name and ValueError for a wrong number of labels.
        """
        found = self._known.get((name, labels))
        return self._allocate(name, labels) if found is None else found

    def joint(self, *keys: Key) -> tuple[int, ...]:
        """Return the cells to increment for all of these keys: a single one, as long as there is room.

        Raises as `slot` does.
        """
        slots = tuple(self.slot(name, labels) for name, labels in keys)
        with self._lock:
            if any(self._slots.get(key) != slot for key, slot in zip(keys, slots, strict=True)):
                # One of them is counted as `other`, or under shorter labels.
                return slots
            key: Key = (JOINT, tuple(encode(key).decode("ascii") for key in keys))
            found = self._slots.get(key)
            if found is None and self._has_room(key):
                found = self._slots[key] = self._write(encode(key))
            return slots if found is None else (found,)

    def inc(self, name: str, labels: tuple[str, ...] = (), n: int = 1) -> None:
        """Add to a counter; any thread."""
        slot = self.slot(name, labels)
        with self._lock:
            self.cells[slot] += n

    def open(self) -> None:
        """Move into a file of this process; idempotent; what was counted so far is kept.

        Never raises: where the directory cannot be used, `problem` says why and counting goes on in private
        memory, because metrics are no reason to stop a site.
        """
        with self._lock:
            if self.directory is None or self._name is not None:
                return
            try:
                self._move_into_file()
            except StoreError as error:
                self.problem = str(error)
                log.warning("%s", error)
            else:
                self.problem = ""

    def snapshot(self) -> dict[Key, int]:
        """Sum the values of all workers, dead ones included; folds the dead. Blocks for up to two seconds.

        Raises StoreError if the directory cannot be read: a sum without the others would look like a fall.
        """
        with self._lock:
            own = self._name
            cells = self.cells
            totals: dict[Key, int] = {}
            for key, slot in self._slots.items():
                add(totals, key, cells[slot])
        if own is None or self.directory is None:
            return totals
        try:
            with exclusive(self.directory):
                others = fold(self.directory, skip=own, max_keys=4 * self._max_slots)
        except OSError as error:
            raise StoreError(f"metrics in {self.directory} cannot be read: {error.strerror}") from error
        for key, value in others.items():
            totals[key] = totals.get(key, 0) + value
        return totals

    def workers(self) -> int:
        """How many processes count here, this one included. After a `snapshot`, which takes away the dead."""
        if self._name is None or self.directory is None:
            return 1
        return sum(1 for _ in self.directory.glob(f"*{SUFFIX}"))

    def close(self) -> None:
        """Let go of the file; its values stay on disk and are folded by the next scrape. Idempotent."""
        with self._lock:
            if self._name is None:
                return
            private = mmap.mmap(-1, self._bytes)
            self._adopt(private, None, None, keep_values=False)

    def _allocate(self, name: str, labels: tuple[str, ...]) -> int:
        if len(self.families[name]) != len(labels):
            raise ValueError(f"{name} has the labels {self.families[name]}, not {len(labels)} values")
        with self._lock:
            key: Key = (name, tuple(label[:_LABEL_CHARACTERS] for label in labels))
            found = self._slots.get(key)
            if found is None and not self._has_room(key):
                key = (name, (OTHER,) * len(labels))
                found = self._slots.get(key)
            if found is None:
                found = self._slots[key] = self._write(encode(key))
            if len(self._known) < 2 * self._max_slots:
                self._known[name, labels] = found
            return found

    def _has_room(self, key: Key) -> bool:
        is_other = all(label == OTHER for label in key[1])
        room = self._bytes if is_other else self._bytes - self._reserve
        return self._used + size_of(encode(key)) <= room and (is_other or len(self._slots) < self._max_slots)

    def _write(self, key: bytes) -> int:
        size = size_of(key)
        body = self._used + 8
        self._map[body : body + len(key)] = key
        self.cells[self._used // 8] = zlib.crc32(key) << 32 | len(key)
        self._used += size
        return self._used // 8 - 1

    def _move_into_file(self) -> None:
        directory = self.directory
        assert directory is not None
        descriptor: int | None = None
        name = f"{os.getpid()}-{secrets.token_hex(6)}{SUFFIX}"
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Under the lock, so that nobody takes a file that is not locked yet for a dead worker's.
            with exclusive(directory):
                descriptor = os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A hole in a mapped file kills the process when the disk is full: take every block now.
                reserve_blocks(descriptor, self._bytes)
                shared = mmap.mmap(descriptor, self._bytes)
        except (OSError, StoreError) as error:
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.unlink(directory / name)
                os.close(descriptor)
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise StoreError(f"metrics cannot be kept in {directory}: {reason}") from error
        self._adopt(shared, name, descriptor, keep_values=True)

    def _adopt(self, new: mmap.mmap, name: str | None, descriptor: int | None, *, keep_values: bool) -> None:
        cells = memoryview(new).cast("Q")
        old_descriptor = self._descriptor
        words = self._used // 8
        cells[1:words] = self.cells[1:words]
        if not keep_values:
            for slot in self._slots.values():
                cells[slot] = 0
        cells[0] = MAGIC
        # The old mapping goes with its last reader: another thread may be in the middle of an increment.
        self._map, self._name, self._descriptor = new, name, descriptor
        self.cells = cells
        if old_descriptor is not None:
            os.close(old_descriptor)

    def _after_fork(self) -> None:
        """In the child: the file stays the parent's; same slots, from zero, private until `open`."""
        self._lock = threading.Lock()
        self._adopt(mmap.mmap(-1, self._bytes), None, None, keep_values=False)


def _renew_after_fork() -> None:
    for counters in list(_live):
        counters._after_fork()


os.register_at_fork(after_in_child=_renew_after_fork)
