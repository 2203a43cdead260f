"""A middleware that cannot do its work: said once, and counted for every request that passes."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from vorbehalt.edge import metrics
from vorbehalt.edge.gauges import Gauges
from vorbehalt.errors import VorbehaltError
from vorbehalt.stores.counters import Counters

log = logging.getLogger("vorbehalt")


class Unprotected:
    """Tells Prometheus of the requests that a wrong configuration lets pass; knows nothing else."""

    def __init__(self, failure: VorbehaltError) -> None:
        self.counters = Counters()
        self._failure = failure
        self._told = False

    def count(self) -> None:
        """Count one request that passes; the first is said as CRITICAL. Never raises."""
        if not self._told:
            self._told = True
            metrics.register(self)
            log.critical(
                "NOT PROTECTED: the configuration is wrong and requests pass through:\n%s", self._failure
            )
        self.counters.inc("vorbehalt_internal_errors_total")

    def gauges(self) -> Gauges:
        from vorbehalt import __version__

        return Gauges(health="red", evidence_health="red", software=__version__)

    def records(self) -> Mapping[str, int]:
        return {}

    def lost(self) -> Mapping[str, int]:
        return {}
