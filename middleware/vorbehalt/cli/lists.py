"""Which address lists a command judges by: those of today, or those of a day in the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vorbehalt.identify.networks import RangeList, read_range_lists
from vorbehalt.lookups.range_files import current_lists, lists_at
from vorbehalt.settings import Settings

_NS_PER_HOUR = 3_600_000_000_000
_KEPT_HOURS = 64


def lists_now(settings: Settings) -> Mapping[str, RangeList]:
    """Return the lists in force: fetched ones over those of the rules."""
    directory = settings.ranges_directory
    shipped = read_range_lists(settings.rules_documents)
    if directory is None or not directory.is_dir():
        return shipped
    return current_lists(shipped, directory)


def lists_of_the_time(settings: Settings) -> Callable[[int], Mapping[str, RangeList]]:
    """Return a function that gives, for a time (nanoseconds UTC), the lists fetched nearest to it."""
    shipped = read_range_lists(settings.rules_documents)
    directory = settings.ranges_directory
    known: dict[int, Mapping[str, RangeList]] = {}

    def find(at: int) -> Mapping[str, RangeList]:
        if directory is None or not directory.is_dir():
            return shipped
        hour = at // _NS_PER_HOUR
        if hour not in known:
            if len(known) >= _KEPT_HOURS:
                known.pop(next(iter(known)))
            known[hour] = lists_at(directory, at, shipped)
        return known[hour]

    return find
