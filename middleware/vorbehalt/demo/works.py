"""The demo label's catalogue of works, as a label would export it: recordings, lyrics and covers by path."""

from __future__ import annotations

import csv
from io import StringIO

from vorbehalt.demo.catalogue import SONGS


def works_csv() -> str:
    """Return the catalogue in CSV: which works lie at which path, and in which right they are held."""
    out = StringIO()
    table = csv.writer(out)
    table.writerow(
        ("path", "id", "title", "contributors", "kind", "right", "basis", "territory", "from", "share")
    )
    for song in SONGS:
        since = f"{song.year}-01-01"
        people = song.artist.name
        for path, id, kind, right in (
            (f"/songs/{song.number}", f"isrc:{song.isrc}", "song", "recording"),
            (f"/audio/{song.number}.wav", f"isrc:{song.isrc}", "song", "recording"),
            (f"/lyrics/{song.number}", f"own:lyrics-{song.number}", "lyrics", "lyrics"),
            (f"/covers/{song.number}.svg", f"own:cover-{song.number}", "cover", "artwork"),
            (f"/covers/{song.number}.png", f"own:cover-{song.number}", "cover", "artwork"),
        ):
            table.writerow((path, id, song.title, people, kind, right, "owner", "world", since, "100"))
    return out.getvalue()
