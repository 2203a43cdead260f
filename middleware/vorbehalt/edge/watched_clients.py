"""The clients of one worker and what is known of their conduct: it outlives a reload that changes no rule."""

from __future__ import annotations

import logging

from vorbehalt.edge.assessing import Assessments
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.trap_links import TrapLinks, place_traps
from vorbehalt.edge.traps import followed, shared_secret
from vorbehalt.engine import Conduct, Engine, inputs_of
from vorbehalt.engine.conduct import Versions
from vorbehalt.patterns.book import Book
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.definition import Level
from vorbehalt.patterns.watch import Watch
from vorbehalt.settings import Settings
from vorbehalt.stores.counters import Counters

log = logging.getLogger("vorbehalt")


class WatchedClients:
    """Hands every configuration the same watch, as long as its rule book and its inputs are the same."""

    def __init__(self, versions: Versions, counters: Counters) -> None:
        self._versions = versions
        self._counters = counters
        self._told = False
        self.assessments = Assessments()
        self._secret: bytes | None = None
        self._watch: Watch | None = None

    @property
    def campaigns(self) -> int:
        """How many campaigns run, as far as this worker knows; may be asked from any thread."""
        cohorts = None if self._watch is None else self._watch.cohorts
        return 0 if cohorts is None else len(cohorts.running)

    def under(self, settings: Settings) -> Conduct:
        """Return the conduct to be judged under a configuration."""
        book = settings.book
        inputs = inputs_of(settings)
        watch = self._watch
        if watch is None or watch.inputs != inputs or _weights(watch.book) != _weights(book):
            # What was found under other rules would have to be weighed by them: it begins anew.
            watch = self._watch = Watch(book, inputs, cohorts=Cohorts(book, inputs))
            watch.on_failure = self._failed
        return Conduct(watch, settings.patterns, self._versions, trap=followed)

    def _failed(self, error: Exception) -> None:
        """A visit passes as if nothing had been found: counted each time, logged in full once."""
        self._counters.inc("vorbehalt_internal_errors_total", ())
        if not self._told:
            self._told = True
            log.error("a visit passes without a look at its conduct; more are only counted", exc_info=error)

    def place_traps(self, engine: Engine, addresses: AddressResolver) -> None:
        """Let the templates of every host that has a path for traps write links."""
        for plan in engine.plans():
            path = plan.settings.terms.trap_path
            if not path:
                continue  # a new plan has none, and what others placed is theirs
            if self._secret is None:
                self._secret = shared_secret(engine.settings.state.directory)
            place_traps(plan, TrapLinks(path, self._secret, addresses))


def _weights(book: Book) -> tuple[str, dict[Level, int]]:
    """What tells one book from another: the rules' documents, and the thresholds of the site."""
    return book.digest, dict(book.levels)
