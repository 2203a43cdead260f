"""Knowledge as data: who crawls, for what, and how to verify it. The version is a calendar date."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

__all__ = ["__version__", "documents"]

__version__ = "2026.11.26"

_SUFFIXES = (".toml", ".json")


def documents(path: str | None = None) -> dict[str, bytes]:
    """All documents of the rules by name (`operators/openai.toml`), overlaid by the folder `path`.

    A file of the same name replaces ours, a new name is added; only `.toml` and `.json` files count, and no
    name that begins with a dot. The result is ordered by name. Raises ValueError if `path` is no folder or
    cannot be read.
    """
    found = _below(resources.files(__name__), "")
    if path is not None:
        folder = Path(path)
        if not folder.exists():
            raise ValueError(f"the rules folder {path} does not exist")
        if not folder.is_dir():
            raise ValueError(f"the rules path {path} is not a folder")
        try:
            found.update(_below(folder, ""))
        except OSError as error:
            raise ValueError(f"the rules folder {path} cannot be read: {error.strerror}") from error
    return dict(sorted(found.items()))


def _below(folder: Traversable, prefix: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.name.startswith((".", "__")):
            continue
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            found.update(_below(entry, f"{name}/"))
        elif entry.name.endswith(_SUFFIXES) and entry.is_file():
            found[name] = entry.read_bytes()
    return found
