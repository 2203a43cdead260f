"""Reads what the spools hold behind the last sealing: leaves in order, each once; the rest is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_FILE, Disk, is_abandoned
from vorbehalt.evidence.frames import Scan, scan_frames
from vorbehalt.evidence.spool.counts import SUFFIX, abandoned_counts
from vorbehalt.evidence.spool.damage import first_number, stretch
from vorbehalt.evidence.spool.spool import SPOOL_NAME
from vorbehalt.evidence.spool.state import SealState
from vorbehalt.evidence.spool.unclean import Hole, Told, unclean_end
from vorbehalt.evidence.tlog.leaf import LeafError

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
    ends: dict[str, tuple[Path, int, bytes]] = field(default_factory=dict)
    """Dead writers all of whose spools are read: the last one, up to where, and what was torn off."""
    room: int = _ROUND_BYTES


class SpoolReader:
    """Reads the spools of one directory against a state, which it advances.

    `told` hears of what dead writers have lost; a spool stays until the log explains that. Without `told`
    nobody can say it: an end is then taken as it is, and a damaged stretch waits.
    """

    def __init__(
        self, directory: Path, disk: Disk, pause: Callable[[], None], told: Told | None = None
    ) -> None:
        self._directory = directory
        self._counts = directory / "spool"
        self._disk = disk
        self._pause = pause
        self._told = told

    def read(self, state: SealState, found: Intake) -> None:
        """Take what is new, up to the room there is."""
        # Asked before the spools: a page that is abandoned now had its spool until after it was.
        dead = abandoned_counts(self._counts)
        named = []
        for path in (self._directory / "spool").iterdir():
            if match := SPOOL_NAME.fullmatch(path.name):
                named.append((match[1], int(match[2]), path))
        named.sort()
        waiting: set[str] = set()
        for number, (writer, _, path) in enumerate(named):
            # A later file of a writer only after all of the earlier one.
            if found.room <= 0:
                return
            later = (
                named[number + 1][2] if [writer] == [it[0] for it in named[number + 1 : number + 2]] else None
            )
            if writer not in waiting and not self._read(path, writer, state, found, later):
                waiting.add(writer)
        self._end(state, found, {writer: dead[writer] for writer in dead.keys() - {it[0] for it in named}})

    def _read(self, path: Path, writer: str, state: SealState, found: Intake, later: Path | None) -> bool:
        """Take new leaves of one spool; True if nothing more will come from it."""
        try:
            # Asked first: what a living writer adds after this question is left for the next time.
            is_dead = is_abandoned(path)
            size = path.stat().st_size
            file = path.open("rb")
        except FileNotFoundError:
            return True
        offset = state.spools.setdefault(path.name, 0)
        torn = b""
        with file:
            while offset < size:
                if found.room <= 0:
                    state.spools[path.name] = offset
                    return False
                file.seek(offset)
                data = file.read(min(_BLOCK_BYTES, size - offset))
                scan = scan_frames(data)
                taken, is_bad = self._take(scan, writer, state, found)
                is_last = offset + len(data) >= size
                offset += taken
                state.spools[path.name] = offset
                if not is_bad and (scan.is_whole or (taken and not is_last)):
                    continue
                if not is_dead:
                    # What is torn may still be on its way.
                    if is_bad or scan.is_corrupt or not is_last:
                        found.stuck.append(path.name)
                    return False
                file.seek(offset)
                rest = file.read(size - offset)
                if not is_bad and is_last and not scan.is_corrupt:
                    torn = rest
                    self._set_aside(path, "torn", rest, found)
                    break
                skipped = self._skip(path, writer, state, found, rest, later)
                if skipped < 0:
                    return False
                offset += skipped
                state.spools[path.name] = offset
        if not is_dead:
            return False
        if later is None:
            found.ends[writer] = path, offset, torn
        else:
            found.consumed.append(path)
        return True

    def _skip(
        self, path: Path, writer: str, state: SealState, found: Intake, rest: bytes, later: Path | None
    ) -> int:
        """Set a damaged stretch aside; returns its length, or -1 while the log does not explain it yet."""
        expected = state.writers.get(writer, 0)
        after, number = stretch(rest, writer, expected)
        if later is not None and 0 <= first_number(later) <= expected:
            # After a fault the writer wrote all of it again in its next file.
            after = len(rest)
        elif number > expected:
            hole = Hole(writer, expected, number - 1, rest[:after])
            if hole.key not in state.explained:
                if self._told is not None:
                    self._told(hole)
                found.stuck.append(path.name)
                return -1
        self._set_aside(path, "corrupt", rest[:after], found)
        return after

    def _end(self, state: SealState, found: Intake, pages: dict[str, Path]) -> None:
        """Let go of dead writers, once the log says what they have lost."""
        for writer, (path, offset, torn) in found.ends.items():
            page = self._counts / f"{writer}{SUFFIX}"
            if self._is_said(writer, path, page, state, offset, torn):
                # The page first: a page without a spool would be that of a writer without any record.
                found.consumed += [page, path]
        for writer, page in pages.items():
            if self._is_said(writer, None, page, state):
                found.consumed.append(page)

    def _is_said(
        self, writer: str, path: Path | None, page: Path, state: SealState, offset: int = 0, torn: bytes = b""
    ) -> bool:
        if self._told is None or writer in state.explained:
            return True
        loss = unclean_end(path, writer, page, end=offset, torn=torn)
        if loss is None:
            return True
        self._told(loss)
        return False

    def _take(self, scan: Scan, writer: str, state: SealState, found: Intake) -> tuple[int, bool]:
        """Take the leaves of a scan; returns how far, and whether something is no leaf of its writer."""
        taken = 0
        for number, (payload, end) in enumerate(zip(scan.payloads, scan.ends, strict=True)):
            if number % _LEAVES_WITHOUT_PAUSE == 0:
                self._pause()
            try:
                is_new = state.note(payload, writer)
            except LeafError:
                return taken, True
            if is_new:
                found.entries.append(payload)
                found.room -= len(payload)
            taken = end
        return taken, False

    def _set_aside(self, path: Path, problem: str, data: bytes, found: Intake) -> None:
        """Keep bytes that are no leaves beside the spool; nothing is ever cut in place."""
        aside = path.with_suffix(f".{problem}")
        number = 1
        while aside.exists():
            if aside.read_bytes() == data:
                return  # in an earlier pass
            aside = path.with_suffix(f".{number}.{problem}")
            number += 1
        self._disk.replace(aside, data, self._directory / "run", PRIVATE_FILE)
        found.set_aside.append(aside.name)
