"""Catalogues in texts and files, for tests."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from vorbehalt.stores.works_file import Sources, build_index
from vorbehalt.works.entry import Entry, Notes
from vorbehalt.works.index import WorksIndex
from vorbehalt.works.pattern import UrlPattern
from vorbehalt.works.reading import read_entries


def entries_of(name: str, text: str | bytes, *patterns: str, address: str = "/") -> tuple[list[Entry], Notes]:
    """Read one file of a catalogue."""
    notes = Notes()
    body = text.encode() if isinstance(text, str) else text
    compiled = tuple(map(UrlPattern.of, patterns))
    return list(read_entries(name, BytesIO(body), compiled, notes, address=address)), notes


def flaws_of(notes: Notes) -> list[str]:
    """Return what is wrong, as LINE: message."""
    return [f"{flaw.line}: {flaw.message}" for flaw in notes.flaws]


def index_of(
    tmp_path: Path, text: str, *, name: str = "works.csv", hosts: tuple[str, ...] = ()
) -> WorksIndex:
    """Write and index a catalogue that is fine."""
    path = tmp_path / name
    path.write_text(text, "utf-8")
    built = build_index(Sources((str(path),), hosts=frozenset(hosts)), tmp_path / "state")
    assert built.index is not None, built.problems
    return built.index
