"""A record written by a command, with a writer of its own that is gone afterwards."""

from __future__ import annotations

import os
import time
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.receipt import Draft, RecordType
from vorbehalt.evidence.spool.counts import Counts
from vorbehalt.evidence.spool.spool import WriterFiles, new_writer_id
from vorbehalt.evidence.vault.vault import Keys, Sealer
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.writer import Writer


class OneOff:
    """Opened with the first record. `task` says in its first record which command it was."""

    def __init__(self, directory: Path, disk: Disk, task: str) -> None:
        self._directory = directory
        self._disk = disk
        self._task = task
        self._writer: Writer | None = None

    def write(self, kind: RecordType, seen: dict[str, object]) -> None:
        """Write one record durably; raises EvidenceError if that cannot be done."""
        if self._writer is None:
            files = WriterFiles(self._directory, new_writer_id(os.urandom(8), os.getpid()), self._disk)
            sealer = Sealer(Keys(self._directory, self._disk))
            opening: dict[str, object] = {"task": self._task}
            self._writer = Writer(files, sealer, Losses(), time.time_ns, opening, Counts())
        self._writer.commit([(Draft(type=kind, ref="", at=time.time_ns(), seen=seen), None)])
        if self._writer.fault:
            raise EvidenceError(self._writer.fault)

    def close(self) -> bool:
        """Write the last record; False if there was none before it."""
        if self._writer is None:
            return False
        self._writer.close()
        return True
