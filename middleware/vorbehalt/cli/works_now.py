"""The catalogue of works for one command: read at once, and what is wrong with it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vorbehalt.cli.output import note
from vorbehalt.edge.works_watch import WorksWatch
from vorbehalt.errors import Problem
from vorbehalt.settings import Settings
from vorbehalt.works.entry import Work
from vorbehalt.works.index import WorksIndex


def works_now(settings: Settings) -> WorksWatch:
    """Return the works of a configuration; the callback of an application is not known here."""
    watch = WorksWatch(None, lambda: None, for_command=True).under(settings)
    watch.read_now()
    for sentence in watch.sentences():
        note(sentence)
    return watch


def catalogue_problems(settings: Settings) -> tuple[WorksWatch, list[Problem], list[Problem]]:
    """Read every catalogue afresh; return the works, its errors, and what should be looked at."""
    watch = WorksWatch(None, lambda: None, for_command=True).under(settings)
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for file, built in watch.read_now(afresh=True):
        errors += _all_of(file, "V039", built.problems, built.flawed)
        warnings += _all_of(file, "V128", built.remarks, built.remarked)
    return watch, errors, warnings


def _all_of(file: str, id: str, said: list[Problem], counted: int) -> list[Problem]:
    found = [replace(problem, id=id) for problem in said]
    if counted > len(said):
        message = f"and {counted - len(said)} more in the catalogue"
        found.append(Problem(file, 0, "works.catalogue", id, message))
    return found


def named(works: tuple[str, ...]) -> dict[str, object]:
    """Return the part of a verdict's public form that names works, as in a record."""
    return {"work": works[0] if works else None, **({"works": list(works)} if len(works) > 1 else {})}


def titles_in(index: WorksIndex | None) -> Callable[[str], str]:
    """Return what finds the title of a work, in brackets; empty where none is known."""

    def title(id: str) -> str:
        work = None if index is None else index.work(id)
        return f" ({work.title})" if work is not None and work.title else ""

    return title


def catalogue_size(watch: WorksWatch, settings: Settings) -> int | None:
    """Return how many works the catalogues of all hosts hold; None without any."""
    indexes = _indexes(watch, settings)
    if len(indexes) > 1:
        return len({id for index in indexes for id in index.ids()})
    return indexes[0].counts.works if indexes else None


def work_of(watch: WorksWatch, settings: Settings) -> Callable[[str], Work | None]:
    """Return what finds all that any catalogue says of a work."""
    indexes = _indexes(watch, settings)

    def work(id: str) -> Work | None:
        return next((found for index in indexes if (found := index.work(id)) is not None), None)

    return work


def _indexes(watch: WorksWatch, settings: Settings) -> list[WorksIndex]:
    hosts = (settings.default_host, *settings.hosts)
    found = {id(index): index for host in hosts if (index := watch.index_of(host)) is not None}
    return list(found.values())


def titles_of(watch: WorksWatch, settings: Settings) -> Callable[[str], str]:
    """Return what finds the title of a work in any catalogue; empty where none is known."""
    indexes = _indexes(watch, settings)

    def title(id: str) -> str:
        found = (work.title for index in indexes if (work := index.work(id)) is not None and work.title)
        return next(found, "")

    return title


def has_work(watch: WorksWatch, settings: Settings) -> Callable[[str, str], bool]:
    """Return what says whether a work is found at a host and a decoded, normal path."""
    by_name = {name: host for host in settings.hosts for name in host.names}

    def found(host: str, path: str) -> bool:
        return bool(watch.works_on(by_name.get(host, settings.default_host), host, path))

    return found
