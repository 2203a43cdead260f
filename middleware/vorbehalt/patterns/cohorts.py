"""The cohorts of one worker, and the campaigns among them: fleets of which each address asks only once.

Nothing that one client does shows such a fleet; what its cohort does may: a network or a shape of headers
whose page views suddenly all come from different addresses, for pages that no reader asks for, and with
nothing after them. Pure; times are nanoseconds UTC.

Bounded, 8 MB at most: 2,000 cohorts (3 MB), 2,048 views that are waited for (1.5 MB), the paths of a week or
two (3 MB), a sketch of addresses (0.5 MB).
"""

from __future__ import annotations

from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.busiest import Busiest
from vorbehalt.patterns.campaign import Campaign, Running, Thresholds
from vorbehalt.patterns.client import JITTER
from vorbehalt.patterns.clients import prefix_of
from vorbehalt.patterns.cohort import Bucket, Cohort, Usual
from vorbehalt.patterns.cohort_keys import KINDS, CohortKey, Kind
from vorbehalt.patterns.orphans import WAITING, View, Waiting
from vorbehalt.patterns.paths import CAPACITY as PATHS
from vorbehalt.patterns.paths import PathMemory
from vorbehalt.patterns.seen import Inputs
from vorbehalt.patterns.sketches import HOUR, SECOND, CountMin
from vorbehalt.patterns.spots import Spot

CAPACITY: Final = 2_000
CAMPAIGNS: Final = 64
"""Campaigns that may run at once; a further one is not declared."""

_LOOK: Final = 8
"""A cohort is looked at whenever so many more deep orphans were counted."""

_ANEW: Final = 1.25
"""What is said of a campaign is brought up to date when it has grown by so much, or shrunk."""

_BACK: Final = int(JITTER * SECOND)
_MASK: Final = (1 << 64) - 1
_ODD: Final = 0x9E3779B97F4A7C15


