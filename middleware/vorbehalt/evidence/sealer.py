"""Takes what is durable in the spools into the log: leaves, tiles, state, checkpoint, in this order.

A stop between any two steps leaves something the next run carries on with: bundles already written are taken
as they are, and a record that the log has is never taken twice.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.directory import EvidenceDirectory, open_directory
from vorbehalt.evidence.files import PUBLIC_FILE, Disk, is_abandoned, make_directories, open_lock, try_lock
from vorbehalt.evidence.frames import Scan, scan_frames
from vorbehalt.evidence.sealing import (
    SealState,
    leftover_entries,
    load_state,
    note_leaf,
    rebuild_state,
    save_state,
)
from vorbehalt.evidence.spool import SPOOL_NAME
from vorbehalt.evidence.tlog.leaf import LeafError
from vorbehalt.evidence.tlog.merkle import EMPTY_ROOT
from vorbehalt.evidence.tlog.note import Checkpoint, NoteError, open_checkpoint
from vorbehalt.evidence.tlog.tiles import Growth, grow

_ROUND_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class SealResult:
    """`added` leaves; `size` and `root` are those of the checkpoint now in place.

    `set_aside` names spool ends that could not be read: `.torn` after a crash, `.corrupt` otherwise. `stuck`
    names spools of living writers that hold a damaged frame; they are set aside when their writer ends.
    """

    size: int
    root: bytes
    added: int = 0
    set_aside: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


@dataclass(slots=True)
class _Round:
    """What one pass over the spools found."""

    entries: list[bytes] = field(default_factory=list)
    consumed: list[Path] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    room: int = _ROUND_BYTES


@dataclass(frozen=True, slots=True)
class _Done:
    checkpoint: Checkpoint
    round: _Round


class LogSealer:
    """Seals one directory. The caller holds `run/sealer.lock`."""

    def __init__(self, directory: EvidenceDirectory, disk: Disk | None = None) -> None:
        self._at = directory
        self._disk = disk or Disk()
        self._state_path = directory.run / "state.json"
        self._state: SealState | None = None

    def seal(self) -> SealResult:
        """Seal everything there is.

        Raises EvidenceError if the signing key is not here, TamperError if the log on disk is not what was
        signed: then nothing is written.
        """
        signed = self._signed()
        if self._at.signer is None:
            raise EvidenceError(
                f"the signing key {self._at.path / 'keys' / 'log.key'} cannot be read by this user"
            )
        added, aside, size = 0, list[str](), signed.size
        while True:
            try:
                done = self._seal_round(signed)
            except BaseException:
                # What was written is found again as leftover.
                self._state = None
                raise
            signed = done.checkpoint
            added += signed.size - size
            size = signed.size
            aside += done.round.set_aside
            if done.round.room > 0:
                return SealResult(signed.size, signed.root, added, tuple(aside), tuple(done.round.stuck))

    def _seal_round(self, signed: Checkpoint) -> _Done:
        state, pending = self._restore(signed)
        found = _Round()
        if not pending:
            self._read_spools(state, found)
        growth = self._grow(signed, pending or found.entries)
        if pending and state.size == growth.size and state.root != growth.root:
            raise TamperError(f"the leaves behind the checkpoint are not those sealed at size {state.size}")
        if growth.size != signed.size:
            self._write(growth)
        state.size, state.root = growth.size, growth.root
        if state != self._state:
            save_state(self._state_path, state, self._disk)
        checkpoint = signed
        if growth.size != signed.size:
            checkpoint = self._sign(growth)
            self._clear(growth)
        self._state = state
        for path in found.consumed:
            path.unlink(missing_ok=True)
        if pending:
            # Leftovers first; the spools are read in the next round, against what the log now holds.
            found.room = 0
        return _Done(checkpoint, found)

    def _signed(self) -> Checkpoint:
        path = self._at.log / "checkpoint"
        try:
            return open_checkpoint(path.read_bytes(), self._at.verifier)
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read: {error.strerror}") from error
        except NoteError as error:
            raise TamperError(f"{path}: {error}") from error

    def _restore(self, signed: Checkpoint) -> tuple[SealState, list[bytes]]:
        """Return the state at the signed size, and leaves that an interrupted run has already written."""
        state = self._state.copy() if self._state is not None else None
        if state is not None and (state.size, state.root) == (signed.size, signed.root):
            self._forget(state)
            return state, []
        leftover = leftover_entries(self._at.log, signed.size)
        saved = load_state(self._state_path)
        if saved is not None:
            if saved.size == signed.size and saved.root != signed.root:
                raise TamperError(f"{self._state_path} knows another root at size {saved.size}")
            if saved.size > signed.size + len(leftover):
                raise TamperError(
                    f"the log was cut: {saved.size} leaves were sealed, "
                    f"{signed.size + len(leftover)} are left"
                )
            if leftover and saved.size == signed.size + len(leftover):
                # Stopped between state and signature: the state already knows the leaves behind the
                # checkpoint.
                return saved, leftover
        if saved is None or saved.size != signed.size:
            saved = rebuild_state(self._read, signed)
        for entry in leftover:
            if not note_leaf(saved.writers, entry):
                raise TamperError("an interrupted sealing left leaves that the log already has")
        return saved, leftover

    def _forget(self, state: SealState) -> None:
        """Drop what concerns spools that are gone; a living writer always has a spool."""
        there = {path.name for path in (self._at.path / "spool").iterdir()}
        state.spools = {name: offset for name, offset in state.spools.items() if name in there}
        alive = {name.partition(".")[0] for name in there if SPOOL_NAME.fullmatch(name)}
        state.writers = {writer: number for writer, number in state.writers.items() if writer in alive}

    def _grow(self, signed: Checkpoint, entries: list[bytes]) -> Growth:
        growth = grow(self._read, signed.size, entries)
        if (growth.old_root if signed.size else EMPTY_ROOT) != signed.root:
            raise TamperError(f"the log on disk is not the one that was signed at size {signed.size}")
        return growth

    def _read(self, name: str) -> bytes:
        return (self._at.log / name).read_bytes()

    def _write(self, growth: Growth) -> None:
        for name, data in growth.files.items():
            path = self._at.log / name
            make_directories(path.parent, self._disk)
            self._disk.replace(path, data, self._at.run, PUBLIC_FILE)

    def _sign(self, growth: Growth) -> Checkpoint:
        assert self._at.signer is not None
        checkpoint = Checkpoint(self._at.verifier.name, growth.size, growth.root)
        note = self._at.signer.sign(checkpoint.body)
        self._disk.replace(self._at.log / "checkpoint", note, self._at.run, PUBLIC_FILE)
        return checkpoint

    def _clear(self, growth: Growth) -> None:
        for name in growth.obsolete:
            folder = self._at.log / name
            if folder.is_dir():
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()

    def _read_spools(self, state: SealState, found: _Round) -> None:
        named = []
        for path in (self._at.path / "spool").iterdir():
            if match := SPOOL_NAME.fullmatch(path.name):
                named.append((match[1], int(match[2]), path))
        waiting: set[str] = set()
        for writer, _, path in sorted(named):
            # A later file of a writer only after all of the earlier one.
            if found.room <= 0:
                break
            if writer not in waiting and not self._read_spool(path, writer, state, found):
                waiting.add(writer)

    def _read_spool(self, path: Path, writer: str, state: SealState, found: _Round) -> bool:
        """Take new leaves of one spool; True if nothing more will come from it."""
        try:
            # Asked first: what a living writer adds after this question is left for the next time.
            is_dead = is_abandoned(path)
            offset = state.spools.setdefault(path.name, 0)
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(_ROUND_BYTES)
                is_all = offset + len(data) >= os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return True
        scan = scan_frames(data)
        taken, is_bad = self._take(scan, writer, state, found)
        state.spools[path.name] = offset + taken
        is_bad = is_bad or (scan.is_corrupt and is_all) or (not taken and not is_all)
        if not is_dead:
            if is_bad:
                found.stuck.append(path.name)
            elif not is_all:
                found.room = 0
            return False
        if not is_bad and not is_all:
            found.room = 0
            return False
        if is_bad or not scan.is_whole:
            self._set_aside(path, offset + taken, "corrupt" if is_bad else "torn", found)
        found.consumed.append(path)
        return True

    def _take(self, scan: Scan, writer: str, state: SealState, found: _Round) -> tuple[int, bool]:
        """Take the leaves of a scan; returns how far, and whether something is no leaf of its writer."""
        taken = 0
        for payload, end in zip(scan.payloads, scan.ends, strict=True):
            try:
                is_new = note_leaf(state.writers, payload, writer)
            except LeafError:
                return taken, True
            if is_new:
                found.entries.append(payload)
                found.room -= len(payload)
            taken = end
        return taken, False

    def _set_aside(self, path: Path, offset: int, problem: str, found: _Round) -> None:
        """Keep bytes that are no leaves beside the spool; nothing is ever cut in place."""
        with path.open("rb") as file:
            file.seek(offset)
            rest = file.read()
        aside = path.with_suffix(f".{problem}")
        self._disk.replace(aside, rest, self._at.run, 0o600)
        found.set_aside.append(aside.name)


def seal_once(directory: Path, disk: Disk | None = None) -> SealResult:
    """Seal what the spools of `directory` hold, and return.

    Raises EvidenceError if another process is sealing, or the directory or its key cannot be used.
    """
    at = open_directory(directory)
    fd = open_lock(at.run / "sealer.lock")
    try:
        if not try_lock(fd):
            raise EvidenceError(
                f"another process is sealing {directory}: it does so every second while it runs."
            )
        return LogSealer(at, disk).seal()
    finally:
        os.close(fd)
