"""Says in the log what dead writers have lost, where no process of the site is there to say it."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.spool.unclean import Loss
from vorbehalt.evidence.writing.one_off import OneOff


class Explainer:
    """Writes gap records while the log is sealed by hand."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._records = OneOff(directory, disk, "evidence seal")
        self._said: set[str] = set()
        self.is_fresh = False
        """Something was written since this was last set to False."""

    def __call__(self, loss: Loss) -> None:
        """Write the gap record durably, once; raises EvidenceError if that cannot be done."""
        if loss.key not in self._said:
            self._records.write("gap", loss.seen())
            self._said.add(loss.key)
            self.is_fresh = True

    def close(self) -> bool:
        return self._records.close()
