"""Says in the log what dead writers have lost, where no process of the site is there to say it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.counts import Counts
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.losses import Losses
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.spool import WriterFiles, new_writer_id
from vorbehalt.evidence.unclean import Loss
from vorbehalt.evidence.vault import Keys, Sealer
from vorbehalt.evidence.writer import Writer


class Explainer:
    """A writer of its own for gap records, opened when there is one to be written."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._writer: Writer | None = None
        self._said: set[str] = set()
        self.is_fresh = False
        """Something was written since this was last set to False."""

    def __call__(self, loss: Loss) -> None:
        """Write the gap record durably, once; raises EvidenceError if that cannot be done."""
        if loss.key in self._said:
            return
        if self._writer is None:
            files = WriterFiles(self._directory, new_writer_id(os.urandom(8), os.getpid()), self._disk)
            sealer = Sealer(Keys(self._directory, self._disk))
            opening: dict[str, object] = {"task": "evidence seal"}
            self._writer = Writer(files, sealer, Losses(), time.time_ns, opening, Counts())
        self._writer.commit([(Draft(type="gap", ref="", at=time.time_ns(), seen=loss.seen()), None)])
        if self._writer.fault:
            raise EvidenceError(self._writer.fault)
        self._said.add(loss.key)
        self.is_fresh = True

    def close(self) -> bool:
        """Write the last record; False if there was none before it."""
        if self._writer is None:
            return False
        self._writer.close()
        return True
