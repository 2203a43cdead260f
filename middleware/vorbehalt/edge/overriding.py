"""Pauses and spares take effect in a running process: one file is looked at four times a second.

The thread does nothing else, so that no slow disk of the evidence and no reload keeps a pause waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from vorbehalt.errors import VorbehaltError
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.evidence.vault.vault import Keys
from vorbehalt.policy.overrides import NOTHING, Overrides, Overriding, Pause
from vorbehalt.settings import Settings
from vorbehalt.stores.overrides_file import Stamp, read, stamp_of

log = logging.getLogger("vorbehalt")

SPARES_KEY = "spares"
"""Name of the key in `keys/` of the evidence: without it the file of spares says nothing of anybody."""

_BEAT_SECONDS = 0.25
_JOIN_SECONDS = 1.0


class OverrideWatch:
    """Keeps `overriding` as the file says, and records each pause when it begins and ends in this process.

    `on_change` is called after other overrides are in force. A damaged file changes nothing: the last good
    one holds, `problem` says so.
    """

    def __init__(
        self, settings: Settings, evidence: Callable[[], Evidence], on_change: Callable[[], None]
    ) -> None:
        self.overriding = Overriding()
        self.problem = ""
        self._path = settings.overrides_file
        self._keys = None if settings.evidence.is_kept_nowhere else Keys(Path(settings.evidence.directory))
        self._evidence = evidence
        self._on_change = on_change
        self._stamp: Stamp | Literal["unread"] = "unread"
        self._noted: tuple[Pause, ...] = ()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def now(self) -> Overrides:
        """The overrides that were read last."""
        return self.overriding.now

    def start(self) -> None:
        """Look once, and from then on until `stop`; raises RuntimeError if no thread can be started."""
        self._noted = ()
        self.look()
        if self._path is None:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="vorbehalt-pauses", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what holds goes on holding for what is still judged."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_SECONDS)

    def forked(self) -> None:
        """In the child of a fork: the thread is the parent's."""
        self._stop = threading.Event()
        self._thread = None

    def look(self) -> None:
        """Take over what the file says now, and record pauses that began or ended. Never raises."""
        try:
            if self._path is not None and (stamp := stamp_of(self._path)) != self._stamp:
                self._take(read(self._path))
                self._stamp = stamp
            self.problem = ""
        except (VorbehaltError, OSError) as error:
            if str(error) != self.problem:
                log.error("pauses and spares: %s; what was read last holds", error)
            self.problem = str(error)
        self._record(time.time_ns())

    def sentences(self, at: int) -> list[str]:
        """Say for health what is paused at a time (nanoseconds UTC), and what is wrong."""
        found = [_sentence(pause) for pause in self.now.pauses_at(at)]
        if self.problem:
            found.append(f"pauses and spares: {self.problem}; what was read last holds")
        if self.now.spares_at(at) and self.overriding.key is None:
            found.append("nobody is spared: the key under which the spared were kept is gone")
        return found

    def _take(self, overrides: Overrides) -> None:
        self.overriding.now = NOTHING if overrides == NOTHING else overrides.known_at(time.time_ns())
        try:
            if overrides.spares and self._keys is not None:
                self.overriding.key = self._keys.get(SPARES_KEY)
        finally:
            # A key that cannot be read keeps no pause waiting.
            self._on_change()

    def _record(self, at: int) -> None:
        holding = self.now.pauses_at(at)
        if holding == self._noted:
            return
        for pause in self._noted:
            if pause not in holding:
                ran_out = pause.until is not None and at >= pause.until
                self._note(pause, "end", pause.until if ran_out else at, "ran out" if ran_out else "ended")
        for pause in holding:
            if pause not in self._noted:
                self._note(pause, "begin", at, "command line")
        self._noted = holding

    def _note(self, pause: Pause, event: str, at: int | None, cause: str) -> None:
        seen: dict[str, object] = {
            "event": event,
            "cause": cause,
            "rule": pause.rule or None,
            "until": None if pause.until is None else str(pause.until),
            "reason": pause.reason,
        }
        moment = time.time_ns() if at is None else at
        self._evidence().append(Draft(type="pause", ref="", at=moment, seen=seen))
        log.warning("pause of %s: %s", pause.rule or "all enforcement", event)

    def _run(self) -> None:
        stop = self._stop
        while not stop.wait(_BEAT_SECONDS):
            try:
                self.look()
            except Exception:  # whoever pauses in an emergency needs this thread more than any other
                log.exception("looking for pauses and spares failed")


def _sentence(pause: Pause) -> str:
    what = f"the rule {pause.rule} is not enforced" if pause.rule else "nothing is enforced"
    until = "until the pause is ended" if pause.until is None else f"until {_utc(pause.until)}"
    return f"paused: {what} {until}" + (f" ({pause.reason})" if pause.reason else "")


def _utc(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at // 10**9))
