"""Reads what the spools hold behind the last sealing: leaves in order, each once; the rest is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_FILE, Disk, is_abandoned
from vorbehalt.evidence.frames import Scan, scan_frames
from vorbehalt.evidence.sealing import SealState, note_leaf
from vorbehalt.evidence.spool import SPOOL_NAME
from vorbehalt.evidence.tlog.leaf import LeafError
from vorbehalt.evidence.unclean import Told, unclean_end

_ROUND_BYTES = 8 << 20
_BLOCK_BYTES = 256 << 10
_LEAVES_WITHOUT_PAUSE = 8


@dataclass(slots=True)
class Intake:
    """What one pass over the spools found."""

    entries: list[bytes] = field(default_factory=list)
    consumed: list[Path] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    room: int = _ROUND_BYTES


class SpoolReader:
    """Reads the spools of one directory against a state, which it advances.

    `told` hears of writers that ended without closing; a spool stays until that is recorded.
    """

    def __init__(
        self, directory: Path, disk: Disk, pause: Callable[[], None], told: Told | None = None
    ) -> None:
        self._directory = directory
        self._disk = disk
        self._pause = pause
        self._told = told

    def read(self, state: SealState, found: Intake) -> None:
        """Take what is new, up to the room there is."""
        named = []
        for path in (self._directory / "spool").iterdir():
            if match := SPOOL_NAME.fullmatch(path.name):
                named.append((match[1], int(match[2]), path))
        waiting: set[str] = set()
        last = {writer: path for writer, _, path in sorted(named)}
        for writer, _, path in sorted(named):
            # A later file of a writer only after all of the earlier one.
            if found.room <= 0:
                break
            if writer not in waiting and not self._read(
                path, writer, state, found, is_last_file=path == last[writer]
            ):
                waiting.add(writer)

    def _read(self, path: Path, writer: str, state: SealState, found: Intake, *, is_last_file: bool) -> bool:
        """Take new leaves of one spool; True if nothing more will come from it."""
        try:
            # Asked first: what a living writer adds after this question is left for the next time.
            is_dead = is_abandoned(path)
            size = path.stat().st_size
            file = path.open("rb")
        except FileNotFoundError:
            return True
        offset = state.spools.setdefault(path.name, 0)
        is_bad, is_whole = False, True
        with file:
            while offset < size and not is_bad:
                if found.room <= 0:
                    state.spools[path.name] = offset
                    return False
                file.seek(offset)
                data = file.read(min(_BLOCK_BYTES, size - offset))
                scan = scan_frames(data)
                taken, is_bad = self._take(scan, writer, state, found)
                is_last = offset + len(data) >= size
                offset += taken
                if is_last:
                    is_bad, is_whole = is_bad or scan.is_corrupt, scan.is_whole
                    break
                # No leaf is longer than a block.
                is_bad = is_bad or not taken
        state.spools[path.name] = offset
        if not is_dead:
            if is_bad:
                found.stuck.append(path.name)
            return False
        if is_bad or not is_whole:
            self._set_aside(path, offset, "corrupt" if is_bad else "torn", found)
        if not is_last_file or self._is_told(path, writer):
            found.consumed.append(path)
        return True

    def _is_told(self, path: Path, writer: str) -> bool:
        """True if nothing is left to be said about the end of a dead writer."""
        if self._told is None:
            return True
        end = unclean_end(path, writer)
        return end is None or self._told(end)

    def _take(self, scan: Scan, writer: str, state: SealState, found: Intake) -> tuple[int, bool]:
        """Take the leaves of a scan; returns how far, and whether something is no leaf of its writer."""
        taken = 0
        for number, (payload, end) in enumerate(zip(scan.payloads, scan.ends, strict=True)):
            if number % _LEAVES_WITHOUT_PAUSE == 0:
                self._pause()
            try:
                is_new = note_leaf(state.writers, payload, writer)
            except LeafError:
                return taken, True
            if is_new:
                found.entries.append(payload)
                found.room -= len(payload)
            taken = end
        return taken, False

    def _set_aside(self, path: Path, offset: int, problem: str, found: Intake) -> None:
        """Keep bytes that are no leaves beside the spool; nothing is ever cut in place."""
        with path.open("rb") as file:
            file.seek(offset)
            rest = file.read()
        aside = path.with_suffix(f".{problem}")
        self._disk.replace(aside, rest, self._directory / "run", PRIVATE_FILE)
        found.set_aside.append(aside.name)
