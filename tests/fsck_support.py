"""A sealed log, and what fsck finds in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from vorbehalt.evidence.fsck.found import GRACE_SECONDS
from vorbehalt.evidence.fsck.run import look_at
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft

MakeLog = Callable[..., EvidenceLog]
MakeDraft = Callable[..., Draft]
LATER = GRACE_SECONDS * 10**9


def fill(make_log: MakeLog, make_draft: MakeDraft, count: int) -> None:
    log = make_log(clients_per_minute=10_000)
    log.start()
    for number in range(count):
        log.append(make_draft(number))
    log.close()


def found(directory: Path, later: int = LATER) -> list[tuple[str, str]]:
    return [(one.name, one.path) for one in look_at(directory, time.time_ns() + later)]


def put(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path
