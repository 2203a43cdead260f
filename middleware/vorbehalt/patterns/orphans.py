"""Page views of which it is not known yet whether anything follows them. Pure; times are nanoseconds UTC.

A browser asks for style sheets, scripts and pictures within seconds. A view after which nothing came for
`soon` is taken for an orphan, until `late` it can still turn out that it was none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from vorbehalt.patterns.cohort import Bucket, Cohort

WAITING: Final = 2_048


class View:
    """A page view that carries no sign of a reader. `is_deep`: no reader had asked for its path by then.

    `buckets`: where it was counted as an orphan; None before that.
    """

    __slots__ = ("address", "at", "buckets", "cohorts", "counted_deep", "is_dead", "is_deep", "key", "path")

    def __init__(
        self, key: int, address: int, path: int, cohorts: tuple[Cohort, ...], at: int, *,
        is_deep: bool, is_dead: bool,
    ) -> None:  # fmt: skip
        self.key = key
        self.address = address
        self.path = path
        self.cohorts = cohorts
        self.at = at
        self.is_deep = is_deep
        self.is_dead = is_dead
        self.counted_deep = False
        self.buckets: tuple[Bucket, ...] | None = None


class Waiting:
    """The first such view of each client, by its key, for a minute. At most `limit` of them.

    Where more come, those that are counted already go first; then the oldest, uncounted: in doubt, nothing.
    """

    __slots__ = ("_late", "_limit", "_old", "_soon", "_young", "by_client")

    def __init__(self, soon: int, late: int, limit: int = WAITING) -> None:
        self.by_client: dict[int, View] = {}
        self._young: deque[View] = deque()
        self._old: deque[View] = deque()
        self._soon = soon
        self._late = late
        self._limit = limit

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def add(self, view: View) -> None:
        """Wait for what follows a view of a client that is not waited for."""
        if len(self) >= self._limit:
            self._forget((self._old or self._young).popleft())
        self.by_client[view.key] = view
        self._young.append(view)

    def came(self, key: int) -> View | None:
        """Something followed: return the view of this client, which is waited for no more."""
        return self.by_client.pop(key, None)

    def orphans(self, now: int) -> Iterator[View]:
        """The views that have waited long enough to be counted as orphans."""
        young, old = self._young, self._old
        while young and now - young[0].at >= self._soon:
            view = young.popleft()
            if self.by_client.get(view.key) is view:
                old.append(view)
                yield view
        while old and now - old[0].at >= self._late:
            self._forget(old.popleft())

    def clear(self) -> None:
        """Wait for nothing more; what was not counted is never counted."""
        self.by_client.clear()
        self._young.clear()
        self._old.clear()

    def _forget(self, view: View) -> None:
        if self.by_client.get(view.key) is view:
            del self.by_client[view.key]
