"""The sealer of a process: elected by a file lock, sealing about once a second."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import FULL, Disk, open_lock, try_lock
from vorbehalt.evidence.sealing.sealer import LogSealer, SealResult
from vorbehalt.evidence.spool.ballast import Ballast
from vorbehalt.evidence.spool.unclean import Told

_EVERY_SECONDS = 1.0
_AFTER_PROBLEM_SECONDS = 30.0
_PAUSE_SECONDS = 0.0005
_POLL_SECONDS = 0.05


class SealerThread:
    """Runs a `LogSealer` while this process holds `run/sealer.lock`; retries the lock every second.

    `house` is called after each sealing of the running thread: whoever seals keeps house.
    """

    def __init__(
        self,
        directory: EvidenceDirectory,
        disk: Disk,
        told: Told | None = None,
        house: Callable[[], None] | None = None,
    ) -> None:
        self._directory = directory
        self._house = house
        self._told = told
        self._disk = disk
        self._ballast = Ballast(directory.run / "ballast", disk)
        self._lock_fd = -1
        self._sealer: LogSealer | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self.result: SealResult | None = None
        self.problem = ""
        """Sentence about what keeps the log from growing; empty while it grows."""

    def start(self) -> None:
        if self._directory.signer is None:
            self.problem = (
                "the signing key is not here: the log is sealed by its owner (vorbehalt evidence seal)"
            )
            return
        self._thread = threading.Thread(target=self._run, name="vorbehalt-sealer", daemon=True)
        self._thread.start()

    def finish(self, is_sealed: Callable[[], bool], timeout_seconds: float) -> None:
        """Stop, and seal what the closed writer left behind, unless another process does so in time."""
        deadline = time.monotonic() + timeout_seconds
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
            if self._thread.is_alive():
                return
            self._thread = None
            self._not_before = 0.0
            waiting = threading.Event()
            while not self.step() and not is_sealed() and time.monotonic() < deadline:
                waiting.wait(_POLL_SECONDS)
        self.release()

    def step(self) -> bool:
        """Seal if this process is elected; True if it is."""
        if self._lock_fd < 0 and not self._elect():
            return False
        if time.monotonic() < self._not_before:
            return True
        if self._sealer is None:
            self._sealer = LogSealer(self._directory, self._disk, self._pause, self._told)
        try:
            self.result = self._sealer.seal()
            self.problem = ""
        except OSError as error:
            self._cannot_grow(error)
        except EvidenceError as error:
            self.problem = f"the log is not sealed: {error}"
            # Looking again may mean reading the whole log.
            self._not_before = time.monotonic() + _AFTER_PROBLEM_SECONDS
        return True

    def release(self) -> None:
        """Let another process seal. After a fork the child must do so: the lock is its parent's."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _cannot_grow(self, error: OSError) -> None:
        self.problem = f"the log cannot grow: {error.strerror or error}"
        if error.errno in FULL:
            self._ballast.drop()

    def _pause(self) -> None:
        if not self._stop.is_set():
            time.sleep(_PAUSE_SECONDS)

    def _elect(self) -> bool:
        try:
            fd = open_lock(self._directory.run / "sealer.lock")
        except OSError as error:
            self._cannot_grow(error)
            return False
        if not try_lock(fd):
            os.close(fd)
            return False
        self._lock_fd = fd
        return True

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            try:
                if self.step() and self._house is not None and not self._stop.is_set():
                    self._house()
            except (
                Exception
            ) as error:  # a defect of ours must be seen in health, and must not end the sealing
                self.problem = f"the sealer failed: {type(error).__name__}: {error}"
                self._not_before = time.monotonic() + _AFTER_PROBLEM_SECONDS
