"""What is done beside sealing, by whoever seals: look at the clock, forget in time, watch the size."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.clock import ClockWatch, steady_ns
from vorbehalt.evidence.spool.ballast import BALLAST
from vorbehalt.evidence.vault.retention import Keeping
from vorbehalt.evidence.vault.shred import shred_expired

_HOUR_NS = 3_600 * 10**9
_DAY_NS = 24 * _HOUR_NS
_FULL_SHARE = 0.9
_NEAR_SHARE = 0.5
_NEAR_NS = 60 * 10**9
OVER_CAP = "over-cap"
"""A file in `run/` while the directory takes `evidence.max_bytes` or more: writers only count visits then."""
WHO = "house-keeping"
_PAUSE_SECONDS = 0.0005


class HouseKeeping:
    """One step does what is due; called about once a second, it mostly does nothing.

    `append` takes records, `clock` gives wall-clock nanoseconds, `steady` those of a clock that nobody sets.
    """

    def __init__(
        self,
        directory: Path,
        keeping: Keeping,
        append: Callable[[Draft], object],
        clock: Callable[[], int],
        *,
        steady: Callable[[], int] = steady_ns,
        watch: ClockWatch | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._directory, self._keeping, self._append = directory, keeping, append
        self._clock, self._steady, self._disk = clock, steady, disk
        self._watch = watch or ClockWatch(clock, steady)
        self._done_day = ""
        self._not_before = 0
        self._measured_at: int | None = None
        self.bytes = 0
        """Bytes that the directory took when it was measured last."""
        self.problem = ""

    def step(self) -> None:
        """Do what is due. Never raises for the disk; what could not be forgotten is tried again later."""
        if not self._keeping.periods:
            return
        now, steady = self._clock(), self._steady()
        for seen in self._watch.look():
            self._append(Draft(type="clock", ref="", at=now, seen=seen))
            if seen["event"] == "step-forward" and int(str(seen["by"])) > _HOUR_NS:
                # A clock set wrong must not destroy what nothing brings back: a day to set it right.
                self._not_before = steady + _DAY_NS
        today = datetime.fromtimestamp(now // 10**9, UTC).date()
        if today.isoformat() != self._done_day and steady >= self._not_before:
            try:
                done = shred_expired(self._directory, self._keeping.periods, today, self._disk, _breathe)
            except (OSError, EvidenceError) as error:
                self._not_before = steady + _HOUR_NS
                self.problem = f"openings that have had their time could not be destroyed: {error}"
            else:
                self._done_day, self.problem = today.isoformat(), ""
                if not done.is_nothing:
                    self._append(done.draft(now, WHO, "their time was over"))
        is_near = self.bytes > _NEAR_SHARE * self._keeping.max_bytes
        if self._measured_at is None or steady - self._measured_at >= (_NEAR_NS if is_near else _HOUR_NS):
            self._measured_at = steady
            self.bytes = size_of(self._directory) if self._keeping.max_bytes else 0
            self._cap(now)

    def _cap(self, now: int) -> None:
        """Tell all writers, and the log, when visits begin and end to be only counted."""
        flag, limit = self._directory / "run" / OVER_CAP, self._keeping.max_bytes
        is_over = bool(limit) and self.bytes >= limit
        if is_over == flag.exists():
            return
        try:
            if is_over:
                self._append(Draft(type="gap", ref="", at=now, seen=_shed("begin", now, self.bytes, limit)))
                flag.touch(0o644)
            else:
                flag.unlink()
                self._append(Draft(type="gap", ref="", at=now, seen=_shed("end", now, self.bytes, limit)))
        except OSError as error:
            self.problem = f"{flag.name} cannot be changed: {error}"

    def sentences(self) -> list[str]:
        """Return why health is yellow."""
        full = full_sentence(self.bytes, self._keeping.max_bytes)
        return [text for text in (self.problem, full) if text]


def _shed(event: str, now: int, taken: int, limit: int) -> dict[str, object]:
    """Nothing is lost: from `begin` to `end` visits have no records of their own, but exact counts."""
    return {
        "reason": "disk_cap", "event": event, "lost": "0", "late": "0",
        "first_at": str(now), "last_at": str(now), "bytes": str(taken), "limit": str(limit),
    }  # fmt: skip


def _breathe() -> None:
    time.sleep(_PAUSE_SECONDS)


def size_of(directory: Path) -> int:
    """Return the bytes of all files below a directory, without the room that is only kept back.

    What vanishes meanwhile counts nothing.
    """
    total = 0
    folders = [str(directory)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != BALLAST:
                            folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def full_sentence(taken: int, limit: int) -> str:
    """Return what is said when a directory takes nearly all that it may, or more; else nothing."""
    if not limit or taken < _FULL_SHARE * limit:
        return ""
    counted = "visits are only counted until there is room"
    if taken < limit:
        counted = "beyond, visits are only counted"
    return (
        f"the evidence takes {_gigabytes(taken)} of the {_gigabytes(limit)} in evidence.max_bytes: {counted};"
        " nothing is deleted for that. Give it room, prune it, or move the directory as"
        " docs/ephemeral-disks.md says"
    )


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.2f} GB" if number >= 10_000_000 else f"{number} bytes"
