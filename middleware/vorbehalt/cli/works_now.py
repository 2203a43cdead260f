"""The catalogue of works for one command: read at once, and what is wrong with it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vorbehalt.cli.output import note
from vorbehalt.edge.works_watch import WorksWatch
from vorbehalt.errors import Problem
from vorbehalt.settings import Settings
from vorbehalt.settings.works import works_sources
from vorbehalt.stores.works_file import build_index
from vorbehalt.works.index import WorksIndex


def works_now(settings: Settings) -> WorksWatch:
    """Return the works of a configuration; the callback of an application is not known here."""
    watch = WorksWatch(None, lambda: None, for_command=True).under(settings)
    watch.read_now()
    for sentence in watch.sentences():
        note(sentence)
    return watch


def catalogue_problems(settings: Settings) -> tuple[list[Problem], list[Problem]]:
    """Read every catalogue of a configuration; return its errors, and what should be looked at."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    seen: set[str] = set()
    for host in (settings.default_host, *settings.hosts):
        sources = works_sources(settings, host)
        if sources is None or sources.name in seen:
            continue
        seen.add(sources.name)
        built = build_index(sources, None)
        errors += built.problems
        warnings += [replace(remark, id="V127") for remark in built.remarks]
        for kept, counted in ((errors, built.flawed), (warnings, built.remarked)):
            shown = len(built.problems if kept is errors else built.remarks)
            if counted > shown:
                kept.append(
                    Problem(
                        sources.files[0],
                        0,
                        "works.catalogue",
                        "V039" if kept is errors else "V127",
                        f"and {counted - shown} more of the catalogue",
                    )
                )
    return errors, warnings


def named(works: tuple[str, ...]) -> dict[str, object]:
    """Return the part of a verdict's public form that names works, as in a record."""
    return {"work": works[0] if works else None, **({"works": list(works)} if len(works) > 1 else {})}


def titles_in(index: WorksIndex | None) -> Callable[[str], str]:
    """Return what finds the title of a work, in brackets; empty where none is known."""

    def title(id: str) -> str:
        work = None if index is None else index.work(id)
        return f" ({work.title})" if work is not None and work.title else ""

    return title
