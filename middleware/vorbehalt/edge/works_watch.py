"""Which works a visit asked for: from the site's callback, the catalogue as it is now, or a URL pattern.

A changed catalogue is read in a thread of its own, which rests between rows; until it is whole, and if it is
wrong, the last good one goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from vorbehalt.facts import Visit
from vorbehalt.settings import Settings
from vorbehalt.settings.model import HostSettings
from vorbehalt.settings.works import works_directory, works_sources
from vorbehalt.stores.works_file import Built, Busy, Sources, Stamp, build_index, open_index
from vorbehalt.works.builder import MAX_WORKS_AT_A_PLACE
from vorbehalt.works.identifiers import read_identifier
from vorbehalt.works.index import WorksIndex
from vorbehalt.works.pattern import UrlPattern, work_by

log = logging.getLogger("vorbehalt")

WorksCallback = Callable[[Visit], "str | Iterable[str] | None"]

_READ_AT_ONCE = 1024 * 1024
"""A catalogue of so many bytes is read at the start; a larger one while the site runs."""
_ROWS = 16
_REST_SECONDS = 0.0005


class WorksWatch:
    """The works of all hosts under the configuration in force. Starts no thread before `poll`.

    `for_command`: nothing is written to the state directory, which may be another user's, and nothing logged.
    """

    def __init__(
        self, callback: WorksCallback | None, on_fault: Callable[[], None], *, for_command: bool = False
    ) -> None:
        self._for_command = for_command
        self._callback = callback
        self._on_fault = on_fault
        self._said = False
        self._faults = 0
        self._hosts: dict[str, tuple[_Catalogue | None, tuple[UrlPattern, ...]]] = {}
        self._catalogues: dict[str, _Catalogue] = {}

    def under(self, settings: Settings) -> WorksWatch:
        """Take over a configuration; small catalogues that are new in it are read at once."""
        directory = works_directory(settings)
        catalogues: dict[str, _Catalogue] = {}
        hosts: dict[str, tuple[_Catalogue | None, tuple[UrlPattern, ...]]] = {}
        for host in (settings.default_host, *settings.hosts):
            sources = works_sources(settings, host)
            catalogue = None
            if sources is not None:
                catalogue = (
                    catalogues.get(sources.name)
                    or self._catalogues.get(sources.name)
                    or _Catalogue(sources, directory, self._for_command)
                )
                catalogues[sources.name] = catalogue
            hosts[host.key] = (catalogue, tuple(map(UrlPattern.of, host.work_patterns)))
        self._hosts, self._catalogues = hosts, catalogues
        return self

    def works_at(self, host: HostSettings, visit: Visit) -> tuple[str, ...]:
        """Return the ids of the works that a visit asked for. Never raises."""
        try:
            if self._callback is not None and (named := self._asked(visit)):
                return named
            return self.works_on(host, visit.host, visit.path)
        except Exception:  # no record is worth less for a work that is not named, and no answer waits
            self._fault("the catalogue of works could not be asked")
            return ()

    def works_on(self, host: HostSettings, name: str, path: str) -> tuple[str, ...]:
        """Return what catalogue and patterns say of a host's name and a decoded, normal path."""
        catalogue, patterns = self._hosts.get(host.key, (None, ()))
        index = None if catalogue is None else catalogue.index
        found = () if index is None else index.works_at(name, path)
        if not found and patterns and (work := work_by(patterns, path)) is not None:
            found = (work,)
        return found

    def _asked(self, visit: Visit) -> tuple[str, ...]:
        try:
            answer = self._callback(visit) if self._callback is not None else None
            named = (answer,) if isinstance(answer, str) else tuple(answer or ())
            return tuple(dict.fromkeys(map(read_identifier, named[:MAX_WORKS_AT_A_PLACE])))
        except Exception:  # it is the site's own code
            self._fault("the callback that names works failed")
            return ()

    def _fault(self, sentence: str) -> None:
        self._faults += 1
        self._on_fault()
        if not self._said:
            self._said = True
            log.exception("%s; records name no work then (said once)", sentence)

    def index_of(self, host: HostSettings) -> WorksIndex | None:
        """Return the index of a host's catalogue; None while there is none."""
        catalogue = self._hosts.get(host.key, (None, ()))[0]
        return None if catalogue is None else catalogue.index

    def read_now(self, *, afresh: bool = False) -> list[tuple[str, Built]]:
        """Read catalogues for a command, however long it takes; `afresh` those that have an index, too.

        Return the first file of each that was read, and what came of it.
        """
        built = [(catalogue.first, catalogue.read_now(afresh)) for catalogue in self._catalogues.values()]
        return [(file, outcome) for file, outcome in built if outcome is not None]

    def poll(self) -> None:
        """Have catalogues read that changed. Returns at once."""
        for catalogue in self._catalogues.values():
            catalogue.poll()

    def sentences(self) -> list[str]:
        """Return what should be looked at, for the health."""
        found = [catalogue.trouble for catalogue in self._catalogues.values() if catalogue.trouble]
        if self._faults:
            found.append(f"{self._faults} times the naming of works failed; the log says how")
        return found

    def stop(self) -> None:
        """Give up what is being read; a later `poll` begins again."""
        for catalogue in self._catalogues.values():
            catalogue.stop()

    def forked(self) -> None:
        """Called in a child process: the threads are the parent's."""
        for catalogue in self._catalogues.values():
            catalogue.forked()


