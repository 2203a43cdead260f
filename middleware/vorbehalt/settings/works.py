"""The table [works]: which files and URL patterns say what lies where."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.policy.tables import Table, shown
from vorbehalt.settings.model import HostSettings, Settings
from vorbehalt.settings.values import existing_file
from vorbehalt.stores.works_file import Sources
from vorbehalt.works.pattern import UrlPattern
from vorbehalt.works.reading import KINDS, kind_of


def read_works(table: Table, base: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the files of the catalogue, absolute, and the URL patterns.

    The files are only looked for: a large one takes a minute to read, and a site does not wait for that.
    """
    files = []
    for text in table.texts("catalogue", lone=True):
        if not kind_of(text):
            ends = ", ".join(KINDS)
            table.flaw("catalogue", "V039", f"{shown(text)} ends in none of {ends}, so its form is not known")
            continue
        files.append(str(existing_file(table, "catalogue", base, text)))
    patterns = []
    for text in table.texts("patterns", lone=True):
        try:
            patterns.append(UrlPattern.of(text).text)
        except ValueError as error:
            table.flaw("patterns", "V040", f"{shown(text)} {error}")
    return tuple(dict.fromkeys(files)), tuple(dict.fromkeys(patterns))


def works_sources(settings: Settings, host: HostSettings) -> Sources | None:
    """Return what the index of a host's catalogue is made of; None if it has no catalogue."""
    if not host.catalogue:
        return None
    return Sources(host.catalogue, host.work_patterns, settings.host_names)


def works_directory(settings: Settings) -> Path | None:
    """Return where the indexes lie; None if the state has no directory."""
    return None if settings.state.directory is None else settings.state.directory / "works"
