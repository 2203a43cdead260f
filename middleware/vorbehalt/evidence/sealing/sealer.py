"""Takes what is durable in the spools into the log: leaves, tiles, state, checkpoint, in this order.

A stop between any two steps leaves something the next run carries on with: bundles already written are taken
as they are, and a record that the log has is never taken twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.anchor.staging import publish
from vorbehalt.evidence.directory import EvidenceDirectory, open_directory
from vorbehalt.evidence.files import PUBLIC_FILE, Disk, make_directories, no_pause, open_lock, try_lock
from vorbehalt.evidence.reading.pruned import first_readable
from vorbehalt.evidence.spool.counts import abandoned_counts
from vorbehalt.evidence.spool.intake import Intake, SpoolReader
from vorbehalt.evidence.spool.spool import SPOOL_NAME
from vorbehalt.evidence.spool.state import (
    SealState,
    leftover_entries,
    load_state,
    rebuild_state,
    save_state,
)
from vorbehalt.evidence.spool.unclean import Told
from vorbehalt.evidence.tlog.merkle import EMPTY_ROOT
from vorbehalt.evidence.tlog.note import Checkpoint, NoteError, open_checkpoint
from vorbehalt.evidence.tlog.tiles import WIDTH, Growth, grow
from vorbehalt.evidence.writing.explaining import Explainer


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


@dataclass(frozen=True, slots=True)
class _Done:
    checkpoint: Checkpoint
    intake: Intake


class LogSealer:
    """Seals one directory. The caller holds `run/sealer.lock`.

    `pause` is called every half millisecond of work or so: beside a running site it sleeps, because a thread
    that computes holds back all others of its process. `told` records what dead writers have lost.
    """

    def __init__(
        self,
        directory: EvidenceDirectory,
        disk: Disk | None = None,
        pause: Callable[[], None] | None = None,
        told: Told | None = None,
    ) -> None:
        self._at = directory
        self._disk = disk or Disk()
        self._pause = pause or no_pause
        self._spools = SpoolReader(directory.path, self._disk, self._pause, told)
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
            aside += done.intake.set_aside
            if done.intake.room > 0:
                return SealResult(signed.size, signed.root, added, tuple(aside), tuple(done.intake.stuck))

    def _seal_round(self, signed: Checkpoint) -> _Done:
        state, pending = self._restore(signed)
        found = Intake()
        if not pending:
            self._spools.read(state, found)
        growth = self._grow(signed, pending or found.entries)
        if pending and state.size == growth.size and state.root != growth.root:
            raise TamperError(f"the leaves behind the checkpoint are not those sealed at size {state.size}")
        if growth.size != signed.size:
            self._write(growth)
            publish(self._at.path, pending or found.entries, self._disk)
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
            saved = rebuild_state(self._read, signed, first_readable(self._at.path, signed.size))
        for entry in leftover:
            if not saved.note(entry):
                raise TamperError("an interrupted sealing left leaves that the log already has")
        return saved, leftover

    def _forget(self, state: SealState) -> None:
        """Drop what concerns spools that are gone; a living writer always has a spool."""
        there = {path.name for path in (self._at.path / "spool").iterdir()}
        state.spools = {name: offset for name, offset in state.spools.items() if name in there}
        alive = {name.partition(".")[0] for name in there if SPOOL_NAME.fullmatch(name)}
        alive |= abandoned_counts(self._at.path / "spool").keys()
        state.writers = {writer: number for writer, number in state.writers.items() if writer in alive}
        state.explained = {key for key in state.explained if key.partition(":")[0] in alive}

    def _grow(self, signed: Checkpoint, entries: list[bytes]) -> Growth:
        """Grow the tree in memory, a bundle at a time."""
        fresh: dict[str, bytes] = {}
        obsolete: list[str] = []

        def read(name: str) -> bytes:
            return fresh[name] if name in fresh else self._read(name)

        size, taken = signed.size, 0
        growth = grow(read, size, [])
        if (growth.old_root if size else EMPTY_ROOT) != signed.root:
            raise TamperError(f"the log on disk is not the one that was signed at size {size}")
        while taken < len(entries):
            count = WIDTH - size % WIDTH
            growth = grow(read, size, entries[taken : taken + count])
            size, taken = growth.size, taken + count
            fresh.update(growth.files)
            obsolete += growth.obsolete
            self._pause()
        return Growth(_latest(fresh), growth.size, growth.root, signed.root, tuple(obsolete))

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


def _latest(files: dict[str, bytes]) -> dict[str, bytes]:
    """Of several versions of one growing tile only the last is written; entries come first."""
    last = {path.partition(".p/")[0]: path for path in files}
    return {path: files[path] for path in sorted(last.values(), key=lambda path: "entries" not in path)}


def seal_once(directory: Path, disk: Disk | None = None, *, key: Path | None = None) -> SealResult:
    """Seal what the spools of `directory` hold, and return; `key` names a signing key that lies elsewhere.

    Raises EvidenceError if another process is sealing, or the directory or its key cannot be used.
    """
    at = open_directory(directory, key)
    fd = open_lock(at.run / "sealer.lock")
    try:
        if not try_lock(fd):
            raise EvidenceError(
                f"another process is sealing {directory}: it does so every second while it runs."
            )
        explainer = Explainer(directory, disk or Disk())
        sealer = LogSealer(at, disk, told=explainer)
        results = [sealer.seal()]
        while explainer.is_fresh or results[-1].added:
            # What lies behind a damaged stretch is taken once the log says what was lost there.
            explainer.is_fresh = False
            results.append(sealer.seal())
        if explainer.close():
            results.append(sealer.seal())
        last = results[-1]
        added = sum(result.added for result in results)
        aside = tuple(name for result in results for name in result.set_aside)
        return SealResult(last.size, last.root, added, aside, last.stuck)
    finally:
        os.close(fd)
