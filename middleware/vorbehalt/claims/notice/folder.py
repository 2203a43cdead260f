"""Letters as folders: everything is written beside its place first and renamed when it is whole."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from vorbehalt.errors import ClaimError


class Outbox:
    """What is being written into a folder `out`. Nothing of it is there before `deliver`."""

    def __init__(self, out: Path, staging: Path) -> None:
        self._out = out
        self._staging = staging

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write the files of one letter."""
        place = self._staging / folder
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)

    def path(self, name: str) -> Path:
        """Return where a file that belongs to all letters is written."""
        return self._staging / name

    def deliver(self) -> None:
        """Rename everything into its place. Raises ClaimError if something is there already."""
        ready = sorted(self._staging.iterdir())
        for path in ready:
            if path.is_dir() and (self._out / path.name).exists():
                raise ClaimError(f"{self._out / path.name} is there already; give another folder with --out")
        for path in ready:
            path.rename(self._out / path.name)


@contextlib.contextmanager
def outbox(out: Path) -> Iterator[Outbox]:
    """Open a folder for writing; what was not delivered goes. Raises OSError if it cannot be written to."""
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))
    try:
        yield Outbox(out, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def folder_name(number: str, legal_name: str, kind: str) -> str:
    """Return the name of a letter's folder: ASCII letters, digits and hyphens, whatever the name holds."""
    plain = unicodedata.normalize("NFKD", legal_name).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return "-".join(filter(None, (number, slug, kind)))
