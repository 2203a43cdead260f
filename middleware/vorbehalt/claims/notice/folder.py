"""Letters as folders: everything is written beside its place first and renamed when it is whole."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from vorbehalt.errors import ClaimError
from vorbehalt.evidence.bundle.folder import hold_directory
from vorbehalt.evidence.files import is_abandoned


class Outbox:
    """What is being written into a folder `out`. Nothing of it is there before `deliver`."""

    def __init__(self, out: Path, staging: Path) -> None:
        self._out = out
        self._staging = staging
        self.is_delivering = False
        self.left: list[Path] = []
        """Folders of runs that were killed before their letters were in place."""

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write the files of one letter. Raises ClaimError if its place is taken."""
        if (self._out / folder).exists():
            raise ClaimError(f"{self._out / folder} is there already; give another folder with --out")
        place = self._staging / folder
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)

    def path(self, name: str) -> Path:
        """Return where a file that belongs to all letters is written."""
        return self._staging / name

    def deliver(self) -> None:
        """Rename everything into its place. Raises OSError; what was not renamed then stays where it is."""
        self.is_delivering = True
        for path in sorted(self._staging.iterdir()):
            path.rename(self._out / path.name)


@contextlib.contextmanager
def outbox(out: Path) -> Iterator[Outbox]:
    """Open a folder for writing; what is not delivered goes. Raises OSError if it cannot be written to."""
    out.mkdir(parents=True, exist_ok=True)
    rests = [rest for rest in sorted(out.glob(".writing-*")) if rest.is_dir() and is_abandoned(rest)]
    staging = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))
    lock = hold_directory(staging)
    box = Outbox(out, staging)
    for rest in rests:
        # What a killed run had entered is not thrown away; whether it had is for the register to say.
        if any(rest.iterdir()):
            box.left.append(rest)
        else:
            rest.rmdir()
    try:
        yield box
    finally:
        os.close(lock)
        # Letters that are entered are never thrown away.
        if not box.is_delivering or not any(staging.iterdir()):
            shutil.rmtree(staging, ignore_errors=True)


def folder_name(number: str, legal_name: str, kind: str) -> str:
    """Return the name of a letter's folder: ASCII letters, digits and hyphens, whatever the name holds."""
    plain = unicodedata.normalize("NFKD", legal_name).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return "-".join(filter(None, (number, slug, kind)))
