"""When findings add up, the conclusion gets a record of its own, apart from the request it was drawn from."""

from __future__ import annotations

from collections.abc import Mapping

from vorbehalt.edge.live import make_room
from vorbehalt.evidence.receipt import Draft
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict

_HOUR_NS = 3_600 * 10**9
_MINUTE_NS = 60 * 10**9
_CLIENTS = 4_096
MOST_A_MINUTE = 60
"""A fleet of one request per address must not double what is written."""


class Assessments:
    """Which conclusions are due: one for a client and level in an hour, so many a minute in a process.

    What is not due is lost to nobody: the request record holds the findings, the score and the level that the
    decision went by.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, int], None] = {}
        self._minute = (0, 0)

    def due(self, visit: Visit, verdict: Verdict, ref: str, versions: Mapping[str, str]) -> Draft | None:
        """Return the `assessment` that follows the record `ref`, None if none is due."""
        if verdict.level == "observe" or not verdict.findings:
            return None
        key = (visit.client.text or "", verdict.level, visit.received_at // _HOUR_NS)
        if key in self._said:
            return None
        minute = visit.received_at // _MINUTE_NS
        count = self._minute[1] if self._minute[0] == minute else 0
        if count >= MOST_A_MINUTE:
            return None
        self._minute = (minute, count + 1)
        make_room(self._said, _CLIENTS)
        self._said[key] = None
        seen: dict[str, object] = {
            "of": ref,
            "method": "findings",
            "conclusion": verdict.level,
            "score": verdict.score,
            "findings": [finding.id for finding in verdict.findings],
            "versions": dict(versions),
        }
        return Draft(type="assessment", ref="", at=visit.received_at, seen=seen)