class _Stopped(Exception):
    """The process is to end, and nobody needs the index any more."""


class _Catalogue:
    """One catalogue: its index, and what is wrong with the file."""

    def __init__(self, sources: Sources, directory: Path | None, for_command: bool) -> None:
        self._sources = sources
        self._for_command = for_command
        self._directory = directory
        self._tried: Stamp | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._rows = 0
        self.index: WorksIndex | None = None
        self.trouble = ""
        if for_command:
            return
        stamp = sources.stamp()
        if (there := open_index(sources, directory)) is not None:
            self.index, is_fresh = there
            if is_fresh:
                self._tried = stamp
                return
        if sum(entry[2] for entry in stamp if entry) <= _READ_AT_ONCE:
            self._read(stamp, None)
        else:
            self.trouble = "the catalogue of works is being read; until then records name no works"

    def poll(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        stamp = self._sources.stamp()
        if stamp == self._tried:
            return
        self._stopping = False
        thread = threading.Thread(
            target=self._read, args=(stamp, self._rest), name="vorbehalt-works", daemon=True
        )
        thread.start()
        # Not before it runs: somebody else may look, and wait for it.
        self._thread = thread

    def read_now(self, afresh: bool) -> Built | None:
        stamp = self._sources.stamp()
        if afresh:
            built = build_index(self._sources, None)
            self._take(stamp, built)
            return built
        self._read(stamp, None)
        return None

    @property
    def first(self) -> str:
        return self._sources.files[0]

    def _rest(self) -> None:
        """Let the site go on: a thread that reads row after row would slow its requests."""
        self._rows += 1
        if not self._rows % _ROWS:
            if self._stopping:
                raise _Stopped
            time.sleep(_REST_SECONDS)

    def _read(self, stamp: Stamp, pause: Callable[[], None] | None) -> None:
        try:
            if (there := open_index(self._sources, self._directory)) is not None and there[1]:
                self._take(stamp, Built(there[0], [], 0, [], 0))  # another worker was faster
                return
            place = None if self._for_command else self._directory
            self._take(stamp, build_index(self._sources, place, wait=pause is None, pause=pause))
        except (Busy, _Stopped):
            return  # looked at again with the next poll
        except Exception as error:  # whatever it is, the site starts and goes on
            self._tried = stamp
            self.trouble = f"the catalogue of works could not be read: {error}"
            self._tell("%s", self.trouble, trace=not isinstance(error, OSError))

    def _take(self, stamp: Stamp, built: Built) -> None:
        self._tried = stamp
        if built.index is None:
            goes_on = "the last good one goes on" if self.index is not None else "records name no works"
            more = f" and {built.flawed - 1} more" if built.flawed > 1 else ""
            self.trouble = f"the catalogue of works is wrong, {goes_on}: {built.problems[0]}{more}"
            self._tell(
                "the catalogue of works was not taken over, %s:\n%s",
                goes_on,
                "\n".join(map(str, built.problems)),
            )
            return
        self.index, self.trouble = built.index, ""
        log.info("catalogue of works: %d works at %d paths", *_size(built.index))

    def _tell(self, sentence: str, *said: str, trace: bool = False) -> None:
        if not self._for_command:
            log.error(sentence, *said, exc_info=trace)

    def stop(self) -> None:
        self._stopping = True

    def forked(self) -> None:
        self._thread = None


def _size(index: WorksIndex) -> tuple[int, int]:
    return index.counts.works, index.counts.places
