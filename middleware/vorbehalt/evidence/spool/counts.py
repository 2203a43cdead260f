"""What a writer took on and what it has kept, in one mapped page that outlives a SIGKILL."""

from __future__ import annotations

import mmap
import os
from array import array
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_FILE, Disk, is_abandoned, try_lock

SUFFIX = ".counts"
PAGE_BYTES = 4096
_MAGIC = 0x7662_636E_7401
_CELLS = PAGE_BYTES // 8
_OFFERED, _VISITS, _OWN, _CURRENT, _SLOTS = 1, 2, 3, 4, 5
"""Offered by loops, visits counted for rollups, records of the writer itself; then two slots of three."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How far a writer has come: `end` leaves are durable, and they tell of `told` losses and `visits`."""

    end: int = 0
    told: int = 0
    visits: int = 0


class Counts:
    """The counts of one writer. In private memory until `adopt` moves them into the page of a file.

    Each cell is one aligned word, so that a kill leaves the old value or the new one. `offer` and `visit` are
    called under the inbox's lock, `own`, `plan` and `done` by the writer thread.
    """

    def __init__(self) -> None:
        self._cells: memoryview = memoryview(array("Q", bytes(PAGE_BYTES)))
        self._map: mmap.mmap | None = None
        self._lock_fd = -1
        self._path: Path | None = None

    def offer(self) -> None:
        """One more record was taken on; it will be a leaf, or a loss that a gap record tells."""
        self._cells[_OFFERED] += 1

    def visit(self) -> None:
        """One more visit was counted for a rollup."""
        self._cells[_VISITS] += 1

    def own(self) -> None:
        """One more record comes from the writer itself."""
        self._cells[_OWN] += 1

    @property
    def kept(self) -> Kept:
        return _slot(self._cells, self._cells[_CURRENT])

    def plan(self, kept: Kept) -> None:
        """Say what will hold once the batch that is being written is durable.

        Whoever finds this page after a kill looks at the spool to see which of the two is true.
        """
        at = _SLOTS + 3 * (1 - self._cells[_CURRENT])
        self._cells[at] = 0
        self._cells[at + 1], self._cells[at + 2] = kept.told, kept.visits
        self._cells[at] = kept.end

    def done(self) -> None:
        """The batch is durable."""
        self._cells[_CURRENT] = 1 - self._cells[_CURRENT]

    def create(self, folder: Path, writer: str, disk: Disk) -> mmap.mmap:
        """Make the file of this writer, locked before it has its name; raises OSError."""
        path = folder / f"{writer}{SUFFIX}"
        draft = path.with_name(f".{path.name}.tmp")
        fd = disk.create(draft, PRIVATE_FILE)
        lock_fd = -1
        try:
            # All blocks now: a hole in a mapped file kills the process when the disk is full.
            disk.write_all(fd, bytes(PAGE_BYTES))
            lock_fd = os.open(draft, os.O_RDWR)
            if not try_lock(lock_fd):
                raise OSError(f"{draft} is locked by another process")
            page = mmap.mmap(lock_fd, PAGE_BYTES)
            os.rename(draft, path)
        except OSError:
            if lock_fd >= 0:
                os.close(lock_fd)
            draft.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        self._lock_fd, self._path = lock_fd, path
        return page

    def adopt(self, page: mmap.mmap) -> None:
        """Go on counting in the page of a file. No other thread may count meanwhile."""
        cells = memoryview(page).cast("Q")
        cells[1:_CELLS] = self._cells[1:_CELLS]
        cells[0] = _MAGIC
        self._map, self._cells = page, cells

    def close(self, *, is_settled: bool) -> None:
        """Let go of the file; with `is_settled` nothing is left to be told, and it is removed."""
        if self._path is not None and is_settled:
            self._path.unlink(missing_ok=True)
        self._release()

    def forked(self) -> None:
        """In the child of a fork: page and lock stay the parent's."""
        self._release()

    def _release(self) -> None:
        if self._map is None:
            return
        cells, self._cells = self._cells, memoryview(array("Q", self._cells.tobytes()))
        cells.release()
        self._map.close()
        os.close(self._lock_fd)
        self._map, self._lock_fd, self._path = None, -1, None


def _slot(cells: memoryview, number: int) -> Kept:
    at = _SLOTS + 3 * number
    return Kept(cells[at], cells[at + 1], cells[at + 2])


@dataclass(frozen=True, slots=True)
class Left:
    """What the page of a dead writer says. One of `kept` and `planned` is true; the spool shows which."""

    taken: int
    visits: int
    kept: Kept
    planned: Kept

    def at(self, leaves: int) -> Kept | None:
        """Return what holds where so many leaves are durable; None in the middle of a batch."""
        return next((kept for kept in (self.planned, self.kept) if kept.end == leaves), None)


def read_counts(path: Path) -> Left | None:
    """Read the page of a dead writer; None if there is none that can be read."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) != PAGE_BYTES:
        return None
    cells = memoryview(data).cast("Q")
    if cells[0] != _MAGIC or cells[_CURRENT] > 1:
        return None
    current = cells[_CURRENT]
    return Left(
        cells[_OFFERED] + cells[_OWN], cells[_VISITS], _slot(cells, current), _slot(cells, 1 - current)
    )


def abandoned_counts(folder: Path) -> dict[str, Path]:
    """Return the pages of writers whose process is gone, by writer id."""
    found = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            if is_abandoned(path):
                found[path.name.removesuffix(SUFFIX)] = path
        except FileNotFoundError:
            continue  # its writer has just closed
    return found
