"""The anchor thread of a process. Of several processes, whoever holds the lock asks; none waits for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.anchor import state
from vorbehalt.evidence.anchor.post import TOTAL_SECONDS
from vorbehalt.evidence.anchor.rounds import Round
from vorbehalt.evidence.anchor.targets import Target
from vorbehalt.evidence.files import open_lock, try_lock
from vorbehalt.evidence.receipt import Evidence

log = logging.getLogger("vorbehalt.evidence")

LOCK = "anchor.lock"
_LATE = 1_800 * 10**9
_JOIN_SECONDS = 1.0


class AnchorThread:
    """Asks for anchors beside everything else: no request, writer or sealer ever waits for it.

    The constructor starts nothing. After a fork the child makes one of its own.
    """

    every_seconds = 5.0
    """How often it looks whether anybody is due; a look costs some files, no network."""

    def __init__(
        self,
        directory: Path,
        targets: Sequence[Target],
        evidence: Callable[[], Evidence],
        *,
        clock: Callable[[], int] = time.time_ns,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._directory = directory
        self._targets = tuple(targets)
        self._evidence = evidence
        self._clock = clock
        self._total_seconds = total_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem = ""
        """Sentence about what keeps all anchors from being asked; empty while all is well."""

    def start(self) -> None:
        """Start the thread; does nothing where no anchors are configured. Idempotent."""
        if not self._targets or (self._thread is not None and self._thread.is_alive()):
            return
        # One life has one event: a thread that still hangs in an old answer must find itself stopped.
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name="vorbehalt-anchors", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop; an answer that is still waited for is let go."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)
        self._thread = None

    def step(self, stop: threading.Event | None = None) -> bool:
        """Hold one round; False if another process is at it."""
        fd = open_lock(self._directory / "run" / LOCK)
        try:
            if not try_lock(fd):
                return False
            Round(
                self._directory,
                self._targets,
                self._evidence(),
                clock=self._clock,
                total_seconds=self._total_seconds,
                is_stopping=(stop or self._stop).is_set,
            ).run()
        finally:
            os.close(fd)
        return True

    def age_seconds(self) -> float | None:
        """Return how long ago the last outside time was had; None where there is none yet."""
        if not self._targets:
            return None
        timed = {target.name for target in self._targets if target.kind != "copy"}
        known = state.load(self._directory)
        last = max((item.at for name, item in known.items() if name in timed), default=0)
        return max(0.0, (self._clock() - last) / 1e9) if last else None

    def health(self) -> tuple[list[str], list[str]]:
        """Return what is red and what is yellow, in sentences."""
        red: list[str] = []
        yellow = [self.problem] if self.problem else []
        known = state.load(self._directory) if self._targets else {}
        for target in self._targets:
            item = known.get(target.name)
            if item is None or not item.failures:
                continue
            if item.contradicts:
                red.append(f"the witness {target.name} contradicts our log: {item.why}")
            elif self._clock() - (item.at or item.since) > _LATE:
                since = datetime.fromtimestamp((item.at or item.since) // 10**9, UTC)
                yellow.append(f"no anchor from {target.name} since {since:%Y-%m-%d %H:%M} UTC: {item.why}")
        return red, yellow

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self.every_seconds):
            try:
                self.step(stop)
                self.problem = ""
            except (OSError, EvidenceError) as error:
                self.problem = f"no anchors: {error}"
            except Exception as error:  # a defect of ours must be seen in health, and must not end the thread
                if not self.problem:
                    log.exception("anchoring failed")
                self.problem = f"anchoring failed: {type(error).__name__}: {error}"
