"""The demo's own folder: its configuration, its evidence, and a mark by which it knows them for its own."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.demo.catalogue import LABEL
from vorbehalt.demo.works import works_csv
from vorbehalt.errors import VorbehaltError

FOLDER = "vorbehalt-demo"
_MARK = ".vorbehalt-demo"
_OURS = ("evidence", "state")

_CONFIG = """\
# The configuration of the demo, written by `vorbehalt demo`. Yours looks the same.
format = 1

[site]
origin = "{origin}"
hosts = ["{host}"]
operator = "{label}"
contact = "mailto:licensing@mondkalk.example"
languages = ["en", "de"]
robots = "app"

[reservation]
capacity = "owner"
rightsholder = "{label}"

# Press releases are for everybody, machines included.
[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"

# Which works lie where: records name them.
[works]
catalogue = "works.csv"

[policy]
preset = "allow-search"
mode = "enforce"

[[policy.rule]]
name = "press-is-open"
match = {{ section = "press" }}
action = "allow"

[evidence]
directory = "evidence"
origin = "mondkalk.example/demo"

[state]
directory = "state"
"""


class WorkspaceError(VorbehaltError):
    """The demo's folder cannot be used."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Absolute paths of the demo's folder."""

    folder: Path

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    @property
    def config(self) -> Path:
        return self.folder / "vorbehalt.toml"

    def write_config(self, origin: str, host: str) -> None:
        """Write the configuration for a site at this origin, and the catalogue that it names."""
        (self.folder / "works.csv").write_text(works_csv(), "utf-8", newline="")
        self.config.write_text(_CONFIG.format(origin=origin, host=host, label=LABEL), "utf-8")


@contextmanager
def workspace(directory: Path) -> Iterator[Workspace]:
    """Make the folder `vorbehalt-demo` below a directory, or clear an older run out of it, and hold it.

    Only what an earlier demo made is removed: the folder must carry our mark. Raises WorkspaceError.
    """
    folder = directory.resolve() / FOLDER
    try:
        is_new = not folder.exists()
        if folder.is_symlink() or not (is_new or folder.is_dir()):
            raise WorkspaceError(f"{folder} is in the way: move it, or run the demo somewhere else")
        mark = folder / _MARK
        if not is_new and not mark.is_file() and any(folder.iterdir()):
            raise WorkspaceError(
                f"{folder} was not made by the demo and stays as it is: move it, or run the demo elsewhere"
            )
        folder.mkdir(exist_ok=True)
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WorkspaceError(f"{folder}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(f"another demo is running in {folder}") from None
        for name in _OURS:
            _remove(folder / name)
        (folder / ".gitignore").write_text("*\n", "utf-8")
        yield Workspace(folder)
    finally:
        os.close(descriptor)


def _remove(place: Path) -> None:
    if place.is_symlink():
        raise WorkspaceError(
            f"{place} is a link and is left alone: remove it, or run the demo somewhere else"
        )
    if place.exists():
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise WorkspaceError(f"{place}: {error.strerror or error}") from error
