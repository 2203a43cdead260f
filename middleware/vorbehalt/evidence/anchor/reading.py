"""The windows of a log, as the records of its anchors say."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.evidence.anchor.windows import Windows, point_of
from vorbehalt.evidence.reading.scan import scan_log


def read_windows(directory: Path) -> Windows:
    """Return between which outside times each record joined the log.

    Reads the log once; raises EvidenceError if it cannot be read. The audit checks what stands behind it.
    """
    points = (point_of(index, leaf) for index, leaf in scan_log(directory, ("anchor",)).found)
    return Windows(point for point in points if point is not None)