class Cohorts:
    """All cohorts of one worker. `is_on` is False where assets do not pass us: then nothing is ever found.

    `strong`: points from which contradictions limit by themselves, and make a cohort.
    """

    def __init__(
        self,
        book: Book,
        inputs: Inputs,
        *,
        capacity: int = CAPACITY,
        waiting: int = WAITING,
        paths: int = PATHS,
    ) -> None:
        definition = book.definition("cohort.orphans")
        self.is_on = definition.needs <= inputs.given
        self.inputs = inputs
        self.strong = book.levels["limit"]
        self._definition = definition
        self._limits = Thresholds.of(definition)
        self._paths = PathMemory(paths)
        self._waiting = Waiting(self._limits.soon, self._limits.late, waiting)
        self._kinds = self._tables(capacity)
        self.running: dict[str, Running] = {}
        self._spent = CountMin()
        self._began: int | None = None
        self._now = 0
        #: Views by client key that wait for an asset: `note_asset` needs to be told of these clients only.
        self.waiting = self._waiting.by_client
        #: Some of the paths that readers ask for. Of a known reader's pages only others need be told.
        self.read_paths = self._paths.front

    def __len__(self) -> int:
        return sum(len(table) for table in self._kinds.values())

    def note_path(self, path: int, now: int) -> None:
        """A known reader asked for a path; to be told where it is not among `read_paths`."""
        if self.is_on:
            self._paths.read(path, self._at(now), is_first=False)

    def note_page(
        self, key: int, address: str, spot: Spot, cohorts: tuple[CohortKey, ...], now: int, *,
        is_reader: bool, is_dead: bool = False,
    ) -> None:  # fmt: skip
        """Count a page view (GET, no prefetching, no declared tool) of the client of this key.

        `cohorts`: their keys (`cohorts_of`). `is_reader`: it carries a cookie or validator, or its client
        loaded assets within the hour; of a reader the first pages are enough. `is_dead`: the claimed browser
        is dead or never was.
        """
        if not self.is_on:
            return
        now = self._at(now)
        members = tuple([self._kinds[name.kind].meet(name.text, now) for name in cohorts])
        if is_reader:
            if key in self.waiting:
                self.note_asset(key, now)
            self._paths.read(spot.hash, now)
            for cohort in members:
                self._turn(cohort, now)
                cohort.current.views += 1
            return
        if key in self.waiting:
            # One voice for each client: what it does beyond that is for the findings on clients.
            return
        is_deep = spot.is_deep and spot.hash not in self._paths
        home = hash(prefix_of(address)) * _ODD & _MASK
        self._waiting.add(View(key, home, spot.hash, members, now, is_deep=is_deep, is_dead=is_dead))

    def note_asset(self, key: int, now: int) -> None:
        """A client loaded what belongs to a page, or proved in another way that it is a reader's."""
        now = self._at(now)
        view = self._waiting.came(key)
        if view is None:
            return
        self._paths.read(view.path, now)
        for cohort in view.cohorts:
            self._turn(cohort, now)
        if view.buckets is None:
            self._count_reader(view, now)
        else:
            self._take_back(view, view.buckets, now)

    def finding_for(
        self, cohorts: tuple[CohortKey, ...], spot: Spot, now: int, *, is_reader: bool
    ) -> Finding | None:
        """The finding of a page view that looks like those of a running campaign of its cohorts.

        To be asked before the view is noted. Whoever shows that it is a reader is no member, nor is a view of
        a page that readers ask for.
        """
        if is_reader or not self.running or not spot.is_deep:
            return None
        for name in cohorts:
            running = self.running.get(name.text)
            if running is not None and spot.hash not in self._paths:
                if self._at(now) - running.last_seen >= HOUR:
                    self._end(running)
                    continue
                return running.finding
        return None

    def campaigns(self, now: int) -> tuple[Campaign, ...]:
        """The campaigns that run, the largest first. One is over when its cohort was calm for an hour."""
        now = self._at(now)
        for running in list(self.running.values()):
            if now - running.last_seen >= HOUR:
                self._end(running)
        for running in self.running.values():
            running.update(running.cohort.measures(), self._definition)
        found = [running.state() for running in self.running.values()]
        return tuple(sorted(found, key=lambda campaign: (-campaign.addresses, campaign.cohort)))

    def _tables(self, capacity: int) -> dict[Kind, Busiest]:
        """A table for each kind, so that made-up headers cannot drive networks out: half for networks."""
        shares = {"network": 4, "headers": 3, "ja4": 1}
        return {kind: Busiest(capacity * shares[kind] // 8, self._forget) for kind in KINDS}

    def _at(self, now: int) -> int:
        """Time goes on: count the orphans that are due. A little late is now; far back, the clock was set."""
        if now < self._now:
            if self._now - now <= _BACK:
                return self._now
            self._set_back(now)
        self._now = now
        if self._began is None:
            self._began = now
        for view in self._waiting.orphans(now):
            self._count_orphan(view, now)
        return now

    def _set_back(self, now: int) -> None:
        self._waiting.clear()
        self._began = now
        for running in self.running.values():
            running.first_seen = min(running.first_seen, now)
            running.last_seen = min(running.last_seen, now)

    def _count_orphan(self, view: View, now: int) -> None:
        if self._spent.add(view.address, now) > self._limits.address_views:
            # One address that changes its headers each time is no fleet.
            self._waiting.came(view.key)
            return
        view.counted_deep = view.is_deep and view.path not in self._paths
        for cohort in view.cohorts:
            self._turn(cohort, now)
        view.buckets = tuple([cohort.current for cohort in view.cohorts])
        for cohort, bucket in zip(view.cohorts, view.buckets, strict=True):
            bucket.views += 1
            bucket.orphans += 1
            bucket.dead += view.is_dead
            bucket.candidates += view.is_deep
            running = self.running.get(cohort.key)
            if running is not None:
                running.members += view.is_deep
            if view.counted_deep:
                bucket.note_deep(view.address, view.path, view.at)
                if running is not None:
                    running.note(view.address, view.at)
                if bucket.deep % _LOOK == 0:
                    self._judge(cohort, now)

    def _count_reader(self, view: View, now: int) -> None:
        for cohort in view.cohorts:
            cohort.current.views += 1
            if view.is_deep:
                cohort.current.candidates += 1
                self._was_a_reader(cohort, cohort.current, now, is_new=True)

    def _take_back(self, view: View, buckets: tuple[Bucket, ...], now: int) -> None:
        for cohort, bucket in zip(view.cohorts, buckets, strict=True):
            bucket.orphans -= 1
            bucket.dead -= view.is_dead
            bucket.deep -= view.counted_deep
            if view.is_deep:
                self._was_a_reader(cohort, bucket, now, is_new=False)

    def _was_a_reader(self, cohort: Cohort, bucket: Bucket, now: int, *, is_new: bool) -> None:
        bucket.readers += 1
        running = self.running.get(cohort.key)
        if running is not None:
            running.members += is_new
            running.readers += 1
            self._judge(cohort, now)

    def _turn(self, cohort: Cohort, now: int) -> None:
        if cohort.turn(now, self._limits.baseline_days) and cohort.in_campaign:
            self._judge(cohort, now)

    def _judge(self, cohort: Cohort, now: int) -> None:
        counts = cohort.counts()
        running = self.running.get(cohort.key)
        if running is not None:
            if counts.views >= self._limits.addresses and not self._limits.still_hold(counts):
                self._end(running)
            elif counts.deep >= _ANEW * running.last_hour.deep or counts.deep < running.last_hour.deep:
                running.update(cohort.measures(), self._definition)
            return
        if len(self.running) >= CAMPAIGNS or not self._paths.knows_the_site:
            return
        usual = self._usual(cohort, now)
        # What cannot be a fleet by its counts is not measured.
        if self._limits.are_met(counts, usual) and self._limits.are_met(found := cohort.measures(), usual):
            self.running[cohort.key] = Running(cohort, found, usual, now, self._definition)

    def _usual(self, cohort: Cohort, now: int) -> Usual:
        watched = now - (self._began if self._began is not None else now)
        return cohort.usual_an_hour(now, watched, self._limits.baseline_days)

    def _end(self, running: Running) -> None:
        running.cohort.in_campaign = False
        del self.running[running.cohort.key]

    def _forget(self, cohort: Cohort) -> None:
        running = self.running.get(cohort.key)
        if running is not None and running.cohort is cohort:
            self._end(running)
