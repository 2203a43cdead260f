"""Whether a log has stood for a week on its owner's word alone, asked from the files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.reading import query

WEEK = 7 * 86_400 * 10**9


def overdue_sentence(directory: Path, now: int) -> str:
    """Return what `check` warns of, or nothing; `now` is nanoseconds UTC.

    The age is that of the oldest record behind the last file of a time stamp or a cosignature. It verifies
    nothing: `evidence verify` does. A directory that is not there yet, or cannot be read here, is silent.
    """
    try:
        covered = max((_size(path) for path in (directory / "anchors").iterdir()), default=0)
        first = next(
            (
                record
                for record in query.show(directory, query.Filters(start=covered))
                if record["type"] not in ("anchor", "anchor-missed")
            ),
            None,
        )
    except (OSError, EvidenceError):
        return ""
    if first is None or now - int(str(first["at"])) <= WEEK:
        return ""
    since = datetime.fromtimestamp(int(str(first["at"])) // 10**9, UTC)
    how = "the log is self-attested" if not covered else "no anchor covers the log"
    return (
        f"{how} since {since:%Y-%m-%d}: nobody outside says when it was written;"
        " configure evidence.anchors (docs/anchors.md)"
    )


def _size(path: Path) -> int:
    """Return the size that a time stamp or a cosignature is of; 0 for any other file."""
    number = path.name.partition(".")[0]
    return int(number) if path.suffix in (".tsr", ".cosig") and number.isdigit() else 0
