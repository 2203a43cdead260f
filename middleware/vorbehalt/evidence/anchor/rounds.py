"""One round of anchoring: whoever is due is asked, what came back is kept and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.anchor import state
from vorbehalt.evidence.anchor.asking import Anchored, Miss, Present
from vorbehalt.evidence.anchor.copying import copy
from vorbehalt.evidence.anchor.post import TOTAL_SECONDS
from vorbehalt.evidence.anchor.staging import freeze, stage
from vorbehalt.evidence.anchor.stamping import stamp
from vorbehalt.evidence.anchor.state import Progress
from vorbehalt.evidence.anchor.targets import Target, TimeStamper, WitnessTarget
from vorbehalt.evidence.anchor.witnessing import cosign
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.receipt import Draft, Evidence, RecordType

_DURABLE_SECONDS = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 10, 600
_TELL_AGAIN = 3600 * 10**9
_DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target. `time` is the other side's, nanoseconds, 0 where it says none."""

    name: str
    kind: str
    size: int
    time: int = 0
    why: str = ""
    """Why there is no anchor; empty if there is one."""


def is_due(target: Target, progress: Progress, now: int, present: Present) -> bool:
    """True if a target is to be asked now: it is its time, and there is something it has not covered.

    After a failure the wait doubles from 10 seconds to 10 minutes. A log that stands still is anchored once a
    day all the same, so that the age of the last anchor always says whether anchoring works.
    """
    if progress.failures:
        wait = min(_FIRST_WAIT << min(progress.failures - 1, 10), _LONGEST_WAIT)
        # A clock that was set back must not silence an anchor for as long as that.
        return not progress.tried <= now < progress.tried + wait * 10**9
    if progress.at <= now < progress.at + int(target.every_seconds * 10**9):
        return False
    return not progress.at <= now < progress.at + _DAY or present.has_grown_since(progress.size)


class Round:
    """The caller holds `run/anchor.lock`; network and disk make this slow: never call it on an event loop."""

    def __init__(
        self,
        directory: Path,
        targets: Sequence[Target],
        evidence: Evidence,
        *,
        clock: Callable[[], int],
        disk: Disk | None = None,
        total_seconds: float = TOTAL_SECONDS,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._directory = directory
        self._targets = targets
        self._evidence = evidence
        self._clock = clock
        self._disk = disk or Disk()
        self._total_seconds = total_seconds
        self._is_stopping = is_stopping

    def run(self, *, everybody: bool = False) -> list[Outcome]:
        """Ask who is due, or everybody; raises EvidenceError if the log cannot be read."""
        present = Present.of(self._directory)
        known = state.load(self._directory)
        outcomes = []
        for target in self._targets if present.checkpoint.size else ():
            progress = known.setdefault(target.name, Progress())
            if self._is_stopping():
                break
            if not everybody and not is_due(target, progress, self._clock(), present):
                continue
            outcome = self._one(target, progress, present)
            if outcome is None:
                break
            outcomes.append(outcome)
            state.save(self._directory, known, self._disk)
        return outcomes

    def _one(self, target: Target, progress: Progress, present: Present) -> Outcome | None:
        size = present.checkpoint.size
        progress.tried = self._clock()
        try:
            found = self._ask(target, progress, present)
            if self._is_stopping():
                return None  # the writer has gone, or goes: no record could name the file
            self._keep(target, found, present)
        except Miss as miss:
            if self._is_stopping():
                return None
            self._note_miss(target, progress, miss, size)
            return Outcome(target.name, target.kind, size, why=str(miss))
        except (OSError, EvidenceError) as error:
            self._note_miss(target, progress, Miss(f"it cannot be kept: {error}"), size)
            return Outcome(target.name, target.kind, size, why=progress.why)
        if found.said.get("verified", "copy") == "":
            why = "stored, not verified: neither rfc3161-client nor openssl could read it"
            self._note_miss(target, progress, Miss(why), size)
            return Outcome(target.name, target.kind, size, why=why)
        progress.size, progress.time, progress.at = size, found.time, self._clock()
        progress.failures = progress.since = progress.told = 0
        progress.why, progress.contradicts = "", False
        return Outcome(target.name, target.kind, size, found.time)

    def _ask(self, target: Target, progress: Progress, present: Present) -> Anchored:
        if isinstance(target, TimeStamper):
            now = self._clock()
            wants = not progress.status <= now < progress.status + _DAY
            found = stamp(
                target, present, clock=self._clock, total_seconds=self._total_seconds, with_status=wants
            )
            progress.status = now if wants and found.said.get("verified") else progress.status
            return found
        if isinstance(target, WitnessTarget):
            return cosign(target, present, progress.size, total_seconds=self._total_seconds)
        return copy(target, present, self._disk, at=self._clock())

    def _keep(self, target: Target, found: Anchored, present: Present) -> None:
        """Keep the files, then the record that names them, durably."""
        size = present.checkpoint.size
        files = [freeze(self._directory, size, present.note, self._disk)]
        if found.answer:
            files.append(stage(self._directory, size, target.name, found.suffix, found.answer, self._disk))
        beside = [
            stage(self._directory, size, target.name, suffix, data, self._disk)
            for suffix, data in found.beside
        ]
        files += beside
        for item in status if isinstance(status := found.said.get("status"), list) else ():
            if "file" in item:
                item["file"] = beside[item["file"]]["name"]
        seen: dict[str, object] = {"kind": target.kind, "name": target.name, "size": size}
        if found.time:
            seen["time"] = str(found.time)
        seen |= found.said | {"files": files}
        if found.objects:
            seen["objects"] = [self._evidence.put_object(body) for body in found.objects]
        self._append("anchor", seen)

    def _note_miss(self, target: Target, progress: Progress, miss: Miss, size: int) -> None:
        now, is_new = self._clock(), str(miss) != progress.why
        progress.failures += 1
        progress.since = progress.since or now
        progress.why, progress.contradicts = str(miss), miss.contradicts
        if not is_new and now < progress.told + _TELL_AGAIN:
            return
        seen: dict[str, object] = {
            "kind": target.kind,
            "name": target.name,
            "size": size,
            "why": progress.why,
            "since": str(progress.since),
            "tries": progress.failures,
            "contradicts": miss.contradicts,
        }
        try:
            if miss.answer:
                seen["objects"] = [self._evidence.put_object(miss.answer)]
            self._append("anchor-missed", seen)
        except (OSError, EvidenceError):
            return  # not told: it is tried again with the next miss, and health says why the disk refuses
        progress.told = now

    def _append(self, kind: RecordType, seen: dict[str, object]) -> None:
        receipt = self._evidence.append(Draft(type=kind, ref="", at=self._clock(), seen=seen))

        async def wait() -> bool:
            return await receipt.durable(_DURABLE_SECONDS)

        if not asyncio.run(wait()):
            raise EvidenceError("the record of it could not be written")
