"""The holds as the log tells them, against those in the vault: one that vanished or shrank is noticed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import Pause, no_pause
from vorbehalt.evidence.reading.walk import walk_log
from vorbehalt.evidence.tlog.leaf import seen_of

HOLD = "hold"
_MARK = b'"type":"hold"'


def told_holds(directory: Path, pause: Pause = no_pause) -> dict[str, Mapping[str, object]]:
    """Return the scope of every matter that the log says was begun and not released. Raises EvidenceError."""
    events = [(int(str(leaf["at"])), seen_of(leaf)) for leaf in walk_log(directory, (HOLD,), _MARK, pause)]
    found: dict[str, Mapping[str, object]] = {}
    for _, seen in sorted(events, key=lambda event: event[0]):
        matter, scope = str(seen.get("matter")), seen.get("scope")
        if seen.get("event") == "end":
            found.pop(matter, None)
        elif seen.get("event") == "begin" and isinstance(scope, dict):
            found[matter] = scope
    return found


def must_be_those_told(
    told: Mapping[str, Mapping[str, object]], here: Collection[tuple[str, Mapping[str, object]]]
) -> None:
    """Raise EvidenceError unless every hold that the log tells of is here, with the same scope.

    `here` are matter and scope. One that is here only is fine: its record may not be written yet.
    """
    scopes = dict(here)
    for matter, scope in told.items():
        if matter not in scopes:
            raise EvidenceError(
                f"the log says that {matter} is held, but vault/held/{matter} is gone: nothing is destroyed"
                " until it is put back, or released (evidence hold --end)"
            )
        if scopes[matter] != scope:
            raise EvidenceError(f"the hold of {matter} has another scope than its record in the log")
