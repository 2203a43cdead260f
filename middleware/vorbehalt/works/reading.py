"""Which reader a file of a catalogue needs: by the end of its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from vorbehalt.works.csv_reader import read_csv
from vorbehalt.works.entry import Entry, Notes
from vorbehalt.works.json_ld import read_html
from vorbehalt.works.json_reader import read_json
from vorbehalt.works.pattern import UrlPattern
from vorbehalt.works.sitemap import read_sitemap

KINDS = (".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".htm")


def kind_of(name: str) -> str:
    """Return the end of a file's name by which its reader is chosen; empty if there is none."""
    return next((end for end in KINDS if name.lower().endswith(end)), "")


def read_entries(
    name: str, stream: BinaryIO, patterns: tuple[UrlPattern, ...], notes: Notes, *, address: str = "/"
) -> Iterator[Entry]:
    """Yield the entries of one file. `address` is the path or URL of an HTML page."""
    kind = kind_of(name)
    if kind in (".csv", ".tsv"):
        return read_csv(stream, notes)
    if kind in (".json", ".jsonl"):
        return read_json(stream, notes)
    if kind == ".xml":
        return read_sitemap(stream, patterns, notes)
    return read_html(stream, address, notes)
