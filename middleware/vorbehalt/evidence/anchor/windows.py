"""Between which outside times each record joined the log. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vorbehalt.evidence.tlog.leaf import seen_of

_TIMED = ("rfc3161", "witness")


@dataclass(frozen=True, slots=True)
class TimePoint:
    """One anchor: at `time` (nanoseconds) the first `size` records existed, those from `index` on did not.

    `index` is where the record with the anchor's own digest stands: nobody could write it, or anything behind
    it, before the anchor was made.
    """

    index: int
    size: int
    time: int


@dataclass(frozen=True, slots=True)
class Window:
    """Nanoseconds, None where nothing outside bounds that side."""

    not_before: int | None = None
    not_after: int | None = None


class Windows:
    """Answers for every index; built once from all anchors that hold."""

    def __init__(self, points: Iterable[TimePoint]) -> None:
        found = list(points)
        by_index = sorted(found, key=lambda point: point.index)
        self._starts = [point.index for point in by_index]
        self._latest: list[int] = []
        for point in by_index:
            self._latest.append(max([point.time, *self._latest[-1:]]))
        by_size = sorted(found, key=lambda point: point.size)
        self._sizes = [point.size for point in by_size]
        self._earliest: list[int] = []
        for point in reversed(by_size):
            self._earliest.append(min([point.time, *self._earliest[-1:]]))
        self._earliest.reverse()

    def of(self, index: int) -> Window:
        """Return the window of one record."""
        before = bisect_right(self._starts, index)
        after = bisect_right(self._sizes, index)
        return Window(
            self._latest[before - 1] if before else None,
            self._earliest[after] if after < len(self._earliest) else None,
        )


def point_of(index: int, leaf: Mapping[str, object]) -> TimePoint | None:
    """Return what an `anchor` record says of itself; None if it bears no checked time."""
    seen = seen_of(dict(leaf))
    size, moment = seen.get("size"), seen.get("time")
    if seen.get("kind") not in _TIMED or not seen.get("verified") or type(size) is not int:
        return None
    if not isinstance(moment, str) or not moment.isdigit() or len(moment) > 19:
        return None
    return TimePoint(index, size, int(moment))
