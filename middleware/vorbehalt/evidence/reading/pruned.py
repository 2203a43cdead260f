"""A log whose beginning was pruned: where it can be read from, and which anchors stay without their records.

A pruned log keeps all tiles and so every proof; bundles of entries below a minimum are gone. A `prune` record
names that minimum and, as its first object, a list: `{"anchors": {FILE: SHA-256}, "objects": [SHA-256]}`, the
files in `anchors/` that stay although their records go, and the objects that go with their records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.tlog.tiles import ENTRIES, WIDTH, TileName, bundle_name

MAX_LIST_BYTES = 1 << 28
_FOLDER = "anchors/"
_HEX64 = re.compile(r"[0-9a-f]{64}")


def first_readable(directory: Path, size: int) -> int:
    """Return the index of the first entry of a log of `size` entries that was not pruned.

    Bundles go from the first on, so that the border is found by halves.
    """

    def is_here(number: int) -> bool:
        name = bundle_name(number * WIDTH, size)
        paths = {name.path, TileName(ENTRIES, number).path}
        return any((directory / "log" / path).is_file() for path in paths)

    low, high = 0, max(0, (size - 1) // WIDTH)
    if is_here(0):
        return 0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_here(middle) else (middle + 1, high)
    return low * WIDTH


def pruned_sentence(first: int) -> str:
    """Return what is said of a log that begins at an index above 0."""
    return (
        f"records below {first} were pruned: only their hashes are kept, the prune record in the log says why"
    )


def must_be_readable(index: int, first: int) -> None:
    """Raise EvidenceError if a record was pruned."""
    if index < first:
        raise EvidenceError(f"there is no record {index} any more: {pruned_sentence(first)}")


@dataclass(frozen=True, slots=True)
class PruneList:
    """What a `prune` record's list says: `anchors` (file -> SHA-256 hex) stay, `objects` go."""

    anchors: Mapping[str, str]
    objects: tuple[str, ...]


def _list_path(leaf: Mapping[str, object]) -> str:
    objects = leaf.get("objects")
    digest = objects[0] if isinstance(objects, list) and objects else None
    if not isinstance(digest, str):
        raise TamperError("the record names no list")
    return f"objects/sha256/{digest[:2]}/{digest}"


def read_list(leaf: Mapping[str, object], read: Callable[[str], bytes]) -> PruneList:
    """Return the list that a `prune` record names. `read` takes a path of the directory.

    Raises OSError, TamperError.
    """
    try:
        said = json.loads(read(_list_path(leaf)))
        anchors = {_name(path): str(digest) for path, digest in said["anchors"].items()}
        return PruneList(anchors, tuple(_digest(name) for name in said["objects"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TamperError("is no list of anchors and objects") from None


def _digest(name: str) -> str:
    if not _HEX64.fullmatch(name):
        raise TamperError("names what is no object")
    return name


def _name(path: str) -> str:
    if not path.startswith(_FOLDER):
        raise TamperError("names what is no anchor")
    return path.removeprefix(_FOLDER)
