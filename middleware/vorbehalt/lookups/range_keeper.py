"""Keeps the address lists fresh in the background: each when it is due, with a back-off after failure."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from vorbehalt.identify.networks import RangeList, read_range_lists
from vorbehalt.lookups.range_files import Keep, RangeFiles, RangesBusyError, current_lists
from vorbehalt.lookups.ranges import Fetch, Refreshed, list_sources, refresh
from vorbehalt.lookups.thread import LookupThread

log = logging.getLogger("vorbehalt.lookups")

PERIOD: Final = 20 * 3_600_000_000_000
"""Nanoseconds between two fetches: a miss counts for 24 h, which leaves time for a second try."""
FIRST_RETRY: Final = 15 * 60_000_000_000
TICK_SECONDS: Final = 60.0
_CLOCK_ERROR: Final = 3_600_000_000_000


def due(now: int, last: int | None, failures: int, jitter: int = 0) -> bool:
    """True if a list should be fetched now.

    `last` is the time of the last attempt (None: never), `failures` how many have failed since the last
    success, `jitter` what is added to the period. All in nanoseconds. Waits double from 15 minutes on.
    """
    if last is None or last > now + _CLOCK_ERROR:
        # A time in the future is a clock that was wrong.
        return True
    wait = PERIOD + jitter
    if failures:
        wait = min(wait, FIRST_RETRY << min(failures - 1, 16))
    return now - last >= wait


class RangeKeeper:
    """Refreshes the lists of the rules in the look-up thread and hands on every change.

    `on_change` is called in that thread with all lists in force, first with those already on disk. Of several
    processes with one directory one fetches, the others read. `jitter` (nanoseconds) spreads many sites.
    """

    def __init__(
        self,
        thread: LookupThread,
        documents: Mapping[str, bytes],
        directory: Path,
        *,
        fetch: Fetch,
        on_change: Callable[[dict[str, RangeList]], None],
        keep: Keep | None = None,
        jitter: int = 0,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.errors = 0
        """Rounds that ended in an error of ours; requests went on."""
        self.results: dict[str, Refreshed] = {}
        """What became of each list in this process."""
        self._thread = thread
        self._documents = documents
        self._directory = directory
        self._fetch = fetch
        self._on_change = on_change
        self._keep = keep
        self._jitter = jitter
        self._clock = clock
        self._sleep = sleep
        self._shipped = read_range_lists(documents)
        self._sources = list_sources(documents)
        self._seen: tuple[int, int] | None = None
        self._attempts: dict[str, tuple[int, int]] = {}
        self._stopped = False

    def start(self) -> bool:
        """Begin in the look-up thread, which must run; False if it took nothing more."""
        self._stopped = False
        return self._thread.submit(self.run)

    def stop(self) -> None:
        """End after the round under way; stopping the thread ends that too."""
        self._stopped = True

    async def run(self) -> None:
        """Look every minute whether a list is due."""
        while not self._stopped:
            try:
                await self.round()
            except Exception:
                # Nobody else would start it again, and lists that rot in silence are worse than a counter.
                self.errors += 1
                log.exception("the address lists could not be refreshed; the next try is in a minute")
            await self._sleep(TICK_SECONDS)

    async def round(self) -> None:
        """Take up what another process fetched, fetch what is due, and hand on a change."""
        self._take_up()
        names = self._due()
        if not names:
            return
        try:
            results = await refresh(
                self._documents,
                self._directory,
                fetch=self._fetch,
                keep=self._keep,
                only=names,
                clock=self._clock,
            )
        except RangesBusyError:
            return
        for result in results:
            self.results[result.list] = result
            if not result.is_fine:
                log.warning("address list %s: %s: %s", result.list, result.outcome, result.reason)
        self._take_up()

    def _due(self) -> list[str]:
        now = self._clock()
        return [
            name
            for name, source in self._sources.items()
            if not source.why_not and due(now, *self._last(name, now), self._jitter)
        ]

    def _last(self, name: str, now: int) -> tuple[int, int]:
        """Time of the last attempt, and how many have failed since the last success."""
        shipped = self._shipped[name].fetched_at
        known = self._attempts.get(name)
        # The order of lines counts, not their times: those of a clock that was wrong end with the next line.
        return (shipped, 0) if known is None or known[0] < shipped <= now else known

    def _take_up(self) -> None:
        """Read the index if it has grown since, and hand on the lists in force."""
        files = RangeFiles(self._directory)
        try:
            found = files.index.stat()
        except FileNotFoundError:
            return
        seen = (found.st_mtime_ns, found.st_size)
        if seen == self._seen:
            return
        attempts: dict[str, tuple[int, int]] = {}
        for one in files.attempts():
            failures = attempts.get(one.list, (0, 0))[1] + 1 if one.outcome == "failed" else 0
            attempts[one.list] = (one.fetched_at, failures)
        self._attempts = attempts
        self._on_change(current_lists(self._shipped, self._directory))
        self._seen = seen
