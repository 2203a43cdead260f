"""What workers share while they run: limits and nonces, in their own memory or by way of Redis."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vorbehalt.lookups.keys import NonceMemory, NonceStore
from vorbehalt.settings.model import Settings, StateSettings
from vorbehalt.stores.counters import Counters
from vorbehalt.stores.memory import MemoryLimits

if TYPE_CHECKING:
    from vorbehalt.stores.redis.courier import Courier
    from vorbehalt.stores.redis.hybrid import HybridLimits
    from vorbehalt.stores.redis.strict import StrictLimits

_ALONE = "limits are counted by each worker for itself: Redis: "
_UNDECIDED = "quotas of crawlers are not decided by Redis (state.strict), but in each worker: "


class Sharing:
    """The stores of one process. Redis is imported only where `state.redis` names one. Starts nothing itself.

    Every failure of the store is counted.
    """

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self.limits = MemoryLimits()
        self.nonces: NonceStore = NonceMemory()
        self.strict: StrictLimits | None = None
        self._courier: Courier | None = None
        self._shared: HybridLimits | None = None
        self._counters = counters
        if settings.state.redis is not None:
            self._share(settings.state, with_nonces=settings.network.signatures)

    def _share(self, state: StateSettings, *, with_nonces: bool) -> None:
        from vorbehalt.stores.redis.courier import Courier
        from vorbehalt.stores.redis.hybrid import HybridLimits
        from vorbehalt.stores.redis.link import Link
        from vorbehalt.stores.redis.nonces import SharedNonces
        from vorbehalt.stores.redis.script import Names
        from vorbehalt.stores.redis.strict import StrictLimits

        place = state.place
        self.limits = self._shared = limits = HybridLimits(Names(place))
        self._courier = Courier(Link(place), [limits.exchange], on_error=self._count_error)
        if with_nonces:
            self.nonces = nonces = SharedNonces(place, NonceMemory())
            self._courier.errands.append(nonces.exchange)
        if state.strict:
            self.strict = StrictLimits(place, limits, on_trouble=lambda _: self._count_error())

    def _count_error(self) -> None:
        self._counters.inc("vorbehalt_store_errors_total", ())

    def start(self) -> None:
        """Start the thread that talks to Redis, and connect in the running event loop; idempotent."""
        if self._courier is not None:
            self._courier.start()
        if self.strict is not None:
            with suppress(RuntimeError):  # no loop runs: the first that asks connects
                self.strict.start()

    def stop(self) -> None:
        """End it, and the connections of all event loops."""
        if self.strict is not None:
            self.strict.stop()
        if self._courier is not None:
            self._courier.stop()

    def forked(self) -> None:
        """Called in a child process, which begins anew."""
        if self.strict is not None:
            self.strict.forked()
        if self._courier is not None:
            self._courier.forked()
        if self._shared is not None:
            self._shared.forked()

    def sentences(self) -> list[str]:
        """Say what is wrong with the store, for whoever runs the site."""
        if self._courier is not None and self._courier.problem:
            return [_ALONE + self._courier.problem]
        if self.strict is not None and self.strict.problem:
            return [_UNDECIDED + self.strict.problem]
        return []
